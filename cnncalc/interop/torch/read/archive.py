"""A look into an archive .pt2 before torch loads it, which runs more of one than its weights.

torch.export.load unpickles what a configuration calls an object, loads compiled libraries, imports what the tree of the
inputs names, finds operators by any name below `torch`, and has symbolic sizes evaluated as Python. So what may stand
in an archive is listed here, part by part, and all else is refused. Parts are read by torch's own reader: another
might find another file under the same name.

Source: torch/export/pt2_archive/_package.py and torch/_export/serde/serialize.py, torch 2.9 to 2.13.
"""

from __future__ import annotations

import ast
import io
import json
import os
import re
from collections.abc import Iterator
from typing import Any

from cnncalc.errors import CnncalcError
from cnncalc.interop.json_text import LARGEST, MOST_PARTS, count_parts
from cnncalc.language import _

PARTS = re.compile(
    r"archive_format|archive_version|byteorder|version|\.data/\w+|\.format_version|\.storage_alignment|extra/.*"
    r"|models/\w+\.json|data/sample_inputs/\w+\.pt|data/(weights|constants)/(\w+\.pt|(weight|tensor)_\d+|\w+_config\.json)"
)
HELD = re.compile(r"(weight|tensor)_\d+")  # the file of a weight or a constant
# aten.from_file would open any file of the machine by its name.
OPERATORS = re.compile(
    r"torch\.ops\.(aten|prims|torchvision)\.(?!from_file|save|load)\w+(\.\w+)?"
    r"|torch\.ops\.higher_order\.(wrap_with_set_grad_enabled|wrap_with_autocast|cond)"
    r"|_operator\.(getitem|add|sub|mul|floordiv|truediv|mod|neg|pos|eq|ne|lt|le|gt|ge|and_|or_|not_)"
    r"|math\.(ceil|floor|trunc)|torch\.sym_(min|max|int|float|not|ite|sum)"
)
SYMBOL = re.compile(r"[a-z]+\d{1,6}")  # s77: torch counts up to the number of some
TREES = ("builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict", None)
FUNCTIONS = frozenset(
    {
        "Symbol", "Integer", "Rational", "Float", "Add", "Mul", "Pow", "Min", "Max", "Mod", "PythonMod", "FloorDiv",
        "CeilDiv", "CleanDiv", "ModularIndexing", "Where", "Eq", "Ne", "Lt", "Le", "Gt", "Ge", "And", "Or", "Not",
        "IntTrueDiv", "FloatTrueDiv", "ToFloat", "CeilToInt", "FloorToInt", "TruncToInt", "TruncToFloat", "RoundToInt",
        "Identity", "Abs", "floor", "ceiling", "PowByNatural",
        "Equality", "Unequality", "StrictLessThan", "LessThan", "StrictGreaterThan", "GreaterThan",
    }
)  # fmt: skip
POWERS = ("Pow", "PowByNatural")
MOST_POWERS, GREATEST_POWER = 4, 9
WRITTEN = (
    ast.Expression, ast.Call, ast.keyword, ast.Name, ast.Load, ast.Constant, ast.BinOp, ast.Add, ast.Sub, ast.Mult,
    ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.UnaryOp, ast.USub, ast.UAdd,
)  # fmt: skip


class ArchiveError(CnncalcError):
    """An archive that torch is not asked to load: `problem`, and `hint` where there is one."""

    def __init__(self, problem: str, hint: str | None = None) -> None:
        super().__init__(problem)
        self.hint = hint


def look_into(torch: Any, path: str) -> None:
    """See that nothing in an archive runs when torch loads it. Raises ArchiveError; torch's own errors for damage."""
    reader = torch._C.PyTorchFileReader(path)
    names = reader.get_all_records()
    # torch's reader finds a name in either case: of w.pt and W.pt, one would be looked at and the other loaded.
    if len({name.casefold() for name in names}) < len(names):
        raise ArchiveError(_("two of its parts have the same name"))
    if "archive_format" not in names:
        hint = _("export it again, with torch 2.8 or newer")
        raise ArchiveError(_("it is no archive of a program, or was written in a form of before"), hint)
    # Weights are stored as they are; what is packed is text.
    if sum(reader.get_record_size(name) for name in names) > os.path.getsize(path) + LARGEST:
        raise ArchiveError(_("it unpacks to far more than it has"))
    for name in names:
        if not PARTS.fullmatch(name):
            raise ArchiveError(_("it has a part that is not read, and may run: {name}", name=name[:80]))
        if name.endswith(".pt"):
            hold_tensors(torch, name, reader.get_record(name))
        elif name.endswith("_config.json"):
            hold_configuration(name, tree_of(name, reader.get_record(name)))
        elif name.startswith("models/"):
            hold_program(tree_of(name, reader.get_record(name)))


def hold_tensors(torch: Any, name: str, data: bytes) -> None:
    """Raise ArchiveError for a pickle of more than tensors: where it does not load as such, torch runs it."""
    try:
        torch.load(io.BytesIO(data), weights_only=True)
    except Exception:
        raise pickle_error(name) from None


