"""The NumPy forward pass against PyTorch eager on the same threads, its memory, and the time that verify takes.

    python benchmarks/reference.py [NETWORK ...]        # resnet50 and vgg16 unless named

PyTorch is left out where it is not installed. Weights are the same, one image, float32.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import cnncalc
from cnncalc import reference
from cnncalc.analysis.memory import peak_elements
from cnncalc.graph import Graph

SHORT = "--short" in sys.argv  # one small round, which tells whether the script works
ROUNDS = 1 if SHORT else 9


def torch_forward(graph: Graph, weights: Mapping[str, Any], image: Any) -> Callable[[], Any]:
    """The same layers as calls of torch.nn.functional."""
    import torch
    from torch.nn import functional as f

    torch.set_num_threads(os.cpu_count() or 1)
    tensors = {name: torch.from_numpy(array) for name, array in weights.items()}

    def step(name: str, layer: Any, *xs: Any) -> Any:
        x = xs[0]
        if layer.kind in ("conv", "maxpool"):
            padding = tuple(before for before, _ in layer.padding)
            stride = layer.stride or layer.kernel
            if layer.kind == "maxpool":
                return f.max_pool2d(x, layer.kernel, stride, padding, ceil_mode=layer.rounding == "ceil")
            return f.conv2d(x, tensors[f"{name}.weight"], tensors.get(f"{name}.bias"), stride, padding)
        if layer.kind == "batchnorm":
            parts = (tensors[f"{name}.{part}"] for part in ("mean", "variance", "gamma", "beta"))
            return f.batch_norm(x, *parts, eps=layer.epsilon)
        if layer.kind == "dense":
            return f.linear(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"])
        plain = {
            "relu": f.relu,
            "flatten": torch.flatten,
            "dropout": lambda t: t,
            "softmax": lambda t: f.softmax(t, 1),
            "global_avgpool": lambda t: f.adaptive_avg_pool2d(t, 1),
        }
        return xs[0] + xs[1] if layer.kind == "add" else plain[layer.kind](x)

    @torch.inference_mode()
    def run() -> Any:
        values = [torch.from_numpy(image)]
        for node in graph.nodes:
            x = [values[v] for v in node.reads]
            values.append(x[0].flatten(1) if node.layer.kind == "flatten" else step(node.name, node.layer, *x))
        return values[-1].numpy()

    return run


def numpy_forward(graph: Graph, weights: Mapping[str, Any], image: Any) -> Callable[[], Any]:
    def run() -> Any:
        outputs = [y for node, y, _ in reference.steps(graph, [image], weights) if node is graph.nodes[-1]]
        return outputs[0]

    return run


def best(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def compare(name: str) -> None:
    graph = cnncalc.load(name)
    weights = reference.draw(graph)
    image = np.random.default_rng(0).standard_normal((1, *graph.shape(0)), dtype=np.float32)
    ours = numpy_forward(graph, weights, image)
    try:
        theirs = torch_forward(graph, weights, image)
    except ImportError:
        print(f"{name}: PyTorch is not installed here; not compared")
    else:
        assert np.allclose(ours(), theirs(), rtol=1e-3, atol=1e-4 * float(np.abs(theirs()).max())), name
        pairs = [(best(ours), best(theirs)) for _ in range(ROUNDS)]
        numpy_time, torch_time = (min(times) for times in zip(*pairs, strict=True))
        ratio = numpy_time / torch_time
        print(f"{name}: NumPy {numpy_time * 1e3:.0f} ms, PyTorch {torch_time * 1e3:.0f} ms: {ratio:.2f} (goal 2.5)")
    stored = sum(array.nbytes for array in weights.values())
    columns = max(4 * (f.macs or 0) // f.output[0] for f in graph.facts)
    tracemalloc.start()
    ours()
    peak = tracemalloc.get_traced_memory()[1] + stored
    tracemalloc.stop()
    sum_of_parts = stored + 4 * peak_elements(graph) + columns
    print(f"{name}: peak {peak / 1e6:.0f} MB, weights, live maps and columns {sum_of_parts / 1e6:.0f} MB: "
          f"{peak / sum_of_parts:.2f} (goal 1.3)")  # fmt: skip


def command(*arguments: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    for name in ("resnet18",) if SHORT else sys.argv[1:] or ("resnet50", "vgg16"):
        compare(name)
    pairs = [(command("-m", "cnncalc", "verify", "lenet5"), command("-c", "import numpy")) for _ in range(ROUNDS)]
    lenet, numpy = (min(times) for times in zip(*pairs, strict=True))
    print(f"verify lenet5: {lenet * 1e3:.0f} ms, starting NumPy {numpy * 1e3:.0f} ms: {lenet / numpy:.2f} (goal 3)")
    print(f"verify resnet50: {command('-m', 'cnncalc', 'verify', 'resnet50'):.1f} s (goal 30)")


if __name__ == "__main__":
    main()
