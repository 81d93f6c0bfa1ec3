"""How many networks of torchvision, timm and Keras are read right: a census, as a table in Markdown.

    python benchmarks/census.py [torchvision] [timm] [keras]

torchvision: every classifier; timm: every 13th of its list, by the alphabet; Keras: every application. Right is a
network whose parameters, those that the forward pass never reads included, are as many as the module has (shapes are
compared call by call while it is read); it is written as PyTorch, read back and compared. The others are refused, by
the operator that is named.

Needs torch, torchvision, timm, keras as far as they are asked for. The ordinary wheel of torchvision works beside a
build of torch for the CPU: tests/torchvision_operators.py declares what it misses.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path
from typing import Any

import cnncalc

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
EVERY = 13  # of timm's networks
SIZES = {"inception": 299, "nasnet": 331, "xception": 299, "regnet_y_128gf": 384}


def size_of(name: str) -> int:
    return next((size for word, size in SIZES.items() if word in name), 224)


def torchvision_networks() -> Iterator[tuple[str, Callable[[], Any], int]]:
    import torchvision_operators

    models = torchvision_operators.import_models()
    for name in models.list_models(module=models):
        fresh = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
        yield name, lambda name=name, fresh=fresh: models.get_model(name, weights=None, **fresh), size_of(name)


def timm_networks() -> Iterator[tuple[str, Callable[[], Any], int]]:
    import torchvision_operators

    torchvision_operators.import_models()  # timm imports torchvision
    import timm

    for name in timm.list_models()[::EVERY]:
        size = timm.get_pretrained_cfg(name).input_size[-1] if timm.is_model_pretrained(name) else 224
        yield name, lambda name=name: timm.create_model(name), size


def look_at(make: Callable[[], Any], size: int) -> str:
    """What became of a network: `right`, `refused: OPERATOR`, `wrong: ...` or `not made`."""
    import torch

    from cnncalc.interop.torch.read.module import call_factory
    from cnncalc.interop.torch.write.text import convert

    try:
        module = call_factory(torch, make).eval()
    except Exception as error:
        return f"not made: {type(error).__name__}"
    try:
        graph = cnncalc.from_torch(module, (3, size, size))
    except cnncalc.CnncalcError as error:
        return f"refused: {operator_in(str(error))}"
    except Exception as error:
        return f"wrong: {type(error).__name__}"
    held = sum(p.numel() for p in module.parameters())
    unread = sum(int(n.replace(",", "")) for text in graph.remarks for n in re.findall(r"^[\d,]+", text))
    if (
        sum(f.weights or 0 for f, n in zip(graph.facts, graph.nodes, strict=True) if n.weights_of is None) + unread
        != held
    ):
        return "wrong: parameters"
    try:
        convert(graph, None)
    except cnncalc.CnncalcError as error:
        return "right, not written: " + operator_in(str(error))
    return "right"


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

    from cnncalc.interop.keras.read.configuration import graph_of

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


def main(asked: list[str]) -> None:
    warnings.filterwarnings("ignore")
    found: dict[str, Counter[str]] = {}
    for room, networks in (("torchvision", torchvision_networks), ("timm", timm_networks)):
        if not asked or room in asked:
            found[room] = Counter()
            for name, make, size in networks():
                what = look_at(make, size)
                found[room][what] += 1
                print(f"{room} {name}: {what}", file=sys.stderr, flush=True)
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
            {word: sum(n for w, n in results.items() if w.startswith(word)) for word in ("right", "refused")}
        )
        wrong = sum(n for w, n in results.items() if w.startswith("wrong"))
        why = ", ".join(
            f"{w.removeprefix('refused: ')} {n}" for w, n in results.most_common() if w.startswith("refused")
        )
        written = results["right"] if room != "keras.applications" else "-"
        right, refused, wrong = words["right"], words["refused"], words["wrong"]
        print(f"| {room} | {right + refused + wrong} | {right} | {written} | {refused} | {wrong} | {why} |")


if __name__ == "__main__":
    main(sys.argv[1:])
