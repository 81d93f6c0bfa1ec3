"""Models of Keras: a .keras archive, the JSON of `model.to_json()`, or an HDF5 file where h5py is there.

The architecture is JSON in all of them; weights are never read, and nothing is executed, neither Keras nor a Lambda.
Keras 2 and 3 write it differently: model.py makes a graph of either.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cnncalc.errors import CnncalcError, OptionError, Problem, Source, SpecError, refuse_packing
from cnncalc.graph import Graph
from cnncalc.interop.json_text import LARGEST, MOST_PARTS, count_parts
from cnncalc.interop.keras.read.hdf5 import attributes
from cnncalc.interop.keras.read.model import graph_of, in_words
from cnncalc.interop.keras.read.versions import is_before_3, version_in_archive
from cnncalc.language import _, reason_of
from cnncalc.spec import MAX_OPERATIONS
from cnncalc.spec.values import shape as read_shape


def read(
    spec: str, *, inputs: Mapping[str, Any], max_operations: int = MAX_OPERATIONS, allow_unknown: bool = False
) -> Graph:
    """The network of a file. `inputs` are shapes with the channels first, as text. Raises SpecError."""

    def unusable(problem: str, hint: str | None = None) -> SpecError:
        return SpecError([Problem(problem, None, hint)], Source(spec, ""))

    try:
        text, version = find_configuration(spec)
        if count_parts(text) > MOST_PARTS:
            raise NotKerasError(_("its configuration has more than {n:,} parts", n=MOST_PARTS))
        model = json.loads(text)
    except RecursionError:
        raise unusable(_("its configuration is nested too deep")) from None
    except (ValueError, UnicodeDecodeError):
        raise unusable(_("its configuration is not JSON"), _("save the model again: model.save('net.keras')")) from None
    except OSError as error:
        raise unusable(_("cannot be read: {reason}", reason=reason_of(error))) from None
    except CnncalcError as error:
        raise unusable(str(error), getattr(error, "hint", None)) from None
    except MemoryError:
        raise
    except Exception as error:  # of the packages that unpack: lzma, zipfile
        raise unusable(_("cannot be read: {reason}", reason=in_words(error))) from None
    try:
        shapes = {name: read_shape(given) for name, given in inputs.items()}
    except OptionError as error:
        raise unusable(f"--input: {error.problem}", error.hint) from None
    old = isinstance(model, Mapping) and is_before_3(model, version)
    return graph_of(model, spec, shapes, max_operations=max_operations, allow_unknown=allow_unknown, before_3=old)


class NotKerasError(CnncalcError):
    """A file without a model of Keras in it."""

    def __init__(self, problem: str, hint: str | None = None) -> None:
        super().__init__(problem)
        self.hint = hint


def find_configuration(path: str) -> tuple[bytes, str | None]:
    """The JSON in a file, and the version of Keras that it says beside it. Raises NotKerasError, OSError."""
    with open(path, "rb") as file:
        head = file.read(4)
        if head.startswith(b"\x89HDF"):
            return from_hdf5(path)
        # What begins otherwise is no archive, and can only be JSON.
        if head != b"PK\x03\x04":
            text = hold_length(head + file.read(LARGEST + 1))
            if text.lstrip()[:1] != b"{":
                raise NotKerasError(
                    _("this is no archive of Keras 3, and no JSON"), _("save the model again: model.save('net.keras')")
                )
            return text, None
    from zipfile import BadZipFile, ZipFile
    from zlib import error as zlib_error

    try:
        with ZipFile(path) as archive:
            refuse_packing(archive, path)
            if "config.json" not in archive.namelist():
                raise NotKerasError(_("the archive holds no config.json, as models of Keras do"))
            with archive.open("config.json") as file:
                text = file.read(LARGEST + 1)  # whatever size the archive says: no more is unpacked
            return hold_length(text), version_in_archive(archive)
    except (BadZipFile, zlib_error, EOFError, NotImplementedError, RuntimeError) as error:
        raise NotKerasError(_("the archive is damaged: {error}", error=error)) from None


def hold_length(text: bytes) -> bytes:
    """The text itself. Raises NotKerasError where it is too long to be read."""
    if len(text) > LARGEST:
        raise NotKerasError(_("the configuration is larger than {n} MB", n=LARGEST // 10**6))
    return text


def from_hdf5(path: str) -> tuple[bytes, str | None]:
    """The attributes `model_config` and `keras_version` of an HDF5 file."""
    found, version = attributes(path, ["model_config", "keras_version"], LARGEST)
    if found is False:
        raise NotKerasError(
            _("the HDF5 file holds weights, and no model"), _("save the model as a whole: model.save('net.keras')")
        )
    if found is True:
        raise NotKerasError(_("its configuration is not JSON"), _("save the model again: model.save('net.keras')"))
    return hold_length(found), version.decode("utf-8", "replace") if isinstance(version, bytes) else None
