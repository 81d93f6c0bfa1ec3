"""A network as the text of a functional Keras model, channels last.

A block of which there are several is a function, a chain of equal ones a loop. Layers have the names of the spec's
steps, `stage1_0_conv2` for stage1/0/conv2: Keras allows neither strokes nor, with all its backends, dots.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import prod
from typing import Any, NamedTuple

from cnncalc.graph import Graph
from cnncalc.interop.keras.write.readback import read_back
from cnncalc.interop.keras.write.table import NotInKerasError, Step, write_layer
from cnncalc.interop.python.bodies import Body, Line, Template, group, template
from cnncalc.interop.python.scopes import Scope, families, scopes
from cnncalc.interop.python.text import (
    INDENT,
    NOT_GIVEN,
    Argument,
    Call,
    Code,
    Names,
    bare,
    docstring,
    identifier,
    lay_out,
    signature,
    text_of,
)
from cnncalc.interop.targets import Conversion
from cnncalc.language import _
from cnncalc.layers import KINDS
from cnncalc.layers.base import LINKED, Shape, shape_text
from cnncalc.layers.ranges import ANY, behind

COMMON = {"filters": "channels", "units": "channels"}


def to_keras(graph: Graph) -> str:
    """The text of a Python module in which `model` is the network. Raises NotInKerasError, which names the layer."""
    return Writer(graph).text()


def convert(graph: Graph, weights: object) -> Conversion:
    """The same for `cnncalc convert`: read back and compared before it is given out."""
    text = to_keras(graph)
    return Conversion(text, read_back(text, graph))


def layer_weights(graph: Graph, weights: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The reference's weights as lists for `model.get_layer(name).set_weights(...)`, layer by layer."""
    from cnncalc.reference.values import as_weights  # NumPy, which the text does without: a browser has none

    writer = Writer(graph)
    stored = as_weights(graph, weights)
    found: dict[str, list[Any]] = {}
    for i, steps in enumerate(writer.steps):
        node = graph.nodes[i]
        if node.weights_of is None:
            for step in steps:
                arrays = writer.arrays(i, step, stored)
                if arrays:
                    found[writer.full_name(i, step)] = arrays
    return found


class LayerUse(NamedTuple):
    """A line that makes a layer of Keras and calls it; other lines are an expression, or the call of a block.

    holder  the variable that holds the layer, where it is called again; empty: it is made and called at once
    asks    it is called with who asks and who is asked
    """

    holder: str = ""
    asks: bool = False


BLOCK = LayerUse("block")  # a function of ours, which takes the name of its layers too


