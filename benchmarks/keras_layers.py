"""How many layers of Keras are read right: every class of keras.layers once, as a table in Markdown.

    KERAS_BACKEND=torch python benchmarks/keras_layers.py [--only WORD] [--verbose]

Every class that is one layer with a call (no base class, wrapper of other programs, cell, or table of words) is made in
its usual form, put into a functional model, saved as `.keras` and as `.h5`, and read. A layer is right where both files
are read and the parameters, the buffers and the shape that comes out are Keras's; the others are refused, with the
layer named, or wrong. The same classes go by several names (`Conv2D`, `Convolution2D`): each is counted once.
Needs keras, a backend of it, and h5py.
"""

from __future__ import annotations

import argparse
import inspect
import os
import sys
import tempfile
import traceback
import warnings
from math import prod
from pathlib import Path
from typing import Any

import cnncalc

# What needs another program, or is no layer by itself.
NO_LAYER = {
    "Layer", "Wrapper", "InputSpec", "InputLayer", "FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper",
    "GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells", "Pipeline", "MaxNumBoundingBoxes",
}  # fmt: skip
IMAGE, SEQUENCE, VOLUME, VECTOR = (16, 12, 6), (10, 6), (8, 8, 8, 3), (8,)
# What a class is made with; those that are not here are made of nothing.
FIRST = {
    "Activation": ("relu",), "CenterCrop": (8, 8), "RandomCrop": (8, 8), "Dense": (5,), "Dot": (1,),
    "EinsumDense": ("abc,cd->abd", (10, 5)), "Embedding": (20, 5), "ReversibleEmbedding": (20, 5),
    "MultiHeadAttention": (2, 3), "GroupQueryAttention": (3, 4, 2), "Permute": ((2, 1, 3),), "RepeatVector": (3,),
    "Rescaling": (0.5,), "Reshape": ((12, 16, 6),), "Resizing": (8, 6), "GroupNormalization": (3,),
    "GRU": (5,), "LSTM": (5,), "SimpleRNN": (5,), "Discretization": ((0.0, 1.0),), "CategoryEncoding": (4,),
    "Hashing": (4,), "HashedCrossing": (4,), "Dropout": (0.5,), "GaussianDropout": (0.5,), "GaussianNoise": (0.5,),
    "AlphaDropout": (0.5,), "SpatialDropout1D": (0.5,), "SpatialDropout2D": (0.5,), "SpatialDropout3D": (0.5,),
    "AveragePooling1D": (2,), "AveragePooling2D": (2,), "AveragePooling3D": (2,),
    "RandomBrightness": (0.5,), "RandomContrast": (0.5,), "RandomZoom": (0.5,), "RandomRotation": (0.5,),
    "RandomTranslation": (0.5, 0.5), "RandomGrayscale": (0.5,), "RandomHue": (0.5,), "RandomPosterization": (4,),
    "RandomSaturation": (0.5,), "RandomSharpness": (0.5,), "RandomColorDegeneration": (0.5,),
    "Lambda": (lambda x: x * 2,),
}  # fmt: skip
MERGES = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")


def entering(name: str) -> list[tuple[int, ...]]:
    """The shapes that enter a layer, without samples."""
    if name in MERGES:
        return [IMAGE, IMAGE]
    if name in ("Dot", "Attention", "AdditiveAttention", "MultiHeadAttention"):
        return [SEQUENCE, SEQUENCE]
    if name == "GroupQueryAttention":
        return [SEQUENCE, SEQUENCE]
    if name == "ConvLSTM1D":
        return [(4, *SEQUENCE)]
    if name == "ConvLSTM2D":
        return [(4, *IMAGE)]
    if name == "ConvLSTM3D":
        return [(4, *VOLUME)]
    if name in ("RepeatVector", "STFTSpectrogram", "MelSpectrogram"):
        return [(2048,) if "Spec" in name and name != "RepeatVector" else VECTOR]
    if "1D" in name or name in ("GRU", "LSTM", "SimpleRNN", "RNN", "Bidirectional", "EinsumDense", "Masking"):
        return [SEQUENCE]
    if name in ("Embedding", "ReversibleEmbedding"):
        return [(7,)]
    if name == "TimeDistributed":
        return [(4, *IMAGE)]
    return [VOLUME if "3D" in name else IMAGE]


