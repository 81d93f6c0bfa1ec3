"""Which Keras wrote a model: some words have changed their meaning.

`hard_sigmoid` is clip(0.2 x + 0.5, 0, 1) up to Keras 2, and relu6(x + 3) / 6 from Keras 3 on (both: the functions of
this name in keras/activations). A file says its version beside the configuration; where it does not, every layer that
Keras 3 writes says its module.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zipfile import ZipFile

LARGEST = 100_000  # bytes of metadata


def is_before_3(model: Mapping[str, Any], beside: str | None) -> bool:
    """Whether a model was written by Keras 2 or 1. `beside`: the version that its file says, if it does."""
    version = model.get("keras_version") or beside
    first = version.partition(".")[0] if isinstance(version, str) else ""
    if re.fullmatch("[0-9]{1,9}", first):
        return int(first) < 3
    # Keras 3 writes for every layer in which module its class is; 2 and 1 do not.
    return not any("module" in layer for layer in layers_below(model))


def version_in_archive(archive: ZipFile) -> str | None:
    """The version in the metadata of a .keras file; None where there is none."""
    if "metadata.json" not in archive.namelist():
        return None
    with archive.open("metadata.json") as file:
        try:
            found = json.loads(file.read(LARGEST))
        except (ValueError, RecursionError):
            return None
    version = found.get("keras_version") if isinstance(found, Mapping) else None
    return version if isinstance(version, str) else None


def layers_below(model: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The layers of a configuration, those in models inside it too."""
    config = model.get("config")
    layers = config.get("layers") if isinstance(config, Mapping) else config
    for layer in layers if isinstance(layers, list) else ():
        if isinstance(layer, Mapping):
            yield layer
            yield from layers_below(layer)