class Writer:
    """Writes one network."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.first = len(graph.inputs)
        self.bounds = [ANY] * self.first  # of each value: between which it lies
        self.steps = [self.layer(i) for i in range(len(graph.nodes))]
        self.names = Names({"keras", "layers", "inputs", "x", "model", "name"})
        self.functions: list[list[str]] = []
        self.calls: dict[str, Call] = {}  # of each block that is a function: how it is called
        # Keras refuses two layers of one name, but not before the text is run.
        names = [self.full_name(i, step) for i, steps in enumerate(self.steps) for step in steps]
        twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
        if twice:
            raise NotInKerasError(_("two layers would be called {name} in Keras: rename one", name=twice))
        self.shared = {n.weights_of - self.first for n in graph.nodes if n.weights_of is not None}

    def layer(self, i: int) -> tuple[Step, ...]:
        """The layers of Keras that one of ours is. Called in the order of the network, as it asks what enters."""
        node = self.graph.nodes[i]
        shapes = tuple(self.graph.shape(v) for v in node.reads)
        entering = [self.bounds[v] for v in node.reads]
        self.bounds.append(behind(node.layer, entering))
        return tuple(write_layer(node.name, node.layer, shapes, all(low >= 0 for low, _high in entering)))

    def full_name(self, i: int, step: Step) -> str:
        """What a layer of Keras is called."""
        name = self.graph.nodes[i].name + (f"/{step.suffix}" if step.suffix else "")
        return plain(name)

    def arrays(self, i: int, step: Step, stored: Mapping[str, Any]) -> list[Any]:
        """What a layer of Keras stores, gates stacked, a flattened map in the order of Keras."""
        import numpy as np

        node = self.graph.nodes[i]
        shape = self.find_flattened(node.reads[0]) if node.reads else None
        moved = []
        for name, move in step.stored:
            array = stored[f"{node.name}.{name}"]
            # Keras flattens with the channels innermost: what there is for each element stands in that order there.
            if shape is not None and (
                KINDS[node.layer.kind].appendable or (node.layer.kind, name) == ("dense", "weight")
            ):
                array = channels_last(array, shape)
            moved.append((name, array if move is None else move(array)))
        if node.layer.kind not in ("rnn", "gru", "lstm"):
            return [array for _name, array in moved]
        kinds: dict[str, list[Any]] = {}
        for name, array in moved:
            # Gates are stacked along the last axis, the input's, the state's and the biases' each in one array.
            gate_free = name.rpartition("_")[2] + ("|back" if name.startswith("back_") else "")
            kinds.setdefault(gate_free, []).append(array)
        joined = {part: np.concatenate(arrays, axis=-1) for part, arrays in kinds.items()}
        result = []
        # set_weights wants kernel, recurrent kernel and bias, those of the way forward first.
        for direction in ("", "|back"):
            result += [joined[f"{part}{direction}"] for part in ("input", "state") if f"{part}{direction}" in joined]
            biases = [joined[f"{part}{direction}"] for part in ("bias", "bias2") if f"{part}{direction}" in joined]
            # With two biases Keras stores one array, (2, 3 * units).
            result += [np.stack(biases)] if len(biases) == 2 else biases
        return result

    def find_flattened(self, value: int) -> Shape | None:
        """The map whose elements a vector holds, if it comes from a flatten and they stand in its order still.

        A norm, dropout or function does not ask where an element stands, unless it looks at its neighbours.
        """
        while value >= self.first:
            node = self.graph.nodes[value - self.first]
            if node.layer.kind == "flatten":
                return self.graph.shape(node.reads[0])
            if node.layer.channels == LINKED or not KINDS[node.layer.kind].appendable:
                return None
            if self.graph.shape(node.reads[0]) != self.graph.shape(value):
                return None
            value = node.reads[0]
        return None

    # --- the text

    def text(self) -> str:
        """The whole module."""
        # A layer that is used twice has to be one object, which no function can make anew.
        root = flat(self.graph) if self.shared else scopes(self.graph)
        for blocks in families(root):
            self.write_family(blocks)
        lines = [*docstring(self.about()), "", "import keras", "from keras import layers", ""]
        lines += [""] if self.functions else []
        for text in self.functions:
            lines += [*text, "", ""]
        names = list(self.graph.inputs)
        entering = ["inputs"] if len(names) == 1 else [identifier(name) for name in names]
        for name, word in zip(names, entering, strict=True):
            shape = Argument("shape", last_shape(self.graph.inputs[name]))
            given = (shape._replace(default=None), Argument("name", plain(name), None))
            lines += lay_out(f"{word} = ", Call("keras.Input", given))
        body = self.body(root)
        found = Template(body, (), {})
        statements, results = forward(found, entering, "", 0)
        lines += statements
        outputs = results[0] if len(results) == 1 else f"[{', '.join(results)}]"
        inputs = entering[0] if len(entering) == 1 else f"[{', '.join(entering)}]"
        title = Argument("name", identifier(self.graph.name.lower(), "network"), None)
        model = (Argument("inputs", Code(inputs)), Argument("outputs", Code(outputs)), title)
        lines += lay_out("model = ", Call("keras.Model", model))
        return "\n".join(lines) + "\n"

    def about(self) -> str:
        """The docstring: what the model takes and gives."""

        def list_shapes(shapes: Any) -> str:
            return ", ".join(shape_text(last_shape(shape)) for shape in shapes)

        outputs = [self.graph.shape(v) for v in self.graph.outputs]
        title = self.graph.name or "A network"
        return f"{title}: {list_shapes(self.graph.inputs.values())} to {list_shapes(outputs)}, channels last."

    def write_family(self, blocks: list[Scope]) -> None:
        """The functions of all blocks of one family, and how each block is called."""
        bodies = [self.body(scope) for scope in blocks]
        for largest, members in group(bodies):
            own = [bodies[m] for m in members]
            found = template(own, members.index(largest), lambda name: COMMON.get(name, name))
            name = self.names(identifier(blocks[0].family.lower(), "block"), "")
            entering = ["x", "y", "z", *(f"x{i}" for i in range(3, found.body.entries))][: found.body.entries]
            parameters = [p.name for p in found.parameters if not p.optional]
            optional = [f"{p.name}={text_of(p.default)}" for p in found.parameters if p.optional]
            statements, results = forward(found, entering, "name", 1)
            lines = signature(name, [*entering, *parameters, "name", *optional], 0)
            start, result = f"{INDENT}{results[0]} = ", f"{INDENT}return {results[0]}"
            # `x = ...; return x` is `return ...`.
            if statements[-1].startswith(start):
                result = f"{INDENT}return {statements.pop().removeprefix(start)}"
            self.functions.append([*lines, *statements, result])
            for number, member in enumerate(members):
                self.calls[blocks[member].path] = Call(name, found.arguments(number))

    def body(self, scope: Scope) -> Body:
        """The lines of a scope: a line for every layer of Keras, and for every call of a function."""
        names = {v: f"in{i}" for i, v in enumerate(scope.entries)}
        taken = Names()
        lines: list[Line] = []
        for item in expand(scope):
            if isinstance(item, Scope):
                own = item.path[len(scope.path) + 1 :] if scope.path else item.path
                name = taken(identifier(own, "block"))
                reads = tuple(names[v] for v in item.entries)
                lines.append(Line(name, {own: self.calls[item.path]}, BLOCK, reads))
                assert item.result is not None
                names[item.result] = name
                continue
            node = self.graph.nodes[item]
            reads = tuple(names[v] for v in node.reads)
            own = node.name[len(scope.path) + 1 :] if scope.path else node.name
            owner = item if node.weights_of is None else node.weights_of - self.first
            for step in self.steps[item]:
                called = f"{own}/{step.suffix}" if step.suffix else own
                name = taken(identifier(called, "layer"))
                modules = {} if step.use else {called: step.made}
                use = step.use or LayerUse(asks=step.asks)
                # A layer whose weights another uses is kept in a variable, and called from there again.
                if step.stored and (owner != item or item in self.shared):
                    holder = f"{identifier(self.graph.nodes[owner].name, 'layer')}_layer"
                    use = LayerUse(holder, asks=step.asks)
                    modules = modules if owner == item else {}
                lines.append(Line(name, modules, use, reads))
                reads = (name,)
            names[self.first + item] = reads[0]
        results = self.graph.outputs if scope.result is None else (scope.result,)
        return Body(tuple(lines), len(scope.entries), tuple(names[v] for v in results))


def plain(name: str) -> str:
    """A name as Keras allows it."""
    return re.sub(r"[^\w-]", "_", name)


def flat(graph: Graph) -> Scope:
    """The whole network without blocks."""
    root = Scope("", "", 0, len(graph.nodes), None)
    root.items = list(range(len(graph.nodes)))
    root.entries = list(range(len(graph.inputs)))
    return root


def expand(scope: Scope) -> list[int | Scope]:
    """The items of a scope, a chain as the blocks that it is, and so the chains in it."""
    found: list[int | Scope] = []
    for item in scope.items:
        found += expand(item) if isinstance(item, Scope) and item.chain else [item]
    return found


def last_shape(shape: Shape) -> Shape:
    """A shape with the channels last."""
    return (*shape[1:], shape[0])


def channels_last(weight: Any, shape: Shape) -> Any:
    """(units, C * size) to (units, size * C), or the same of a vector; as it is where it is not for each element."""
    if len(shape) < 2 or weight.shape[-1] != prod(shape):
        return weight
    apart = weight.reshape(-1, *shape)
    return apart.transpose(0, *range(2, len(shape) + 1), 1).reshape(weight.shape)


def forward(found: Template, entering: list[str], prefix: str, depth: int) -> tuple[list[str], list[str]]:
    """The statements of a network or a function, and the variables that hold what comes out."""
    body = found.body
    left: dict[str, int] = dict.fromkeys(body.results, 1)
    for line in body.lines:
        for name in line.reads:
            left[name] = left.get(name, 0) + 1
    # As people write it: x as long as only the next line reads it; what is read later has its line's name.
    uses = dict(left)
    variables = {f"in{i}": word for i, word in enumerate(entering)}
    # No l, which looks like a 1.
    letters = ["x", "y", "z", *"abcdefghijkmnopqrstuvw"]
    taken = {p.name for p in found.parameters} | {"keras", "layers", "model", "name"}
    taken |= set() if prefix else set(entering)  # the model is made of them in the end
    statements: list[str] = []
    condition = ""
    for line in body.lines:
        read = [variables[name] for name in line.reads]
        for name in line.reads:
            left[name] -= 1
        living = {variables[name] for name, count in left.items() if count > 0 and name in variables} | taken
        free = [variables[name] for name in dict.fromkeys(line.reads) if left[name] == 0]
        if uses.get(line.name, 0) > 1 and not prefix and line.name not in living:
            target = line.name
        else:
            target = next(v for v in [*(f for f in free if f in letters), *letters] if v not in living)
        variables[line.name] = target
        # A line that not every block has stands below its condition, and leaves what enters where it is not there.
        flag = found.flags.get(line.name, "")
        if flag and target != read[0]:
            statements.append(f"{INDENT * depth}{target} = {read[0]}")
            read, condition = [target], ""
        if flag and flag != condition:
            statements.append(f"{INDENT * depth}if {flag}:")
        condition = flag
        statements += statement(line, target, read, prefix, depth + bool(flag))
    return find_loops(statements), [variables[name] for name in body.results]


def statement(line: Line, target: str, read: list[str], prefix: str, depth: int) -> list[str]:
    """One statement: a layer made and called, a function, or an expression."""
    use = line.use
    if isinstance(use, str):
        return [f"{INDENT * depth}{target} = {bare(use.format(*read))}"]
    entering = read[0] if len(read) == 1 else f"[{', '.join(read)}]"
    if use.asks:
        entering = f"{read[0]}, {read[-1]}"
    for own, made in line.modules.items():
        name = plain(own)
        named = Argument("name", name if not prefix else Code(f'f"{{{prefix}}}_{name}"'), None)
        if use is BLOCK:
            values = tuple(Argument("", Code(word)) for word in read)
            arguments = (*values, *with_name(made.arguments, named))
            return lay_out(f"{target} = ", made._replace(arguments=arguments), "", depth)
        call = made._replace(arguments=(*made.arguments, named))
        if not use.holder:
            return lay_out(f"{target} = ", call, f"({entering})", depth)
        made_first = lay_out(f"{use.holder} = ", call, "", depth)
        return [*made_first, f"{INDENT * depth}{target} = {use.holder}({entering})"]
    return [f"{INDENT * depth}{target} = {use.holder}({entering})"]


def with_name(arguments: tuple[Argument, ...], name: Argument) -> tuple[Argument, ...]:
    """The arguments of a function, with the name behind those that have to be there."""
    needed = [a for a in arguments if a.default is NOT_GIVEN]
    return (*needed, name, *(a for a in arguments if a.default is not NOT_GIVEN))


def find_loops(statements: list[str]) -> list[str]:
    """Calls of a function that differ in the number in their names alone as a loop, from three on."""
    found: list[str] = []
    i = 0
    while i < len(statements):
        match = re.fullmatch(r'(.*name=f?")([^"]*_)(\d+)(".*)', statements[i])
        times = 0
        if match:
            head, path, number, tail = match.groups()
            while i + times < len(statements) and statements[i + times] == f"{head}{path}{int(number) + times}{tail}":
                times += 1
        # The name of the first call is a plain text where nothing varies in it.
        if match and times > 2:
            formatted = head if head.endswith('f"') else f'{head[:-1]}f"'
            before = head[: len(head) - len(head.lstrip())]
            bounds = f"{int(number) + times}" if number == "0" else f"{number}, {int(number) + times}"
            found += [f"{before}for i in range({bounds}):", f"{INDENT}{formatted}{path}{{i}}{tail}"]
            i += times
        else:
            found.append(statements[i])
            i += 1
    return found
