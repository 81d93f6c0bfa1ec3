"""A network as the text of a PyTorch module that a person would have written.

A block of which there are several is a class, a chain of them an nn.Sequential, a merge an operator. Attributes have
the names of the spec's steps, `stage1/0/conv2` is `stage1.0.conv2`; a `/` behind a layer becomes `_`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from cnncalc.graph import Graph, Node
from cnncalc.interop.python.bodies import Body, Line, Template, group, template
from cnncalc.interop.python.scopes import Scope, every_scope, families, scopes
from cnncalc.interop.python.text import (
    INDENT,
    WIDTH,
    Argument,
    Call,
    Code,
    Names,
    bare,
    class_name,
    docstring,
    identifier,
    lay_out,
    signature,
    text_of,
)
from cnncalc.interop.targets import Conversion
from cnncalc.interop.torch.write.classes import CLASSES
from cnncalc.interop.torch.write.table import Move, NotInTorchError, Written, write_layer
from cnncalc.language import _
from cnncalc.layers.base import shape_text

# What nn.Module has itself: a layer of that name would hide it.
RESERVED = {*dir(object), "training", "forward", "train", "eval", "apply", "type", "half", "float", "double", "to"}
RESERVED |= {"cpu", "cuda", "children", "modules", "parameters", "buffers", "state_dict", "share_memory", "compile"}
RESERVED |= {"bfloat16", "add_module", "dump_patches", "call_super_init", "extra_repr", "zero_grad", "T_destination"}
COMMON = {"out_channels": "channels", "out_features": "channels", "in_features": "in_channels"}
COMMON["num_features"] = "in_channels"


def to_torch(graph: Graph) -> str:
    """The text of a Python module with one class for the network. Raises NotInTorchError, which names the layer."""
    return Writer(graph).text()


def convert(graph: Graph, weights: object) -> Conversion:
    """The same for `cnncalc convert`: where torch is there, read back and compared before it is given out."""
    text = to_torch(graph)
    if find_spec("torch") is None:
        return Conversion(text, unread=_("that needs torch"))
    from cnncalc.interop.torch.write.readback import read_back

    return Conversion(text, read_back(text, graph))


def state_names(graph: Graph) -> dict[str, tuple[str, Move | None]]:
    """For each array `LAYER.name` of the reference its key in the module's state_dict, and how it is laid out there."""
    from cnncalc import reference  # NumPy, which the text does without: a browser has none

    writer = Writer(graph)
    writer.text()
    stored = reference.Drawn(graph).weights
    return {name: place for name, place in writer.state.items() if name in stored}


def state_dict(graph: Graph, weights: Mapping[str, Any]) -> dict[str, Any]:
    """The reference's weights as the module's state_dict, in NumPy: torch.from_numpy makes tensors of them.

    Batch norm counts batches in PyTorch, which is left out: load with strict=False.
    """
    import numpy as np

    from cnncalc.reference.values import as_weights

    stored = as_weights(graph, weights)
    parts: dict[str, list[Any]] = {}
    for name, (key, move) in state_names(graph).items():
        parts.setdefault(key, []).append(stored[name] if move is None else move(stored[name]))
    return {key: found[0] if len(found) == 1 else np.concatenate(found) for key, found in parts.items()}


