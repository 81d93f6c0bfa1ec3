"""Which Keras wrote a model: some words have changed their meaning.

`hard_sigmoid` is clip(0.2 x + 0.5, 0, 1) up to Keras 2, and relu6(x + 3) / 6 from Keras 3 on (both: the functions of
this name in keras/activations). A file says its version beside the configuration; where it does not, every layer that
Keras 3 writes says its module.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

LARGEST = 100_000  # bytes of metadata


def is_before_3(model: Mapping[str, Any], path: str) -> bool:
    """Whether a model was written by Keras 2 or 1."""
    version = model.get("keras_version") or version_beside(path)
    if isinstance(version, str) and version[:1].isdigit():
        return int(version.partition(".")[0]) < 3
    return not any("module" in layer for layer in layers_below(model))


def version_beside(path: str) -> str | None:
    """The version that an archive or an HDF5 file says; None where there is none."""
    try:
        with open(path, "rb") as file:
            head = file.read(4)
        if head == b"PK\x03\x04":
            return version_in_archive(path)
        if head == b"\x89HDF":
            return version_in_hdf5(path)
    except OSError:
        pass
    return None


def version_in_archive(path: str) -> str | None:
    from zipfile import ZipFile

    with ZipFile(path) as archive:
        if "metadata.json" not in archive.namelist():
            return None
        with archive.open("metadata.json") as file:
            found = json.loads(file.read(LARGEST))
    version = found.get("keras_version") if isinstance(found, Mapping) else None
    return version if isinstance(version, str) else None


def version_in_hdf5(path: str) -> str | None:
    import h5py

    with h5py.File(path, "r") as file:
        version = file.attrs.get("keras_version")
    found = version.decode("utf-8", "replace") if isinstance(version, bytes) else version
    return found if isinstance(found, str) else None


def layers_below(model: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The layers of a configuration, those in models inside it too."""
    config = model.get("config")
    layers = config.get("layers") if isinstance(config, Mapping) else config
    for layer in layers if isinstance(layers, list) else ():
        if isinstance(layer, Mapping):
            yield layer
            yield from layers_below(layer)