def made(layers: Any, name: str) -> Any:
    make = getattr(layers, name)
    if name == "Bidirectional":
        return make(layers.LSTM(5))
    if name == "TimeDistributed":
        return make(layers.Conv2D(4, 3))
    if name == "SpectralNormalization":
        return make(layers.Conv2D(4, 3))
    if name == "RNN":
        return make(layers.LSTMCell(5))
    first: tuple[Any, ...] = FIRST.get(name, ())
    if not first and "Conv" in name:
        first = (3,) if "Depthwise" in name else (4, 3)
    return make(*first)


def model_of(keras: Any, name: str) -> Any:
    inputs = [keras.Input(shape) for shape in entering(name)]
    layer = made(keras.layers, name)
    alone = len(inputs) == 1
    y = layer(*inputs) if "MultiHead" in name or "GroupQuery" in name or alone else layer(inputs)
    return keras.Model(inputs, y)


def look_at(model: Any, folder: Path, suffix: str) -> str:
    """What becomes of a model in a file of this form."""
    path = folder / f"net{suffix}"
    model.save(path)
    try:
        graph = cnncalc.load(str(path))
    except cnncalc.CnncalcError as error:
        first, *_rest = str(error).replace(f"{path}: ", "").splitlines()
        word = "fault" if "nobody foresaw" in str(error) else "refused"
        return f"{word}: {first[:140]}"
    except Exception:
        return f"fault: {traceback.format_exc().splitlines()[-1]}"
    stored = sum(prod(weight.shape) for weight in model.weights if "seed" not in weight.path)
    counted = sum((facts.weights or 0) + (facts.buffers or 0) for facts in graph.facts)
    if abs(stored - counted) > 1 or (stored != counted and "normalization" not in model.layers[-1].name):
        return f"wrong: {counted} numbers for {stored}"
    shape = graph.shape(graph.outputs[0])
    wanted = [n for n in (model.output.shape or ())[1:] if n not in (1, None)]
    found = [n for n in shape if n != 1]
    return "right" if sorted(found) == sorted(wanted) else f"wrong: {shape} for {wanted}"


def main(only: str, verbose: bool) -> None:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    warnings.filterwarnings("ignore")
    import logging

    import keras

    logging.getLogger("absl").setLevel(logging.ERROR)
    names: dict[Any, str] = {}
    for name in sorted(dir(keras.layers)):
        found = getattr(keras.layers, name)
        if (
            only in name
            and inspect.isclass(found)
            and name not in NO_LAYER
            and getattr(found, "__name__", name) == name
        ):
            names.setdefault(found, name)
    rows: dict[str, list[str]] = {}
    for name in names.values():
        try:
            model = model_of(keras, name)
        except Exception as error:
            rows.setdefault("not made", []).append(name)
            print(f"{name}: not made: {type(error).__name__} {str(error)[:100]}", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                results = [look_at(model, Path(folder), suffix) for suffix in (".keras", ".h5")]
            except TypeError as error:  # Keras cannot save it
                results = [f"not made: {error}"]
        words = {result.split(":")[0] for result in results}
        word = next(w for w in ("fault", "wrong", "not made", "refused", "right") if w in words)
        rows.setdefault(word, []).append(name)
        if verbose or word in ("fault", "wrong"):
            print(f"{name}: {' | '.join(results)}", file=sys.stderr)
    print("| layers of Keras | how many | which |")
    print("|---|---|---|")
    for word in ("right", "refused", "wrong", "fault", "not made"):
        found = rows.get(word, [])
        print(f"| {word} | {len(found)} | {'' if word == 'right' else ', '.join(f'`{name}`' for name in found)} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    main(given.only, given.verbose)
