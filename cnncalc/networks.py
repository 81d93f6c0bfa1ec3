"""The bundled networks: specs that ship with the package, found by name from any folder.

A new one is a file in specs/ and its name in a family here; a variant that parameters reach is a row in VARIANTS.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NamedTuple

SUFFIXES = (".yaml", ".yml")

FAMILIES: dict[str, tuple[str, ...]] = {
    "neurons and dense nets": (
        "perceptron",
        "xor",
        "softmax-regression",
        "mlp-5-6-6-2",
        "mlp-digits",
        "rbf-network",
        "hopfield",
    ),
    "LeNet": (
        "lenet-1989",
        "lenet5",
        "lenet5-modern",
        "lenet5-full-c3",
        "lenet-d2l",
        "lenet-maxpool",
        "lenet-ng",
        "lenet-caffe",
    ),
    "AlexNet and its successors": ("alexnet", "zfnet", "vgg16"),
    "Inception": ("googlenet", "inception-v3"),
    "residual and dense connections": ("resnet34", "resnet50", "densenet121"),
    "unshared weights": ("deepface",),
    "small and fast": ("mobilenet-v1", "mobilenet-v2", "shufflenet-v1", "squeezenet1_0"),
    "recurrent": ("rnn", "mgu", "gru", "lstm"),
    "images from noise, maps from images": ("dcgan-generator", "dcgan-discriminator"),
    "worked examples": (
        "example-two-3x3",
        "example-three-3x3",
        "example-stride-field",
        "example-field-30",
        "example-full-connection",
        "example-shared-kernels",
        "example-dense-as-conv",
        "example-dense-as-1x1",
        "example-map-to-vector",
        "example-two-filters",
        "example-1x1",
        "example-1d",
        "example-odd-pooling",
    ),
}

# Names for what a spec becomes with some of its parameters changed.
VARIANTS: dict[str, tuple[str, dict[str, str]]] = {
    "example-shared-kernels-stride-1": ("example-shared-kernels", {"stride": "1"}),
    "example-shared-kernels-stride-10": ("example-shared-kernels", {"stride": "10"}),
    "resnet18": ("resnet34", {"depth": "[2, 2, 2, 2]"}),
    "resnet101": ("resnet50", {"depth": "[3, 4, 23, 3]"}),
    "resnet152": ("resnet50", {"depth": "[3, 8, 36, 3]"}),
    "mobilenet-v1-0.25-128": ("mobilenet-v1", {"width": "8", "resolution": "128"}),
}

# Other names for a network or a variant. Case, spaces, hyphens, underscores and dots never matter.
ALIASES = {
    "lenet": "lenet5",
    "lenet-5-1998": "lenet5",
    "lenet5-keras": "lenet5-modern",
    "lenet5-pytorch": "lenet5-modern",
    "lenet-rgb": "lenet-ng",
    "lenet-mnist": "lenet-caffe",
    "mlp-2-2-1": "xor",
    "mlp-784-16-16-10": "mlp-digits",
    "mobilenet": "mobilenet-v1",
    "shufflenet": "shufflenet-v1",
    "squeezenet": "squeezenet1_0",
    "inception": "inception-v3",
    "inception-v1": "googlenet",
    "dcgan": "dcgan-generator",
}


class Found(NamedTuple):
    """A bundled network: its file, and the parameters that the name under which it was asked for stands for."""

    path: str
    params: Mapping[str, str]


def folder() -> str:
    """Where the bundled specs are: inside the installed package, or beside it in a checkout."""
    package = os.path.dirname(os.path.abspath(__file__))
    installed = os.path.join(package, "specs")
    return installed if os.path.isdir(installed) else os.path.join(os.path.dirname(package), "specs")


def bundled() -> dict[str, str]:
    """Name to path, family by family."""
    specs = folder()
    return {name: os.path.join(specs, f"{name}.yaml") for names in FAMILIES.values() for name in names}


def known_names() -> list[str]:
    """Every name that stands for a network, canonical ones first."""
    return [*bundled(), *VARIANTS, *ALIASES]


def find(name: str) -> Found | None:
    """The bundled network of this name; `ResNet-50`, `resnet_50` and `resnet50.yaml` are one. None if there is none."""
    stem, suffix = os.path.splitext(name)
    wanted = _plain(stem if suffix in SUFFIXES else name)
    names = {_plain(known): known for known in reversed(known_names())}
    known = names.get(wanted)
    if known is None:
        return None
    known = ALIASES.get(known, known)
    base, params = VARIANTS.get(known, (known, {}))
    return Found(bundled()[base], params)


def _plain(name: str) -> str:
    return re.sub(r"[-_. ]", "", name.lower())