def pickle_error(name: str) -> ArchiveError:
    """That a part is a pickle."""
    hint = _("export the model to ONNX, and name that file")
    return ArchiveError(
        _("it holds a pickle, {name}, which runs whatever is in it: it is never loaded", name=name[:80]), hint
    )


def tree_of(name: str, data: bytes) -> Any:
    """The JSON of a part."""
    if len(data) > LARGEST or count_parts(data) > MOST_PARTS:
        raise ArchiveError(_("its part {name} is longer than any program", name=name[:80]))
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise ArchiveError(_("its part {name} is no JSON", name=name[:80])) from None


def hold_configuration(name: str, tree: Any) -> None:
    """Raise ArchiveError for one that names other files than those of weights and constants, as bytes."""
    entries = tree.get("config") if isinstance(tree, dict) else None
    if not isinstance(entries, dict):
        raise ArchiveError(_("its part {name} is no configuration", name=name[:80]))
    for entry in entries.values():
        path = entry.get("path_name") if isinstance(entry, dict) else None
        if not isinstance(path, str) or not HELD.fullmatch(path) or entry.get("use_pickle"):
            raise pickle_error(str(path)) if path else ArchiveError(_("its part {name} is no configuration", name=name))


def hold_program(tree: Any) -> None:
    """Raise ArchiveError for a program in which something is named, imported or evaluated that none needs."""
    if not isinstance(tree, dict):
        raise ArchiveError(_("its program is none"))
    for symbol in tree.get("range_constraints") or ():
        if not SYMBOL.fullmatch(symbol):
            raise ArchiveError(_("a size in it is no expression that a program has: {text}", text=symbol[:80]))
    for key, value in pairs_of(tree):
        if key in ("target", "as_operator") and not (isinstance(value, str) and OPERATORS.fullmatch(value)):
            if not (key == "target" and isinstance(value, dict)):  # the target of an output that is a mutation
                raise ArchiveError(_("it calls what is no operator of a program: {name}", name=str(value)[:80]))
        elif key == "expr_str":
            hold_expression(value)
        elif key in ("in_spec", "out_spec") and value:
            hold_spec(value)


def pairs_of(tree: Any) -> Iterator[tuple[str, Any]]:
    """Every key of every mapping in a tree of JSON, with its value."""
    waiting = [tree]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            yield from found.items()
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found


def hold_spec(text: Any) -> None:
    """Raise ArchiveError for a tree of arguments that has more than tuples, lists and mappings by text."""
    # torch imports the class that a tree names, and looks an enumeration up by its name.
    problem = ArchiveError(_("its arguments are no tuples, lists and mappings"))
    if not isinstance(text, str) or "__enum__" in text:
        raise problem
    waiting = [tree_of("in_spec", text.encode())]
    while waiting:
        found = waiting.pop()
        if isinstance(found, list):
            waiting += found
        elif isinstance(found, dict):
            if found.get("type") not in TREES or "__enum__" in str(found.get("context")):
                raise problem
            waiting += [found.get("children_spec")]


def hold_expression(text: Any) -> None:
    """Raise ArchiveError for a symbolic size that is more than arithmetic on symbols: it is evaluated as Python."""
    problem = ArchiveError(_("a size in it is no expression that a program has: {text}", text=str(text)[:80]))
    try:
        tree = ast.parse(text[:5000], mode="eval") if isinstance(text, str) and len(text) <= 5000 else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    if tree is None:
        raise problem
    # Each power of a small number is small, and a few of them in each other are still.
    powers = 0
    for node in ast.walk(tree):
        if not isinstance(node, WRITTEN) or not hold_word(node):
            raise problem
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            exponent: ast.expr | None = node.right
        elif isinstance(node, ast.Call) and node.func.id in POWERS:  # type: ignore[attr-defined]
            exponent = node.args[1] if len(node.args) == 2 else None
        else:
            continue
        powers += 1
        if powers > MOST_POWERS or not is_small(exponent):
            raise problem


def hold_word(node: ast.AST) -> bool:
    """Whether a word of an expression is one of the functions, a symbol, or a number."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS
    if isinstance(node, ast.Name):
        return node.id in FUNCTIONS or node.id in ("oo", "int_oo") or SYMBOL.fullmatch(node.id) is not None
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return SYMBOL.fullmatch(node.value) is not None
    return not isinstance(node, ast.Constant) or isinstance(node.value, (bool, int, float))


def is_small(exponent: ast.expr | None) -> bool:
    """Whether a power is one of a few: 9 to the 9 to the 9 fills any memory."""
    if isinstance(exponent, ast.Call) and len(exponent.args) == 1:  # Integer(2)
        exponent = exponent.args[0]
    if isinstance(exponent, ast.UnaryOp):
        exponent = exponent.operand
    value = exponent.value if isinstance(exponent, ast.Constant) else None
    return isinstance(value, int) and value <= GREATEST_POWER
