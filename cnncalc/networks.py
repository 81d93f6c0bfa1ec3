"""The bundled networks: specs that ship with the package, found by name from any folder."""

from __future__ import annotations

import os

SUFFIXES = (".yaml", ".yml")


def folder() -> str:
    """Where the bundled specs are: inside the installed package, or beside it in a checkout."""
    package = os.path.dirname(os.path.abspath(__file__))
    installed = os.path.join(package, "specs")
    return installed if os.path.isdir(installed) else os.path.join(os.path.dirname(package), "specs")


def bundled() -> dict[str, str]:
    """Name to path, sorted by name."""
    try:
        names = sorted(file.removesuffix(".yaml") for file in os.listdir(folder()) if file.endswith(".yaml"))
    except OSError:
        return {}
    return {name: os.path.join(folder(), f"{name}.yaml") for name in names}


def find(name: str) -> str | None:
    """The path of the bundled network of this name; `ResNet-50`, `resnet_50` and `resnet50.yaml` are one."""
    known = {_plain(key): path for key, path in bundled().items()}
    stem, suffix = os.path.splitext(name)
    return known.get(_plain(stem if suffix in SUFFIXES else name))


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")