class Writer:
    """Writes one network."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.first = len(graph.inputs)
        self.root = scopes(graph)
        self.readers = Counter(v for node in graph.nodes for v in node.reads)
        # What leaves the network is read once more, by whoever calls it: it needs a variable.
        self.readers.update(graph.outputs)
        self.written = [self.layer(i) for i in range(len(graph.nodes))]
        self.parts: dict[str, None] = {}  # classes for kinds that PyTorch has no module for, in the order of use
        self.classes: list[list[str]] = []
        self.names = Names({"torch", "nn", "F"})
        self.calls: dict[str, Call] = {}  # of each block that is a class: how it is made
        self.attributes: dict[str, dict[int | str, str]] = {}  # of each scope: node or block to attribute
        self.state: dict[str, tuple[str, Move | None]] = {}

    def layer(self, i: int) -> Written:
        """How a node is written, by its kind's writer."""
        node = self.graph.nodes[i]
        found = write_layer(node.name, node.layer, tuple(self.graph.shape(v) for v in node.reads))
        return self.for_each_sample(node, found) if node.layer.kind == "concat" else found

    def for_each_sample(self, node: Node, found: Written) -> Written:
        """A concatenation, where what depends on no input is there once for every sample."""
        standing = [v >= self.first and not self.graph.nodes[v - self.first].reads for v in node.reads]
        if not any(standing) or all(standing):
            return found
        # torch.cat stretches nothing: a class token is expanded to the samples of what it is joined to.
        use, other = found.use, standing.index(False)
        axes = ", -1" * len(self.graph.shape(node.reads[0]))
        for i, alone in enumerate(standing):
            if alone:
                use = use.replace(f"{{{i}}}", f"{{{i}}}.expand({{{other}}}.shape[0]{axes})")
        return found._replace(use=use)

    def text(self) -> str:
        """The whole module: imports, classes for kinds, classes of blocks, the network."""
        # Names first, of all blocks: a class is written with those of the blocks inside it.
        for scope in every_scope(self.root):
            self.name_attributes(scope)
        for part in CLASSES:
            self.names(part)
        top = self.names(class_name(self.graph.name, "Network"))
        for blocks in families(self.root):
            self.write_family(blocks)
        body = self.body(self.root)
        network = class_text(top, Template(body, (), {}), self.about(), list(self.graph.inputs))
        self.collect_state(self.root, "")
        lines = ["import torch", "import torch.nn.functional as F", "from torch import nn", "", ""]
        used = "\n".join(line for lines in (*self.classes, network) for line in lines)
        for word, line in (("torch.", lines[0]), ("F.", lines[1])):
            if not any(word in text for text in (used, *(CLASSES[part] for part in self.parts))):
                lines.remove(line)
        for part in self.parts:
            lines += [*CLASSES[part].rstrip("\n").split("\n"), "", ""]
        for text in self.classes:
            lines += [*text, "", ""]
        return "\n".join([*lines, *network]) + "\n"

    def about(self) -> str:
        """The docstring: what the network takes and gives."""
        shapes = ", ".join(f"{name} {shape_text(shape)}" for name, shape in self.graph.inputs.items())
        if list(self.graph.inputs) == ["input"]:
            shapes = shape_text(next(iter(self.graph.inputs.values())))
        title = self.graph.name or "A network"
        outputs = ", ".join(shape_text(self.graph.shape(v)) for v in self.graph.outputs)
        return f"{title}: (N, {shapes.replace('x', ', ')}) to (N, {outputs.replace('x', ', ')})."

    # --- names

    def name_attributes(self, scope: Scope) -> None:
        """The attributes of a class: one for each block, and for each layer that stores its own weights."""
        names = Names(RESERVED)
        found: dict[int | str, str] = {}
        for item in scope.items:
            path = item.path if isinstance(item, Scope) else self.graph.nodes[item].name
            own = path[len(scope.path) + 1 :] if scope.path else path
            if isinstance(item, Scope):
                found[path] = names(identifier(own, identifier(item.kind)))
            elif self.owner(item) == item:
                found[item] = names(identifier(own, identifier(self.graph.nodes[item].layer.kind)))
        self.attributes[scope.path] = found

    def owner(self, i: int) -> int:
        """The node whose weights node i uses."""
        shared = self.graph.nodes[i].weights_of
        return i if shared is None else shared - self.first

    # --- classes

    def write_family(self, blocks: list[Scope]) -> None:
        """The classes of all blocks of one family, and how each block is made."""
        bodies = [self.body(scope) for scope in blocks]
        for largest, members in group(bodies):
            own = [bodies[m] for m in members]
            found = template(own, members.index(largest), lambda name: COMMON.get(name, name))
            name = self.names(class_name(blocks[0].family, "Block"), "")
            self.classes.append(class_text(name, found, "", []))
            for number, member in enumerate(members):
                self.calls[blocks[member].path] = Call(name, found.arguments(number))

    def make(self, scope: Scope) -> Call:
        """How a block is made; a chain is an nn.Sequential of its blocks."""
        if scope.path in self.calls:
            return self.calls[scope.path]
        return Call("nn.Sequential", tuple(Argument("", self.make(block)) for block in scope.blocks))

    def body(self, scope: Scope) -> Body:
        """The lines of a scope."""
        names = {v: f"in{i}" for i, v in enumerate(scope.entries)}
        attributes = self.attributes[scope.path]
        lines: list[Line] = []
        taken = Names()
        open_line: tuple[str, int] | None = None  # the name that a line began with, and its last value
        for item in scope.items:
            if isinstance(item, Scope):
                attribute = attributes[item.path]
                places = ", ".join(f"{{{i}}}" for i in range(len(item.entries)))
                reads = tuple(names[v] for v in item.entries)
                lines.append(Line(taken(attribute), {attribute: self.make(item)}, f"self.{attribute}({places})", reads))
                assert item.result is not None
                names[item.result], open_line = lines[-1].name, None
                continue
            node, value = self.graph.nodes[item], self.first + item
            line = self.line(item, attributes, tuple(names[v] for v in node.reads))
            # `x = F.relu(self.bn(self.conv(x)))`: what only the next layer reads, and is called after this one, goes on
            # in its line.
            if open_line is not None and node.reads == (open_line[1],) and self.readers[open_line[1]] == 1:
                longer = join(lines[-1], line)
                behind = node.name.startswith(f"{open_line[0]}/") or open_line[0] == f"{node.name}/flatten"
                if behind and longer is not None:
                    lines[-1] = longer
                    names[value] = longer.name
                    open_line = (node.name if open_line[0] == f"{node.name}/flatten" else open_line[0], value)
                    continue
            name = taken(identifier(node.name[len(scope.path) + 1 :] if scope.path else node.name, node.layer.kind))
            lines.append(line._replace(name=name))
            names[value], open_line = name, (node.name, value)
        results = self.graph.outputs if scope.result is None else (scope.result,)
        return Body(tuple(lines), len(scope.entries), tuple(names[v] for v in results))

    def line(self, i: int, attributes: Mapping[int | str, str], reads: tuple[str, ...]) -> Line:
        # Of layers that share weights the first has the module, and the others call it again.
        found = self.written[i]
        attribute = attributes[self.owner(i)]
        module = f"self.{attribute}"
        # Weights may be shared by layers of other strides, which one module cannot have.
        if self.owner(i) != i and found.module != self.written[self.owner(i)].module:
            module, found = share(found, module)
        modules: dict[str, Call] = {}
        if found.module is not None and self.owner(i) == i:
            modules[attribute] = found.module
            if found.module.function.isidentifier():
                self.parts[found.module.function] = None
        for name, shape in found.extra.items() if self.owner(i) == i else ():
            # So that a fresh module changes nothing by it: times 1, plus 0.
            start = Call("torch.ones" if name == "factor" else "torch.zeros", tuple(Argument("", n) for n in shape))
            modules[f"{attribute}_{name}"] = Call("nn.Parameter", (Argument("", start),))
        use = found.use.replace("{m}", module)
        values = {}
        for name, value in found.values.items():
            key = f"{attribute}_{name}"
            use = use.replace(f"{{{name}}}", f"{{{key}}}")
            values[key] = value
        return Line("", modules, f"({use})" if found.infix else use, reads, values)

    def collect_state(self, scope: Scope, prefix: str) -> None:
        """Note for each array of the reference where it stands in the module's state_dict."""
        attributes = self.attributes[scope.path]
        for i, item in enumerate(scope.items):
            if isinstance(item, Scope):
                self.collect_state(item, f"{prefix}{i if scope.chain else attributes[item.path]}.")
            elif self.owner(item) == item:
                for ours, (theirs, move) in self.written[item].state.items():
                    # `_bias` stands beside the module, conv1_bias; `weight` in it, conv1.weight.
                    dot = "" if theirs.startswith("_") else "."
                    name = f"{self.graph.nodes[item].name}.{ours}"
                    self.state[name] = (f"{prefix}{attributes[item]}{dot}{theirs}", move)


