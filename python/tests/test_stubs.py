"""The hand-written declarations say what the native module has, and nothing else."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import get_args

import tollway
from tollway import _native

STUB = Path(tollway.__file__).with_name("_native.pyi")
# What every class has, and what Python adds to every module.
IMPLIED = {"__doc__", "__file__", "__loader__", "__name__", "__package__", "__spec__", "__all__"}


def parameters(function: ast.FunctionDef) -> list[str]:
    names = [argument.arg for argument in function.args.args]
    return [name for name in names if name not in {"self", "cls"}]


def declared() -> dict[str, dict[str, list[str]] | list[str]]:
    found: dict[str, dict[str, list[str]] | list[str]] = {}
    for node in ast.parse(STUB.read_text()).body:
        if isinstance(node, ast.ClassDef):
            methods = [member for member in node.body if isinstance(member, ast.FunctionDef)]
            found[node.name] = {method.name: parameters(method) for method in methods}
        elif isinstance(node, ast.FunctionDef):
            found[node.name] = parameters(node)
    return found


def present() -> dict[str, dict[str, list[str]] | list[str]]:
    found: dict[str, dict[str, list[str]] | list[str]] = {}
    for name, value in vars(_native).items():
        if name in IMPLIED:
            continue
        if inspect.isclass(value):
            members = {member: method for member, method in vars(value).items() if callable(getattr(value, member))}
            found[name] = {member: signature(getattr(value, member)) for member in members}
        else:
            found[name] = signature(value)
    return found


def signature(function: object) -> list[str]:
    assert callable(function)
    try:
        names = list(inspect.signature(function).parameters)
    except ValueError:
        return []
    return [name for name in names if name != "self"]


def test_the_declarations_match_the_module() -> None:
    native = present()
    native["CompletionQueue"] = {**native["CompletionQueue"], "__new__": []}  # type: ignore[dict-item]
    native["Logs"] = {**native["Logs"], "__new__": ["level"]}  # type: ignore[dict-item]
    assert declared() == native


def test_opening_explains_every_setting() -> None:
    text = tollway.open.__doc__
    assert text is not None
    for name in tollway.types.SettingsParameters.__annotations__:
        assert f"`{name}`" in text, name
    for policy in ("AbandonPolicy", "UnpricedPolicy"):
        for choice in get_args(getattr(tollway.types, policy)):
            assert f'`"{choice}"`' in text, choice


def test_every_public_name_is_there_and_documented() -> None:
    for name in tollway.__all__:
        assert getattr(tollway, name).__doc__, name
    assert len(set(tollway.__all__)) == len(tollway.__all__)
