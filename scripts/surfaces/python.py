"""What Python has."""

from __future__ import annotations

import ast

from . import ROOT, Surface

_PACKAGE = ROOT / "python" / "src" / "tollway"
# What other names there are in Python.
_NAMES = {"SettingsParameters": "Settings"}


def read(prefix: str = "") -> Surface:
    """Reads the package; with the prefix `Async`, the awaited twins of its classes."""
    shapes = _classes(*(_PACKAGE / "types").glob("*.py"), _PACKAGE / "_shapes.py")
    records = _classes(*(_PACKAGE / "results").glob("*.py"))
    typed = {name: _typed_fields(node, shapes) for name, node in shapes.items()}
    behaviour = _classes(_PACKAGE / "_behaviour.py")
    client = _classes(_PACKAGE / ("async_client.py" if prefix else "client.py"))[f"{prefix}Tollway"]
    found = Surface()
    calls = _classes(_PACKAGE / "_calls.py")[f"{prefix}Calls"]
    found.classes["OpenFile"] = {**_methods(client, typed), **_methods(calls, typed)}
    for noun, name in _properties(_classes(_PACKAGE / "_nouns.py")[f"{prefix}Nouns"]).items():
        class_ = _classes(_PACKAGE / f"{noun}.py")[name]
        found.classes[name.removeprefix(prefix)] = _methods(class_, typed)
    for name, node in records.items():
        parents = [base.id for base in node.bases]
        own = {each.target.id.rstrip("_") for each in node.body if isinstance(each, ast.AnnAssign) and each.target.id != "_FIELDS"}
        worked_out = {each for base in parents if base in behaviour for each in _properties(behaviour[base])}
        found.results[name] = own.union(worked_out, *(found.results.get(base, ()) for base in parents))
    found.shapes = {_NAMES.get(name, name): fields for name, fields in typed.items() if not name.startswith("_")}
    for name, node in _classes(_PACKAGE / "_error_kinds.py").items():
        (code,) = (each.value.value for each in node.body if isinstance(each, ast.Assign))
        found.errors[name] = code
    found.words = _words()
    return found


def _classes(*paths) -> dict[str, ast.ClassDef | ast.Call]:
    """Returns the classes of some files, and the typed dictionaries that are made by a call."""
    found: dict[str, ast.ClassDef | ast.Call] = {}
    for path in paths:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                found[node.name] = node
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                found[node.targets[0].id] = node.value
    return found


def _typed_fields(node: ast.ClassDef | ast.Call, shapes: dict[str, ast.ClassDef | ast.Call]) -> set[str]:
    if isinstance(node, ast.Call):
        return {key.value for key in node.args[1].keys} if len(node.args) > 1 else set()
    own = {each.target.id for each in node.body if isinstance(each, ast.AnnAssign)}
    bases = [shapes[base.id] for base in node.bases if base.id in shapes]
    return own.union(*(_typed_fields(base, shapes) for base in bases))


def _properties(node: ast.ClassDef) -> dict[str, str]:
    """Returns the properties of a class, with what they return."""
    methods = (each for each in node.body if isinstance(each, ast.FunctionDef))
    return {each.name: ast.unparse(each.returns) for each in methods if _is_property(each)}


def _is_property(method: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return "property" in {ast.unparse(mark) for mark in method.decorator_list}


def _methods(node: ast.ClassDef, shapes: dict[str, set[str]]) -> dict[str, set[str]]:
    """Returns the public methods of a class, with what they take."""
    methods = (each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
    return {each.name: _taken(each, shapes) for each in methods if not each.name.startswith("_") and not _is_property(each)}


def _taken(method: ast.FunctionDef | ast.AsyncFunctionDef, shapes: dict[str, set[str]]) -> set[str]:
    names = {each.arg for each in (*method.args.args, *method.args.kwonlyargs)} - {"self", "cls"}
    if method.args.kwarg is not None:
        names |= shapes[ast.unparse(method.args.kwarg.annotation.slice)]
    return names


def _words() -> dict[str, list[str]]:
    found = {}
    for path in (_PACKAGE / "types").glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.value).startswith("Literal["):
                found[node.target.id] = list(ast.literal_eval(node.value.slice)) if isinstance(node.value.slice, ast.Tuple) else [node.value.slice.value]
    return found