def join(first: Line, second: Line) -> Line | None:
    """Two lines as one, the first in the place of what the second reads. None if that is too long for one line."""
    # In brackets of a call none are needed around what stands in it.
    use = second.use.replace("{0}", bare(first.use) if "({0}" in second.use else first.use)
    if len(use) > WIDTH - 20:
        return None
    return first._replace(
        use=use, modules={**first.modules, **second.modules}, values={**first.values, **second.values}
    )


def share(found: Written, owner: str) -> tuple[str, Written]:
    """A layer with the weights of another's module, and a stride or padding of its own: the function."""
    module = found.module
    name = "" if module is None else module.function
    if module is None or not name.startswith("nn.Conv") or name.startswith("nn.ConvT"):
        raise NotInTorchError(_("weights of {owner} under other options cannot be written", owner=owner))
    # By the function of the module's name, conv2d, with the options of this layer.
    given = {a.name: a.value for a in module.arguments}
    options = [(key, given[key], 0 if key == "padding" else 1) for key in ("stride", "padding", "dilation", "groups")]
    extra = "".join(f", {key}={text_of(value)}" for key, value, default in options if value != default)
    function = f"F.{name.removeprefix('nn.').lower()}"
    return owner, found._replace(
        use=found.use.replace("{m}({0})", f"{function}({{0}}, {owner}.weight, {owner}.bias{extra})")
    )


# --- the text of a class


