# Needs Rust, Python 3.10 or later, Node 20 or later with npm, and nothing else: what the Python side wants goes into a
# virtual environment in CACHE, what the Node side wants into node/node_modules.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
CACHE ?= .cache
CARGO_TARGET_DIR ?= target
override CACHE := $(abspath $(CACHE))
override CARGO_TARGET_DIR := $(abspath $(CARGO_TARGET_DIR))
RUFF_CACHE_DIR ?= $(CACHE)/ruff
MYPY_CACHE_DIR ?= $(CACHE)/mypy
PYTHONPYCACHEPREFIX ?= $(CACHE)/pycache
TOLLWAY_MOCK_PROVIDER ?= $(CARGO_TARGET_DIR)/debug/mock-provider
export CARGO_TARGET_DIR RUFF_CACHE_DIR MYPY_CACHE_DIR PYTHONPYCACHEPREFIX TOLLWAY_MOCK_PROVIDER

FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?= $(notdir $(wildcard fuzz/corpus/*))
NODE ?= node
VENV := $(CACHE)/venv
VENV_READY := $(VENV)/.ready
# The libraries that the benchmark measures beside Tollway, apart from what builds and tests it.
PEERS := $(CACHE)/peers
PEERS_READY := $(PEERS)/.ready
CARGO_DENY_VERSION := 0.20.2
CARGO_DENY := $(CACHE)/cargo-deny-$(CARGO_DENY_VERSION)/bin/cargo-deny
CARGO_CYCLONEDX_VERSION := 0.5.9
CARGO_CYCLONEDX := $(CACHE)/cargo-cyclonedx-$(CARGO_CYCLONEDX_VERSION)/bin/cargo-cyclonedx
KOTLIN_TARGET := $(CARGO_TARGET_DIR)/kotlin
# What Kotlin and Swift load, as the linker calls it on this system.
UNIFFI_LIBRARY := $(CARGO_TARGET_DIR)/debug/libtollway_uniffi.$(if $(filter Darwin,$(shell uname)),dylib,so)
NODE_READY := node/node_modules/.package-lock.json
PYTHON_CODE := python examples/python benches/python tests/system/load
# Beside what is in node/, which has scripts of its own.
NODE_CODE := examples/node benches/node tests/system/load/load.mjs
PRETTIER := node/node_modules/.bin/prettier --config node/.prettierrc.json
# Where the tests over several languages find the other two.
LANGUAGES := TOLLWAY_TEST_PYTHON=$(VENV)/bin/python TOLLWAY_TEST_NODE=$(NODE)
IN_VENV := VIRTUAL_ENV=$(VENV) PATH="$(VENV)/bin:$$PATH"

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: python-develop mock-provider ## run examples/python/quickstart.py against the mock provider
	@$(VENV)/bin/python examples/python/quickstart.py

.PHONY: test
test: test-rust test-python test-node test-scripts test-kotlin-if-installed test-system examples ## run every test

.PHONY: test-rust
test-rust: ## run the tests of the Rust crates
	cargo test --workspace --exclude tollway-python --exclude tollway-node --exclude tollway-system-tests \
	  --exclude tollway-examples

.PHONY: fuzz
fuzz: ## try every fuzz target for ten minutes, or FUZZ_SECONDS, one after another (FUZZ_TARGETS names some of them)
	cargo build --profile fuzzing -p tollway-fuzz
	for target in $(FUZZ_TARGETS); do $(CARGO_TARGET_DIR)/fuzzing/tollway-fuzz $$target --seconds $(FUZZ_SECONDS); done

.PHONY: test-python
test-python: python-develop mock-provider ## run the tests of the Python package
	$(VENV)/bin/python -m pytest -o cache_dir=$(CACHE)/pytest python/tests

.PHONY: test-node
test-node: node-develop mock-provider ## run the tests of the npm package
	cd node && npm test --silent
	cd node && node --expose-gc build/leak.js

.PHONY: test-scripts
test-scripts: ## run the tests of the scripts, and of what they generate: the price catalog and the types of the shells
	$(PYTHON) -m unittest discover scripts -p 'test_*.py'

.PHONY: kotlin-native
kotlin-native: ## build the native library of the Kotlin package, and generate what calls it
	cargo build -p tollway-uniffi
	cargo run --quiet -p tollway-uniffi-bindgen -- generate $(UNIFFI_LIBRARY) --language kotlin --no-format \
	  --out-dir $(KOTLIN_TARGET)/generated

.PHONY: test-kotlin
test-kotlin: kotlin-native mock-provider ## run the tests of the Kotlin package (wants a JDK from 17 on, and Maven)
	cd kotlin && mvn --quiet --batch-mode test -Dtollway.target=$(KOTLIN_TARGET) -Dtollway.generated=$(KOTLIN_TARGET)/generated \
	  -Dtollway.library=$(CARGO_TARGET_DIR)/debug

# Kotlin wants what the other languages do not: without it, its tests are left out, and said to be.
.PHONY: test-kotlin-if-installed
test-kotlin-if-installed:
	@if command -v mvn > /dev/null && command -v javac > /dev/null; then $(MAKE) test-kotlin; else \
	  echo "NOT TESTED: the Kotlin package, for want of a JDK or Maven (Debian: apt-get install openjdk-17-jdk-headless maven)"; fi

.PHONY: test-system
test-system: python-develop node-develop mock-provider ## run the tests over crashes, processes, languages and real connections
	$(LANGUAGES) cargo test -p tollway-system-tests

.PHONY: examples
examples: python-develop node-examples ## run the examples in every language, and compare what they print
	$(LANGUAGES) cargo test -p tollway-examples

.PHONY: lint
lint: lint-rust lint-shells lint-python lint-node lint-dependencies ## check format, lints, types and dependencies

.PHONY: lint-rust
lint-rust: ## check format and lints of the Rust crates
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

.PHONY: lint-shells
lint-shells: ## check that what is generated of the engine's types is fresh
	@cargo run --quiet -p tollway-schema -- --check
	@$(PYTHON) scripts/generate_shells.py --check

.PHONY: shells
shells: ## generate the types of the shells from those of the engine
	cargo run --quiet -p tollway-schema
	$(PYTHON) scripts/generate_shells.py

.PHONY: lint-python
lint-python: $(VENV_READY) ## check format, lints and types of the Python code
	$(VENV)/bin/ruff format --check $(PYTHON_CODE)
	$(VENV)/bin/ruff check $(PYTHON_CODE)
	cd python && $(VENV)/bin/mypy
	cd python && $(VENV)/bin/mypy ../examples/python
	cd python && $(VENV)/bin/mypy ../benches/python ../tests/system/load

.PHONY: lint-node
lint-node: $(NODE_READY) ## check format, lints and types of the TypeScript code
	cd node && npm run --silent lint
	$(PRETTIER) --check $(NODE_CODE)

.PHONY: lint-dependencies
lint-dependencies: $(CARGO_DENY) ## check dependencies against deny.toml, but for advisories, which need their database
	$(CARGO_DENY) check bans licenses sources

.PHONY: format
format: $(VENV_READY) $(NODE_READY) ## put all code into its format
	cargo fmt --all
	$(VENV)/bin/ruff format $(PYTHON_CODE)
	cd node && npm run --silent format
	$(PRETTIER) --write --log-level=warn $(NODE_CODE)

.PHONY: bench
bench: $(VENV_READY) $(PEERS_READY) $(NODE_READY) ## measure what the README quotes (builds with optimizations, which takes minutes)
	cargo build --release -p mock-provider -p tollway-benches -p tollway-node
	cd python && $(IN_VENV) maturin develop --release --quiet
	cd node && node scripts/native.mjs $(CARGO_TARGET_DIR)/release && npm run --silent build
	@TOLLWAY_MOCK_PROVIDER=$(CARGO_TARGET_DIR)/release/mock-provider TOLLWAY_BENCH_PYTHON=$(VENV)/bin/python \
	  TOLLWAY_BENCH_NODE=$(CURDIR)/node TOLLWAY_BENCH_PEERS=$(PEERS)/bin/python $(CARGO_TARGET_DIR)/release/tollway-benches

.PHONY: bench-pricing
bench-pricing: ## measure how fast usage is priced, on one core
	cargo build --release -p tollway-benches
	$(CARGO_TARGET_DIR)/release/tollway-pricing-bench

.PHONY: bench-quick
bench-quick: python-develop node-develop mock-provider $(PEERS_READY) ## see that the benchmark runs (without optimizations: its figures mean nothing)
	@TOLLWAY_BENCH_PYTHON=$(VENV)/bin/python TOLLWAY_BENCH_NODE=$(CURDIR)/node TOLLWAY_BENCH_PEERS=$(PEERS)/bin/python \
	  cargo run --quiet -p tollway-benches --bin tollway-benches -- --quick
	@cargo run --quiet -p tollway-benches --bin tollway-pricing-bench -- --quick

.PHONY: python-develop
python-develop: $(VENV_READY) ## build the Python package into its virtual environment
	@cd python && $(IN_VENV) maturin develop --quiet

.PHONY: node-develop
node-develop: $(NODE_READY) ## build the npm package and its native module in its folder
	@cargo build --quiet -p tollway-node
	@cd node && node scripts/native.mjs $(CARGO_TARGET_DIR)/debug && npm run --silent build

# What `npm install` would put there, if it did not yet: the package of this checkout, and the library that its tests use.
.PHONY: node-examples
node-examples: node-develop
	@mkdir -p examples/node/node_modules
	@test -e examples/node/node_modules/tollway || ln -sfn ../../../node examples/node/node_modules/tollway
	@test -e examples/node/node_modules/openai || ln -sfn ../../../node/node_modules/openai examples/node/node_modules/openai

.PHONY: mock-provider
mock-provider: ## build the server that plays model providers
	@cargo build --quiet -p mock-provider

# Makes an empty virtual environment. Debian splits ensurepip out of Python: then it is made without pip, and filled by the
# pip outside.
define make-venv
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or later is needed: set PYTHON to one")'
@rm -rf $(1)
@if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then $(PYTHON) -m venv $(1); \
elif $(PYTHON) -m pip --version >/dev/null 2>&1; then $(PYTHON) -m venv --without-pip $(1); \
else echo 'Python has neither ensurepip nor pip: install the package python3-venv of your system' >&2; exit 1; fi
endef
PIP_INTO = @pip="$(PYTHON) -m pip --python $(1)/bin/python"; test ! -e $(1)/bin/pip || pip="$(1)/bin/python -m pip"; \
  $$pip install --quiet --require-hashes

$(VENV_READY): python/requirements-dev.txt python/requirements-sdks.txt
	$(call make-venv,$(VENV))
	$(call PIP_INTO,$(VENV)) -r $<
	$(call PIP_INTO,$(VENV)) --no-deps -r python/requirements-sdks.txt
	@touch $@

$(PEERS_READY): benches/python/requirements-peers.txt
	$(call make-venv,$(PEERS))
	$(call PIP_INTO,$(PEERS)) -r $<
	@touch $@

# npm writes this file last. No script of a package is run.
$(NODE_READY): node/package-lock.json
	@cd node && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(CARGO_CYCLONEDX):
	env -u CARGO_TARGET_DIR cargo install cargo-cyclonedx --quiet --debug --locked \
	  --version $(CARGO_CYCLONEDX_VERSION) --root $(CACHE)/cargo-cyclonedx-$(CARGO_CYCLONEDX_VERSION)

# Unoptimized, because it is built once and runs for a second; and apart from the workspace's own builds.
$(CARGO_DENY):
	env -u CARGO_TARGET_DIR cargo install cargo-deny --quiet --debug --locked \
	  --version $(CARGO_DENY_VERSION) --root $(CACHE)/cargo-deny-$(CARGO_DENY_VERSION)

# Paths of the machine that builds stand in no package: they would tell of it, and make two builds of one commit differ.
PACKAGES ?= $(CARGO_TARGET_DIR)/packages
CARGO_HOME_FOLDER = $(or $(CARGO_HOME),$(HOME)/.cargo)
REMAPPED = --remap-path-prefix=$(CURDIR)=tollway --remap-path-prefix=$(CARGO_HOME_FOLDER)=cargo \
  --remap-path-prefix=$(shell rustc --print sysroot)=rust --remap-path-prefix=$(CARGO_TARGET_DIR)=target

.PHONY: packages
packages: $(VENV_READY) $(NODE_READY) ## build the wheel and the npm packages of this platform into PACKAGES, without paths of this machine
	rm -rf $(PACKAGES) && mkdir -p $(PACKAGES)
	cd python && RUSTFLAGS="$(REMAPPED)" $(IN_VENV) maturin build --release --locked --quiet --out $(PACKAGES)
	RUSTFLAGS="$(REMAPPED)" cargo build --release --locked -p tollway-node
	cd node && npm run --silent build && node scripts/native.mjs $(CARGO_TARGET_DIR)/release && node scripts/pack.mjs $(PACKAGES)
	$(PYTHON) scripts/check_packages.py $(PACKAGES) $(CURDIR) $(CARGO_HOME_FOLDER) $(HOME)

.PHONY: sbom
sbom: $(CARGO_CYCLONEDX) $(NODE_READY) ## list what goes into the packages, in CycloneDX's form, into PACKAGES
	mkdir -p $(PACKAGES)
	$(CARGO_CYCLONEDX) cyclonedx --manifest-path bindings/python/Cargo.toml --format json --spec-version 1.5 --override-filename tollway-sbom --quiet
	find . -name tollway-sbom.json -not -path './bindings/*' -not -path '*/node_modules/*' -delete
	sed 's#file://$(CURDIR)#file:///tollway#g' bindings/python/tollway-sbom.json > $(PACKAGES)/python.cdx.json
	sed 's#file://$(CURDIR)#file:///tollway#g' bindings/node/tollway-sbom.json > $(PACKAGES)/node-native.cdx.json
	find bindings -name tollway-sbom.json -delete
	cd node && npm sbom --omit dev --sbom-format cyclonedx > $(PACKAGES)/node.cdx.json

.PHONY: clean
clean: ## delete what was built
	cargo clean
	rm -rf node/dist node/build node/*.node node/node_modules examples/node/node_modules
	rm -rf $(VENV) $(PEERS) $(CACHE)/cargo-deny-* $(RUFF_CACHE_DIR) $(MYPY_CACHE_DIR) $(PYTHONPYCACHEPREFIX) $(CACHE)/pytest
