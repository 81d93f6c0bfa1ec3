"""How many networks of torchvision, timm and Keras are read right: a census, as a table in Markdown.

    python benchmarks/census.py [torchvision] [timm] [families] [keras] [--write] [--only WORD]

torchvision: every entry of its list; timm: every 13th of its list, by the alphabet; families: a network of every family
of timm that is not among those, drawn with a fixed seed; Keras: every application. Right is a network

- whose parameters, those that the forward pass never reads included, are as many as the module has,
- whose MACs are half of what torch's FlopCounterMode counts, where that counts all (it knows no recurrent layers),
- and whose shapes are PyTorch's, which are compared call by call while it is read.

A detector whose parameters have all been read where values begin to decide is right if both counts agree up to there.

With --write it is also written as PyTorch, read back and compared. The others are refused, by the operator that is
named. --only reads the networks with this word in their names.

Needs torch, torchvision, timm, keras as far as they are asked for. The ordinary wheel of torchvision works beside a
build of torch for the CPU: tests/torchvision_operators.py declares what it misses.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import Any

import cnncalc

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
EVERY = 13  # of timm's networks
SEED = 17  # of the networks that stand for their families
SIZES = {"inception": 299, "nasnet": 331, "xception": 299, "regnet_y_128gf": 384}
VIDEOS = (3, 16, 112, 112)
SHAPES = {
    "mvit": (3, 16, 224, 224),
    "swin3d": VIDEOS,
    "r3d": VIDEOS,
    "mc3": VIDEOS,
    "r2plus1d": VIDEOS,
    "s3d": (3, 16, 224, 224),
}
Made = tuple[str, Callable[[], Any], tuple[int, ...]]  # of a network: its name, what makes it, and what enters


def shape_of(name: str) -> tuple[int, ...]:
    size = next((size for word, size in SIZES.items() if word in name), 224)
    return next((shape for word, shape in SHAPES.items() if name.startswith(word)), (3, size, size))


def torchvision_networks() -> Iterator[Made]:
    import torchvision_operators

    models = torchvision_operators.import_models()
    for name in models.list_models():
        slow = name.removeprefix("quantized_") in ("googlenet", "inception_v3")
        options: dict[str, Any] = {"init_weights": False} if slow else {}
        if name in models.list_models(module=models.detection) + models.list_models(module=models.segmentation):
            options["weights_backbone"] = None
        yield (
            name,
            lambda name=name, options=options: models.get_model(name, weights=None, **options),
            shape_of(name),
        )


def timm_network(timm: Any, name: str) -> Made:
    known = timm.is_model_pretrained(name) or timm.get_pretrained_cfg(name, allow_unregistered=True) is not None
    shape = timm.get_pretrained_cfg(name).input_size if known else (3, 224, 224)
    return name, lambda: timm.create_model(name), tuple(shape)


def import_timm() -> Any:
    import torchvision_operators

    torchvision_operators.import_models()  # timm imports torchvision
    import timm

    return timm


def timm_networks() -> Iterator[Made]:
    timm = import_timm()
    for name in timm.list_models()[::EVERY]:
        yield timm_network(timm, name)


def timm_families() -> Iterator[Made]:
    """A hundred networks of timm, each of another file or with another word in front of its numbers."""
    timm = import_timm()

    def family(name: str) -> tuple[str, str]:
        word = re.match(r"[a-z]+(_?[a-z]+)*?(?=[_\d]|$)", name)
        return timm.models.model_entrypoint(name).__module__, word[0] if word else name

    names = timm.list_models()
    seen = {family(name) for name in names[::EVERY]}
    families: dict[tuple[str, str], list[str]] = {}
    for name in names:
        if family(name) not in seen:
            families.setdefault(family(name), []).append(name)
    draw = random.Random(SEED)
    for members in list(families.values())[:100]:
        yield timm_network(timm, draw.choice(members))


def look_at(make: Callable[[], Any], shape: tuple[int, ...], write: bool) -> str:
    """What became of a network: `right`, `refused: OPERATOR`, `wrong: ...` or `not made`."""
    import torch

    from cnncalc.interop.torch.read.module import call_factory
    from cnncalc.interop.torch.write.text import convert

    try:
        module = call_factory(torch, make).eval()
    except Exception as error:
        return f"not made: {type(error).__name__}: {str(error)[:60]}"
    held = sum(p.numel() for p in module.parameters())
    inputs = [shape, shape] if type(module).__name__ == "RAFT" else shape
    try:
        graph = cnncalc.from_torch(module, inputs)
    except cnncalc.CnncalcError as error:
        if "the values decide" not in str(error):
            return f"refused: {operator_in(str(error))}"
        graph = cnncalc.from_torch(module, inputs, allow_unknown=True)
        return (
            "refused: values decide" if count_params(graph) == held else "wrong: parameters up to where values decide"
        )
    except Exception as error:
        return f"wrong: {type(error).__name__}"
    if count_params(graph) != held:
        return f"wrong: parameters, {count_params(graph)} for {held}"
    macs = sum(fact.macs or 0 for fact in graph.facts) + sum(map(filtered, graph.nodes, graph.facts))
    counted = count_macs(torch, module, inputs, 2) // 2
    if macs != counted:  # what is worked out of weights alone is done once for all samples
        counted = (count_macs(torch, module, inputs, 4) - 2 * counted) // 2
    if macs != counted:  # what depends on no input is not counted here, even where it is done for each sample
        counted = count_macs(torch, module, inputs, 2, derived=True) // 2
    if macs != counted and not any(isinstance(part, torch.nn.RNNBase) for part in module.modules()):
        return f"wrong: MACs, {macs} for {counted}"
    if write:
        try:
            convert(graph, None)
        except cnncalc.CnncalcError as error:
            return "right, not written: " + operator_in(str(error))
    return "right"


def count_params(graph: Any) -> int:
    """The numbers that a network stores, each once, and those that its forward pass never reads."""
    unread = sum(int(n.replace(",", "")) for text in graph.remarks for n in re.findall(r"^[\d,]+", text))
    return unread + sum(f.weights or 0 for f, n in zip(graph.facts, graph.nodes, strict=True) if n.weights_of is None)


def filtered(node: Any, facts: Any) -> int:
    """The multiplications of a blur pool, whose fixed filters torch counts as a convolution."""
    if node.layer.kind != "blurpool":
        return 0
    taps = prod(node.layer.kernel * (len(facts.output) - 1) if len(node.layer.kernel) == 1 else node.layer.kernel)
    return int(taps * prod(facts.output))


def count_macs(torch: Any, module: Any, inputs: Any, samples: int, *, derived: bool = False) -> int:
    """Half of what torch counts for so many samples, on tensors without values; `derived`: from the input alone."""
    from torch.utils.flop_counter import FlopCounterMode

    from cnncalc.interop.torch.read.flow import Flow

    shapes = inputs if isinstance(inputs, list) else [inputs]
    flow = Flow(torch)

    class Counter(FlopCounterMode):
        def _count_flops(self, operation: Any, result: Any, args: Any, kwargs: Any) -> Any:
            if derived and not any(map(flow.depends, flow.tensors((args, tuple(kwargs.values()))))):
                return result
            return super()._count_flops(operation, result, args, kwargs)

    module.requires_grad_(False).to("meta")
    entering = [torch.empty(samples, *shape, device="meta") for shape in shapes]
    for tensor in entering:
        flow.begin(tensor)
    with (
        torch.no_grad(),
        flow,
        Counter(display=False) as counter,
        suppress(NotImplementedError),
    ):  # at what values decide
        module(*entering)
    return int(counter.get_total_flops()) // 2


def operator_in(problem: str) -> str:
    """The operator, or the kind, that a refusal names."""
    found = re.search(r"operator (\w+) is|this (\w+) is not read|for the kind (\w+)", problem)
    return next(filter(None, found.groups())) if found else problem.splitlines()[0][-60:]


def keras_networks() -> Iterator[tuple[str, Any]]:
    import keras

    for name in sorted(vars(keras.applications)):
        if name[0].isupper():
            yield name, getattr(keras.applications, name)


def look_at_keras(make: Any) -> str:
    import json

    from cnncalc.interop.keras.read.model import graph_of

    try:
        model = make(weights=None)
    except ValueError as error:  # NASNet under the backend torch
        return f"not made: {type(error).__name__}"
    try:
        open_size = None in model.input_shape[1:]
        graph = graph_of(json.loads(model.to_json()), "keras", {"": (3, 224, 224)} if open_size else {})
    except cnncalc.CnncalcError as error:
        return f"refused: {operator_in(str(error))}"
    stored = sum(prod(weight.shape) for weight in model.weights if "seed" not in weight.path)
    counted = sum((f.weights or 0) + (f.buffers or 0) for f in graph.facts)
    return "right" if abs(stored - counted) <= 1 else f"wrong: {counted} for {stored}"  # Normalization counts samples


def main(asked: list[str], write: bool, only: str) -> None:
    warnings.filterwarnings("ignore")
    found: dict[str, Counter[str]] = {}
    rooms = {"torchvision": torchvision_networks, "timm": timm_networks, "families": timm_families}
    for room, networks in rooms.items():
        if not asked or room in asked:
            found[room] = Counter()
            for name, make, shape in networks():
                if only not in name:
                    continue
                start = time.perf_counter()
                what = look_at(make, shape, write)
                found[room][what] += 1
                print(f"{room} {name}: {what} ({time.perf_counter() - start:.0f} s)", file=sys.stderr, flush=True)
    if not asked or "keras" in asked:
        found["keras.applications"] = Counter()
        for name, make in keras_networks():
            what = look_at_keras(make)
            found["keras.applications"][what] += 1
            print(f"keras {name}: {what}", file=sys.stderr, flush=True)
    print("| from | networks | right | of these written as PyTorch | refused | wrong | refused for |")
    print("|---|---|---|---|---|---|---|")
    for room, results in found.items():
        words = Counter(
            {word: sum(n for w, n in results.items() if w.startswith(word)) for word in ("right", "refused", "wrong")}
        )
        why = ", ".join(
            f"{w.removeprefix('refused: ')} {n}" for w, n in results.most_common() if w.startswith("refused")
        )
        written = results["right"] if write and room != "keras.applications" else "-"
        right, refused, wrong = words["right"], words["refused"], words["wrong"]
        made = sum(n for w, n in results.items() if not w.startswith("not made"))
        if made < results.total():
            why += f"; not made {results.total() - made}"
        print(f"| {room} | {right + refused + wrong} | {right} | {written} | {refused} | {wrong} | {why} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("rooms", nargs="*", choices=[[], "torchvision", "timm", "families", "keras"])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    main(given.rooms, given.write, given.only)