def class_text(name: str, found: Template, about: str, inputs: list[str]) -> list[str]:
    """A class: its modules, and the forward pass."""
    lines = [f"class {name}(nn.Module):"]
    if about:
        lines += [*docstring(about, 1), ""]
    parameters = [p.name + (f"={text_of(p.default)}" if p.optional else "") for p in found.parameters]
    lines += [*signature("__init__", ["self", *parameters]), f"{INDENT * 2}super().__init__()"]
    for flag in dict.fromkeys(found.flags.values()):
        lines.append(f"{INDENT * 2}self.{flag} = {flag}")
    kept: dict[str, str] = {}
    condition = ""
    for line in found.body.lines:
        wanted = found.flags.get(line.name, "")
        for key, value in line.values.items():
            if isinstance(value, Code):
                lines.append(f"{INDENT * 2}self.{key} = {value}")
            kept[key] = f"self.{key}" if isinstance(value, Code) else text_of(value)
        if line.modules and wanted and wanted != condition:
            lines.append(f"{INDENT * 2}if {wanted}:")
        condition = wanted if line.modules else condition
        for attribute, module in line.modules.items():
            lines += lay_out(f"self.{attribute} = ", module, "", 3 if wanted else 2)
    entering = [identifier(word) for word in inputs] if len(inputs) > 1 else ["x"]
    if not inputs:
        entering = ["x", "y", "z", "u", "v", "w", *(f"x{i}" for i in range(6, found.body.entries))][
            : found.body.entries
        ]
    lines += ["", *signature("forward", ["self", *entering])]
    return [*lines, *(f"{INDENT * 2}{text}" for text in forward(found, entering, kept))]


def forward(found: Template, entering: list[str], kept: Mapping[str, str]) -> list[str]:
    """The statements of a forward pass. A value that is read once is x, y, z; others have their line's name."""
    body = found.body
    uses: dict[str, int] = dict.fromkeys(body.results, 1)
    for line in body.lines:
        for name in line.reads:
            uses[name] = uses.get(name, 0) + 1
    variables = {f"in{i}": word for i, word in enumerate(entering)}
    left = dict(uses)
    living = {word for name, word in variables.items() if left.get(name, 0) > 0}  # the variables still to be read
    statements: list[str] = []
    # No l, which looks like a 1.
    letters = ["x", "y", "z", *"abcdefghijkmnopqrstuvw"]
    for line in body.lines:
        read = [variables[name] for name in line.reads]
        for name in line.reads:
            left[name] -= 1
            if left[name] == 0:
                living.discard(variables[name])
        free = [variables[name] for name in dict.fromkeys(line.reads) if left[name] == 0]
        use = line.use.format(*read, **kept)
        use = bare(use)
        flag = found.flags.get(line.name)
        if uses.get(line.name, 0) > 1 and line.name not in living | set(RESERVED):
            target = line.name
        else:
            target = next((v for v in [*(f for f in free if f in letters), *letters] if v not in living), line.name)
        variables[line.name] = target
        # A variable may be written over as soon as nobody reads it any more: x = ..., x = ..., as people write.
        if left.get(line.name, 0) > 0:
            living.add(target)
        if flag is not None:
            source = read[0]
            text = f"{target} = {use} if self.{flag} else {source}"
            if len(text) <= WIDTH - 8:
                statements.append(text)
            else:
                statements += [] if source == target else [f"{target} = {source}"]
                statements += [f"if self.{flag}:", f"{INDENT}{target} = {use}"]
        else:
            statements += break_up(f"{target} = ", use)
    results = [variables[name] for name in body.results]
    last = statements[-1] if statements else ""
    if len(results) == 1 and last.startswith(f"{results[0]} = ") and not found.flags.get(body.lines[-1].name):
        return [*statements[:-1], f"return {last.removeprefix(f'{results[0]} = ')}"]
    return [*statements, f"return {', '.join(results)}"]


def break_up(start: str, use: str) -> list[str]:
    """A statement in as many lines as it needs: sums one summand a line, calls inside their brackets."""
    if len(start) + len(use) <= WIDTH - 8:
        return [start + use]
    function, bracket, rest = use.partition("(")
    if bracket and use.endswith(")") and bare(use[len(function) :]) != use[len(function) :]:
        inner = rest[:-1]
        if len(inner) <= WIDTH - 12:
            return [f"{start}{function}(", f"{INDENT}{inner}", ")"]
    if " + " in use and "(" not in use:
        first, *others = use.split(" + ")
        return [f"{start}(", f"{INDENT}{first}", *(f"{INDENT}+ {other}" for other in others), ")"]
    return [start + use]
