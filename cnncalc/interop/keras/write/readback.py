"""A file of Keras is read back before it is given out: what was written is the network, or nothing is.

The text, which is our own, is run without Keras: its calls note the configuration that Keras would write, as JSON has
it, and that is read as any other model of Keras. So nothing is allocated, and Keras need not be there.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from cnncalc.graph import Graph
from cnncalc.interop.keras.read.calls import tensors_of
from cnncalc.interop.keras.read.model import graph_of
from cnncalc.interop.python.compare import NotTheSameError, compare
from cnncalc.language import _

# Arguments by position: the first is the layer's own number, a convolution has its window behind it.
FIRST = {
    "Dense": "units", "Activation": "activation", "Dropout": "rate", "Rescaling": "scale", "Permute": "dims",
    "Reshape": "target_shape", "Bidirectional": "layer", "LSTM": "units", "GRU": "units", "SimpleRNN": "units",
}  # fmt: skip
SECOND = "kernel_size"


class Tensor:
    """A tensor while the text runs: what gave it."""

    def __init__(self, model: Model, name: str, node: int) -> None:
        self.model = model
        self.name = name
        self.node = node

    def note(self) -> dict[str, Any]:
        """As Keras 3 notes a tensor among the arguments of a call."""
        return {"class_name": "__keras_tensor__", "config": {"keras_history": [self.name, self.node, 0]}}

    def __getitem__(self, key: tuple[Any, ...]) -> Tensor:
        """`x[..., 2:5]`, as Keras notes it."""
        keys = [
            {"class_name": "__ellipsis__", "config": {}}
            if part is ...
            else {"class_name": "__slice__", "config": {"start": part.start, "stop": part.stop, "step": part.step}}
            for part in key
        ]
        return Noted(self.model, "GetItem", (), {}).call(self.note(), keys)


class Noted:
    """A layer while the text runs: it notes what it is made with and what it is called on."""

    def __init__(self, model: Model, word: str, positional: tuple[Any, ...], options: Mapping[str, Any]) -> None:
        config = {**dict(zip(names_of(word), positional, strict=False)), **options}
        if isinstance(config.get("layer"), Noted):  # inside Bidirectional
            inner = config["layer"].entry
            # It noted itself when it was made; it is a layer of its wrapper, and none of the model.
            model.layers.remove(inner)
            config["layer"] = {"class_name": inner["class_name"], "config": inner["config"]}
        name = config.setdefault("name", f"layer_{len(model.layers)}")
        self.entry = {"class_name": word, "name": name, "config": config, "inbound_nodes": []}
        self.model = model
        model.layers.append(self.entry)

    def __call__(self, *entering: Any) -> Tensor:
        return self.call(*([t.note() for t in each] if isinstance(each, list) else each.note() for each in entering))

    def call(self, *arguments: Any) -> Tensor:
        """One call, noted; what it gives."""
        self.entry["inbound_nodes"].append({"args": list(arguments), "kwargs": {}})
        return Tensor(self.model, self.entry["name"], len(self.entry["inbound_nodes"]) - 1)


def names_of(word: str) -> tuple[str, str]:
    """What the first two arguments of a class are called."""
    if "Conv" in word:
        return (SECOND, "") if word.startswith("Depthwise") else ("filters", SECOND)
    if word == "MultiHeadAttention":
        return "num_heads", "key_dim"
    return FIRST.get(word, "pool_size" if "Pool" in word else "size"), ""


class Model:
    """What stands for the package while the text runs: `keras`, and `layers` of it."""

    def __init__(self) -> None:
        self.layers: list[dict[str, Any]] = []
        self.config: dict[str, Any] = {}
        self.keras = SimpleNamespace(Input=self.enter, Model=self.finish, ops=SimpleNamespace(pad=self.pad))

    def __getattr__(self, word: str) -> Any:
        return lambda *positional, **options: Noted(self, word, positional, options)

    def enter(self, shape: Any, name: str = "input") -> Tensor:
        """keras.Input."""
        config = {"batch_shape": [None, *shape], "name": name}
        self.layers.append({"class_name": "InputLayer", "name": name, "config": config, "inbound_nodes": []})
        return Tensor(self, name, 0)

    def pad(self, tensor: Tensor, width: Any, constant_values: float) -> Tensor:
        """Around each axis behind the samples, and no channel."""
        return Noted(self, f"ZeroPadding{len(width) - 2}D", (), {"padding": width[1:-1]})(tensor)

    def finish(self, inputs: Any, outputs: Any, name: str = "") -> None:
        """keras.Model."""
        starts, ends = ([*t] if isinstance(t, list) else [t] for t in (inputs, outputs))
        # What was made and is read by nobody is in no model of Keras either.
        needed = self.find_leading([t.name for t in (*starts, *ends)])
        self.config = {
            "name": name,
            "layers": [layer for layer in self.layers if layer["name"] in needed],
            "input_layers": [[t.name, t.node, 0] for t in starts],
            "output_layers": [[t.name, t.node, 0] for t in ends],
        }

    def find_leading(self, names: list[str]) -> set[str]:
        """The layers of which these read something: no others are part of a model."""
        known = {layer["name"]: layer for layer in self.layers}
        found: set[str] = set()
        while names:
            name = names.pop()
            if name not in found:
                found.add(name)
                names += [t.layer for t in tensors_of(known[name]["inbound_nodes"])]
        return found


def read_back(text: str, graph: Graph) -> Graph:
    """The network that the text gives. Raises NotTheSameError unless it is this one."""
    model = Model()
    tree = ast.parse(text)
    # Names of the packages are given below: nothing is imported.
    tree.body = [part for part in tree.body if not isinstance(part, (ast.Import, ast.ImportFrom))]
    try:
        exec(compile(tree, "<written>", "exec"), {"keras": model.keras, "layers": model})
        back = graph_of({"class_name": "Functional", "config": model.config}, "<written>", {})
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"[:200]
        raise NotTheSameError(_("what was written does not run: {error}", error=reason)) from None
    compare(graph, back)
    return back
