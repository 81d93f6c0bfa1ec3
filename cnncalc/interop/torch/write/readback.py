"""A file of PyTorch is read back before it is given out: what was written is the network, or nothing is.

The text is run, which is our own, on tensors without memory; without torch it stays unread, which is said.
"""

from __future__ import annotations

import ast
from types import ModuleType

from cnncalc.graph import Graph
from cnncalc.interop.python.compare import NotTheSameError, compare
from cnncalc.interop.torch.read.module import graph_of, tell
from cnncalc.language import _


def read_back(text: str, graph: Graph) -> Graph:
    """The network that the text gives. Raises NotTheSameError unless it is this one."""
    import torch

    try:
        with torch.device("meta"):
            module = vars(run(text))[last_class(text)]()
        back = graph_of(module, list(graph.inputs.values()), max_operations=10 * len(graph.nodes) + 1000)
    except Exception as error:
        raise NotTheSameError(_("what was written does not run: {error}", error=tell(error))) from None
    compare(graph, back)
    return back


def run(text: str) -> ModuleType:
    """The text as a module. It holds imports and classes alone, whatever the names in it are."""
    tree = ast.parse(text)
    assert all(isinstance(part, (ast.Import, ast.ImportFrom, ast.ClassDef)) for part in tree.body)
    module = ModuleType("written")
    exec(compile(tree, "<written>", "exec"), vars(module))
    return module


def last_class(text: str) -> str:
    return next(part.name for part in reversed(ast.parse(text).body) if isinstance(part, ast.ClassDef))
