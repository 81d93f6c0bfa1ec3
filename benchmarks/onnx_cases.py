"""How many cases of ONNX's own test suite are read right: one row for each operator, as a table in Markdown.

    python benchmarks/onnx_cases.py [--only WORD] [--all] [--verbose]

The cases are those for operators (onnx.backend.test.case.node), made in memory: a model of one operator, or of the
operators that it is defined by, what enters and what comes out. What a case hands in beside its first input is tried as
an input and as a stored tensor, as a network has its weights. The shapes that a case declares for its results are taken
out before it is read. A case is

- right where every result has the shape, and, where the reference can run it, the numbers of the suite (to 1e-3),
- refused where what is said names the operator, the attribute or the input,
- wrong for another shape or other numbers, and a fault for any other error.

Operators that no convolutional network holds (texts, sequences, optionals, bits, training) are left out without --all.
Needs onnx.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import traceback
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

import cnncalc
from cnncalc import reference

# What convolutional networks have no use for: texts, sequences, optional values, bits, training, signals of sound, and
# operators that make numbers of nothing.
ELSEWHERE = {
    "Adagrad", "Adam", "Momentum", "ArrayFeatureExtractor", "Binarizer", "BitCast", "BitShift", "BitwiseAnd",
    "BitwiseNot", "BitwiseOr", "BitwiseXor", "BlackmanWindow", "Compress", "DFT", "Det", "HammingWindow", "HannWindow",
    "ImageDecoder", "LabelEncoder", "MelWeightMatrix", "NegativeLogLikelihoodLoss", "Optional", "OptionalGetElement",
    "OptionalHasElement", "RegexFullMatch", "STFT", "SequenceConstruct", "SequenceEmpty", "SequenceErase",
    "SequenceInsert",
    "SplitToSequence", "SequenceLength", "SequenceMap", "SoftmaxCrossEntropyLoss", "StringConcat", "StringNormalizer",
    "StringSplit", "TfIdfVectorizer", "TreeEnsemble", "Unique", "Bernoulli", "RandomUniformLike",
}  # fmt: skip
CLOSE = 1e-3
COMPARED = (np.dtype("float16"), np.dtype("float32"), np.dtype("float64"), np.dtype("bool"))
VIEWS = {
    "Cast", "CastLike", "Constant", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze", "Neg",
    "QuantizeLinear", "DequantizeLinear", "Shape", "Size", "Split", "Sum", "Max", "Min", "Mean", "Concat",
}  # fmt: skip


def cases() -> Iterator[tuple[str, str, Any, list[Any], list[Any]]]:
    """Operator, name, model, what enters and what comes out, of every case."""
    from onnx import TensorProto, numpy_helper
    from onnx.backend.test.case.node import collect_testcases

    def is_tensor(value: Any) -> bool:
        return isinstance(value, TensorProto)

    for case in collect_testcases(None):
        # A model whose function is written out is called after the operator that it defines.
        name = case.name.removeprefix("test_")
        for entering, leaving in (case.data_sets or [])[:1]:
            leaving = [numpy_helper.to_array(value) if is_tensor(value) else value for value in leaving]
            entering = [numpy_helper.to_array(value) if is_tensor(value) else value for value in entering]
            arrays = [np.asarray(value) if isinstance(value, np.generic) else value for value in entering]
            yield operator_of(case), name, case.model, arrays, list(leaving)


def operator_of(case: Any) -> str:
    return "" if not case.model.graph.node else str(case.model.graph.node[0].op_type)


def variants(model: Any, entering: Sequence[Any]) -> Iterator[Any]:
    """The model as it is, and with all inputs but the first as stored tensors."""
    import onnx
    from onnx import numpy_helper

    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    for info in plain.graph.output:
        info.type.tensor_type.ClearField("shape")
    yield plain
    last = plain
    if len(entering) > 1 and all(isinstance(array, np.ndarray) for array in entering):
        stored = onnx.ModelProto()
        stored.CopyFrom(plain)
        for info, array in zip(list(stored.graph.input)[1:], entering[1:], strict=True):
            stored.graph.initializer.append(numpy_helper.from_array(array, info.name))
            stored.graph.input.remove(info)
        yield stored
        last = stored
    # A model of views alone has no layers: negated twice its results come out of some.
    if not {node.op_type for node in model.graph.node} - VIEWS:
        behind = onnx.ModelProto()
        behind.CopyFrom(last)
        for info in behind.graph.output:
            name = info.name
            behind.graph.node.append(onnx.helper.make_node("Neg", [name], [f"{name}_negative"]))
            behind.graph.node.append(onnx.helper.make_node("Neg", [f"{name}_negative"], [f"{name}_same"]))
            info.name = f"{name}_same"
        yield behind


def look_at(model: Any, entering: Sequence[Any], leaving: Sequence[Any], folder: Path) -> str:
    """What becomes of one model."""
    path = folder / "case.onnx"
    path.write_bytes(model.SerializeToString())
    try:
        graph = cnncalc.load(str(path))
    except cnncalc.CnncalcError as error:
        return refusal(str(error), path)
    except Exception:
        return f"fault: {traceback.format_exc().splitlines()[-1]}"
    names = [info.name for info in model.graph.input]
    names += [stored.name for stored in model.graph.initializer][: len(entering) - len(names)]
    operators = {node.op_type for node in model.graph.node}
    batch = len(entering[0]) if np.ndim(entering[0]) else 1
    said = compare_shapes(graph, leaving, operators, batch)
    # What is quantised is read as what it stands for, and rounds to eight bits or fewer are not computed.
    if not said and any(getattr(a, "dtype", None) not in COMPARED for a in leaving):
        return "right"
    return said or compare_numbers(graph, path, dict(zip(names, entering, strict=True)), leaving) or "right"


def refusal(problem: str, path: Path) -> str:
    """A refusal, in its first line; a fault where it is one, or where --allow-unknown ends otherwise."""
    try:
        cnncalc.load(str(path), allow_unknown=True)
    except cnncalc.CnncalcError as error:
        problem = str(error)  # with operators that are not known allowed, the file or its input is at fault
    except Exception:
        return f"fault: {traceback.format_exc().splitlines()[-1]}"
    line = " ".join(problem.replace(f"{path}: ", "").split("\n")[:2])
    if "nobody foresaw" in line:
        return f"fault: {line}"
    return f"wrong: {line}" if "contradicts itself" in problem else f"refused: {line}"


def shapes_agree(found: Sequence[int], wanted: Sequence[int]) -> bool:
    """Whether a shape without samples is this one with them; sizes of 1 and where channels stand matter not."""
    ours = [n for n in found if n != 1]
    theirs = ([n for n in wanted[1:] if n != 1], [n for n in wanted if n != 1])
    return any(ours == want or (sorted(ours) == sorted(want) and len(want) > 1) for want in theirs)


def compare_shapes(graph: Any, leaving: Sequence[Any], operators: set[str], batch: int) -> str:
    arrays = [array for array in leaving if isinstance(array, np.ndarray)]
    ours = [graph.shape(value) for value in graph.outputs]
    if len(ours) > len(arrays):
        return f"wrong: {len(ours)} results for {len(arrays)}"
    for shape, array in zip(ours, arrays, strict=False):
        # Samples that a view brings to another place stay in front: there are as many elements.
        joined = operators <= VIEWS and prod(array.shape) == prod(shape) * batch
        if not joined and not shapes_agree(shape, array.shape):
            return f"wrong: {'x'.join(map(str, shape))} for {'x'.join(map(str, array.shape))} with the samples"
    return "" if len(ours) == len(arrays) else "fewer"


def compare_numbers(graph: Any, path: Path, given: dict[str, Any], leaving: Sequence[Any]) -> str:
    """What is wrong about the numbers; empty where nothing is, or where the reference does not run them."""
    first = next(iter(given.values()), None)
    try:
        images = {}
        for i, (name, shape) in enumerate(graph.inputs.items()):
            array = given.get(name, first if i == 0 else None)
            if not isinstance(array, np.ndarray) or array.dtype.kind not in "fb" or array.shape[1:] != tuple(shape):
                return "not run"
            images[name] = array.astype(np.float64)
        found = reference.run(graph, images, cnncalc.weights_of(str(path)))
        values = [found[name] for name in [*graph.inputs, *(node.name for node in graph.nodes)]]
        ours = [values[v] for v in graph.outputs]
    except cnncalc.CnncalcError as error:
        return "not run " + str(error)[-80:].replace("\n", " ")
    except Exception as error:
        return f"fault: reference {type(error).__name__} {str(error)[:90]}"
    for value, array in zip(ours, leaving, strict=False):
        if value.size != array.size:
            return "not run"
        a, b = np.sort(value.ravel().astype(float)), np.sort(array.ravel().astype(float))
        if not np.allclose(a, b, rtol=CLOSE, atol=CLOSE, equal_nan=True):
            return f"wrong: numbers {np.nanmax(np.abs(a - b)):.3g} apart"
    return ""


def main(only: str, everything: bool, verbose: bool) -> None:
    warnings.filterwarnings("ignore")
    found: dict[str, Counter[str]] = defaultdict(Counter)
    why: dict[str, Counter[str]] = defaultdict(Counter)
    with tempfile.TemporaryDirectory() as name:
        for operator, case, model, entering, leaving in cases():
            if only not in case or (not everything and operator in ELSEWHERE):
                continue
            results = [look_at(variant, entering, leaving, Path(name)) for variant in variants(model, entering)]
            words = [r.split(":")[0].split(" ")[0] for r in results]
            worst = next((w for w in ("fault", "wrong") if w in words), "")
            best = worst or ("refused" if all(w == "refused" for w in words) else "right")
            found[operator][best] += 1
            if best == "refused":
                why[operator][short(results[-1])] += 1
            if verbose:
                print(f"{case} {operator}: {best} | {' | '.join(results)}", file=sys.stderr)
    print("| operator | cases | right | refused | wrong | fault | refused for |")
    print("|---|---|---|---|---|---|---|")
    total: Counter[str] = Counter()
    for operator, results in sorted(found.items()):
        total += results
        reasons = "; ".join(text for text, _n in why[operator].most_common(3))
        cells = [results.total(), *(results[w] for w in ("right", "refused", "wrong", "fault"))]
        print(f"| {operator} | {' | '.join(map(str, cells))} | {reasons} |")
    cells = [total.total(), *(total[w] for w in ("right", "refused", "wrong", "fault"))]
    print(f"| all | {' | '.join(map(str, cells))} | |")


def short(result: str) -> str:
    """Why something is refused, without the place."""
    return re.sub(r"^refused: (node '[^']*' \(\w+\): |input '[^']*': )?", "", result)[:110].replace("|", "/")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args()
    main(given.only, given.all, given.verbose)
