"""Python files as trees, parsed and walked once for all tests that look through the code."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

# What these tests ask for; of other nodes there are more than half a million.
KINDS = (ast.Import, ast.ImportFrom, ast.Call, ast.Assign, ast.Return, ast.List, ast.Tuple, ast.Set, ast.Dict)


class Tree(NamedTuple):
    """A file: its statements, and wherever they stand the nodes of each kind above, outer ones first."""

    body: list[ast.stmt]
    nodes: dict[type[ast.AST], list[Any]]


@cache
def tree_of(path: Path) -> Tree:
    module = ast.parse(path.read_text(encoding="utf-8"))
    found: dict[type[ast.AST], list[Any]] = defaultdict(list)
    every: list[ast.AST] = [module]
    for node in every:  # which grows: `ast.walk` takes three times as long
        if isinstance(node, KINDS):
            found[type(node)].append(node)
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                every += [item for item in value if isinstance(item, ast.AST)]
            elif isinstance(value, ast.AST) and name not in ("ctx", "op"):  # these hold nothing
                every.append(value)
    return Tree(module.body, dict(found))
