"""The bundled networks: specs that ship with the package, found by name from any folder.

A new one is a file in specs/ and its name in a family here; a variant that parameters reach is a row in VARIANTS.
"""

import os
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from cnncalc.language import n_

SUFFIXES = (".yaml", ".yml")

FAMILIES: dict[str, tuple[str, ...]] = {
    n_("neurons and dense nets"): (
        "perceptron",
        "xor",
        "softmax-regression",
        "mlp-5-6-6-2",
        "mlp-digits",
        "rbf-network",
        "hopfield",
    ),
    n_("LeNet"): (
        "lenet-1989",
        "lenet5",
        "lenet5-modern",
        "lenet5-full-c3",
        "lenet-d2l",
        "lenet-maxpool",
        "lenet-ng",
        "lenet-caffe",
    ),
    n_("AlexNet and its successors"): (
        "alexnet",
        "alexnet-torchvision",
        "zfnet",
        "vgg16",
        "nin",
        "nin-caffe",
        "nin-d2l",
    ),
    n_("Inception"): ("googlenet", "googlenet-torchvision", "googlenet-d2l", "inception-v3"),
    n_("residual and dense connections"): ("resnet34", "resnet50", "densenet121", "hrnet"),
    n_("unshared weights"): ("deepface",),
    n_("small and fast"): ("mobilenet-v1", "mobilenet-v2", "shufflenet-v1", "squeezenet1_0", "squeezenet1_1"),
    n_("design spaces"): ("nas-bench-201", "regnet"),
    n_("attention"): ("vit-b16", "swin-t", "maxvit-t", "coatnet-0", "mobilevit-s"),
    n_("recurrent"): ("rnn", "mgu", "gru", "lstm"),
    n_("images from noise, maps from images"): ("dcgan-generator", "dcgan-discriminator", "unet"),
    n_("worked examples"): (
        "example-two-3x3",
        "example-three-3x3",
        "example-stride-field",
        "example-field-30",
        "example-full-connection",
        "example-local",
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
# Values are texts, as they would stand behind --set.
VARIANTS: dict[str, tuple[str, dict[str, str]]] = {
    "alexnet-one-tower": ("alexnet", {"groups": "1"}),
    "vgg11": ("vgg16", {"depth": "[1, 1, 2, 2, 2]"}),
    "vgg13": ("vgg16", {"depth": "[2, 2, 2, 2, 2]"}),
    "vgg19": ("vgg16", {"depth": "[2, 2, 4, 4, 4]"}),
    "vgg11-d2l": ("vgg16", {"depth": "[1, 1, 2, 2, 2]", "channels": "1", "classes": "10"}),
    "resnet18": ("resnet34", {"depth": "[2, 2, 2, 2]"}),
    "resnet50-v1": ("resnet50", {"v1": "1"}),
    "resnet50-keras": ("resnet50", {"v1": "1", "bias": "true"}),
    "resnet50-d": ("resnet50", {"d": "1"}),
    "resnet101": ("resnet50", {"depth": "[3, 4, 23, 3]"}),
    "resnet152": ("resnet50", {"depth": "[3, 8, 36, 3]"}),
    "hrnet-w32": ("hrnet", {"width": "32"}),
    "hrnet-w48": ("hrnet", {"width": "48"}),
    "mobilenet-v1-0.75": ("mobilenet-v1", {"width": "24"}),
    "mobilenet-v1-0.5": ("mobilenet-v1", {"width": "16"}),
    "mobilenet-v1-0.25": ("mobilenet-v1", {"width": "8"}),
    "mobilenet-v1-0.25-128": ("mobilenet-v1", {"width": "8", "resolution": "128"}),
    "regnetx-400mf": ("regnet", {"width": "[32, 64, 160, 384]", "depth": "[1, 2, 7, 12]", "group": "16"}),
    "regnetx-600mf": ("regnet", {"width": "[48, 96, 240, 528]", "depth": "[1, 3, 5, 7]", "group": "24"}),
    "regnetx-800mf": ("regnet", {"width": "[64, 128, 288, 672]", "depth": "[1, 3, 7, 5]", "group": "16"}),
    "regnetx-1.6gf": ("regnet", {"width": "[72, 168, 408, 912]", "depth": "[2, 4, 10, 2]", "group": "24"}),
    "regnetx-3.2gf": ("regnet", {"width": "[96, 192, 432, 1008]", "depth": "[2, 6, 15, 2]", "group": "48"}),
    "regnetx-4.0gf": ("regnet", {"width": "[80, 240, 560, 1360]", "depth": "[2, 5, 14, 2]", "group": "40"}),
    "regnetx-6.4gf": ("regnet", {"width": "[168, 392, 784, 1624]", "depth": "[2, 4, 10, 1]", "group": "56"}),
    "regnetx-8.0gf": ("regnet", {"width": "[80, 240, 720, 1920]", "depth": "[2, 5, 15, 1]", "group": "120"}),
    "regnetx-12gf": ("regnet", {"width": "[224, 448, 896, 2240]", "depth": "[2, 5, 11, 1]", "group": "112"}),
    "regnetx-16gf": ("regnet", {"width": "[256, 512, 896, 2048]", "depth": "[2, 6, 13, 1]", "group": "128"}),
    "regnetx-32gf": ("regnet", {"width": "[336, 672, 1344, 2520]", "depth": "[2, 7, 13, 1]", "group": "168"}),
    "regnety-200mf": ("regnet", {"width": "[24, 56, 152, 368]", "depth": "[1, 1, 4, 7]", "group": "8", "se": "1"}),
    "regnety-400mf": ("regnet", {"width": "[48, 104, 208, 440]", "depth": "[1, 3, 6, 6]", "group": "8", "se": "1"}),
    "regnety-600mf": ("regnet", {"width": "[48, 112, 256, 608]", "depth": "[1, 3, 7, 4]", "group": "16", "se": "1"}),
    "regnety-800mf": ("regnet", {"width": "[64, 128, 320, 768]", "depth": "[1, 3, 8, 2]", "group": "16", "se": "1"}),
    "regnety-1.6gf": ("regnet", {"width": "[48, 120, 336, 888]", "depth": "[2, 6, 17, 2]", "group": "24", "se": "1"}),
    "regnety-3.2gf": ("regnet", {"width": "[72, 216, 576, 1512]", "depth": "[2, 5, 13, 1]", "group": "24", "se": "1"}),
    "regnety-4.0gf": ("regnet", {"width": "[128, 192, 512, 1088]", "depth": "[2, 6, 12, 2]", "group": "64", "se": "1"}),
    "regnety-6.4gf": ("regnet", {"width": "[144, 288, 576, 1296]", "depth": "[2, 7, 14, 2]", "group": "72", "se": "1"}),
    "regnety-8.0gf": ("regnet", {"width": "[168, 448, 896, 2016]", "depth": "[2, 4, 10, 1]", "group": "56", "se": "1"}),
    "regnety-12gf": ("regnet", {"width": "[224, 448, 896, 2240]", "depth": "[2, 5, 11, 1]", "group": "112", "se": "1"}),
    "regnety-16gf": ("regnet", {"width": "[224,448,1232,3024]", "depth": "[2,4,11,1]", "group": "112", "se": "1"}),
    "regnety-32gf": ("regnet", {"width": "[232,696,1392,3712]", "depth": "[2,5,12,1]", "group": "232", "se": "1"}),
    "vit-ti16": ("vit-b16", {"dim": "192", "heads": "3", "mlp": "768"}),
    "vit-s16": ("vit-b16", {"dim": "384", "heads": "6", "mlp": "1536"}),
    "vit-l16": ("vit-b16", {"dim": "1024", "heads": "16", "mlp": "4096", "depth": "24"}),
    "vit-b32": ("vit-b16", {"patch": "32"}),
    "swin-s": ("swin-t", {"depth": "[2, 2, 18, 2]"}),
    "swin-b": ("swin-t", {"dim": "128", "depth": "[2, 2, 18, 2]", "heads": "[4, 8, 16, 32]"}),
    "shufflenet-v1-g1": ("shufflenet-v1", {"g": "1"}),
    "shufflenet-v1-g2": ("shufflenet-v1", {"g": "2"}),
    "shufflenet-v1-g4": ("shufflenet-v1", {"g": "4"}),
    "shufflenet-v1-g8": ("shufflenet-v1", {"g": "8"}),
}

# Other names for a network or a variant. Case, spaces, hyphens, underscores and dots do not matter, unless names
# differ in where they stand between digits.
ALIASES = {
    "lenet": "lenet5",
    "lenet-5-1998": "lenet5",
    "lenet5-keras": "lenet5-modern",
    "lenet5-pytorch": "lenet5-modern",
    "lenet-rgb": "lenet-ng",
    "lenet-mnist": "lenet-caffe",
    "mlp-2-2-1": "xor",
    "mlp-784-16-16-10": "mlp-digits",
    "vgg": "vgg16",
    "network-in-network": "nin",
    "resnet50-v1.5": "resnet50",
    "hrnet-w18": "hrnet",
    "hrnet-w18-c": "hrnet",
    "hrnet-w32-c": "hrnet-w32",
    "hrnet-w48-c": "hrnet-w48",
    "mobilenet": "mobilenet-v1",
    "regnetx-200mf": "regnet",
    "shufflenet": "shufflenet-v1",
    "shufflenet-v1-g3": "shufflenet-v1",
    "squeezenet": "squeezenet1_0",
    "inception": "inception-v3",
    "inception-v1": "googlenet",
    "vit": "vit-b16",
    "vit-base-patch16-224": "vit-b16",
    "swin": "swin-t",
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
    # In a checkout the specs lie beside the package, not in it.
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
    known = _find(name)
    if known is None:
        return None
    base, params = VARIANTS.get(known, (known, {}))
    return Found(os.path.join(folder(), f"{base}.yaml"), params)


def siblings(name: str) -> list[str]:
    """The other names of the network's spec with other parameters: of resnet50 resnet101, resnet152, ..."""
    known = _find(name)
    if known is None:
        return []
    base = VARIANTS[known][0] if known in VARIANTS else known
    others = [base, *(other for other, (of, _params) in VARIANTS.items() if of == base)]
    return [other for other in others if other != known]


def _find(name: str) -> str | None:
    """The network or variant that a name stands for."""
    stem, suffix = os.path.splitext(name)
    name = stem if suffix in SUFFIXES else name
    # With its points first: RegNetX-1.6GF and RegNetX-16GF are two networks.
    for spelled in (_with_points, plain_name):
        known = _names_by(spelled).get(spelled(name))
        if known is not None:
            return ALIASES.get(known, known)
    return None


@cache
def _names_by(spelled: Callable[[str], str]) -> dict[str, str]:
    """Every name that stands for a network, by how it is spelled; canonical ones win."""
    # Reversed, so that of names that are spelled alike the first stands.
    return {spelled(known): known for known in reversed(known_names())}


@cache
def known_totals() -> dict[str, dict[str, int]]:
    """Parameters, connections, MACs and FLOPs of every bundled network and variant, by name.

    Written down by `python tests/write_totals.py`, so that a number can be looked up without analysing them all.
    """
    totals: dict[str, dict[str, int]] = _read_json("network_totals.json")
    return totals


def known_numbers() -> dict[str, list[int]]:
    """What the shipped conventions print of every bundled network and variant, of one sample; written down alike."""
    numbers: dict[str, list[int]] = _read_json("network_numbers.json")
    return numbers


def _read_json(name: str) -> Any:
    """What a file beside this one has written down."""
    import json

    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), encoding="utf-8") as file:
        return json.load(file)


def _with_points(name: str) -> str:
    """The name in its plain letters, with a point where digits are apart: RegNetX-1.6GF is not RegNetX-16GF."""
    return re.sub(r"([0-9])[-_. ](?=[0-9])|[-_. ]", lambda found: f"{found[1]}." if found[1] else "", name.lower())


def plain_name(name: str) -> str:
    """A name without what never matters in one: case, spaces, hyphens, underscores and dots."""
    return re.sub(r"[-_. ]", "", name.lower())
