"""Where a network comes from: a spec in a file, from standard input, bundled or as text; or another program's model."""

import os
import re
import stat
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from cnncalc.errors import Position, Problem, Source, SpecError, open_file, suggest
from cnncalc.graph import Graph
from cnncalc.language import _, reason_of
from cnncalc.spec import MAX_OPERATIONS, graph_from_text

LARGEST_FILE = 10_000_000  # bytes
LOOKED_AT = 4096  # of a file, to see what it is


class Reader:
    """A format of models that other programs write, and the module that reads it.

    module   has read(spec, *, inputs, max_operations, allow_unknown) -> Graph
    matches  whether a model is of this format, by its name in small letters and the first bytes of the file; None
             for those where there is no file of this name
    """

    __slots__ = ("matches", "module")

    def __init__(self, module: str, matches: Callable[[str, bytes | None], bool]) -> None:
        self.module = module
        self.matches = matches


# What is named and not read: pickles run what is in them.
NOT_READ = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".h5", ".hdf5", ".tflite", ".pb", ".caffemodel", ".npz", ".npy")
# How they begin, whatever they are called: pickles, archives, HDF5, arrays of NumPy.
REFUSED = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04", b"\x89HDF", b"\x93NUMPY")
SPECS = (".yaml", ".yml", ".json", ".onnx", ".keras", ".pt2")  # HEAD:net.yaml is a file of a commit, no attribute
# net.onnx@3x224x224, net.onnx@image=3x64x64,words=16
SHAPED = r"(.+)@((?:[^\W\d][\w.]*=)?\d+(?:x\d+)*(?:,[^\W\d][\w.]*=\d+(?:x\d+)*)*)"
FACTORY = r"([\w./\\-]+\.py|[^\W\d][\w.]*):[^\W\d][\w.]*"  # package.module:factory, net.py:Net
READERS = (  # the first that matches reads it
    Reader("torch.read.module", lambda name, head: head is None and is_factory(name)),
    Reader("torch.read.exported", lambda name, head: head is not None and name.endswith(".pt2")),
    Reader("keras.read.configuration", lambda name, head: head is not None and is_keras(name, head)),
    Reader(
        "onnx.read.reading", lambda name, head: head is not None and (name.endswith(".onnx") or begins_as_onnx(head))
    ),
    Reader("refusals", lambda name, head: head is not None and (name.endswith(NOT_READ) or head.startswith(REFUSED))),
)


def split_shapes(spec: str) -> tuple[str, dict[str, str]]:
    """A name and the input shapes behind it: `net.onnx@3x224x224` is the model on this input.

    `""` is the only input, as in `load_graph`. A file that is called so is meant itself.
    """
    match = re.fullmatch(SHAPED, spec, re.DOTALL) if "@" in spec else None
    if match is None or os.path.lexists(spec):
        return spec, {}
    # A shape alone leaves the name empty, which is that of the only input.
    pairs = [text.rpartition("=") for text in match[2].split(",")]
    return match[1], {name: shape for name, _equals, shape in pairs}


def with_shapes(spec: str, inputs: Mapping[str, Any]) -> str:
    """A name with input shapes behind it; one that has its own keeps them."""
    if not inputs or split_shapes(spec)[1]:
        return spec
    return f"{spec}@" + ",".join(f"{name}={shape}" if name else str(shape) for name, shape in inputs.items())


def file_of(spec: str) -> str | None:
    """The file that a name stands for, without what is made of it and on which input; None for a module that is
    imported."""
    name = split_shapes(spec)[0]
    if os.path.lexists(name) or not is_factory(name):
        return name
    path = name.rpartition(":")[0]
    # Where an imported module lies only Python knows, once it has run it.
    return path if path.endswith(".py") else None


def is_factory(name: str) -> bool:
    """Whether a name says what to import, and what in it to call."""
    return ":" in name and re.fullmatch(FACTORY, name) is not None and not name.endswith(SPECS)


def is_keras(name: str, head: bytes) -> bool:
    """A model of Keras: an archive, its configuration as JSON, or HDF5."""
    if name.endswith(".keras") or head.startswith(b"\x89HDF"):
        return True
    # A part of a ZIP has a head of 30 bytes and then its name: metadata.json is 13 long, config.json 11.
    archive = head.startswith(b"PK\x03\x04") and head[30:43] in (b"metadata.json", b"config.json" + head[41:43])
    return archive or (head.lstrip()[:1] == b"{" and b'"class_name"' in head and b'"config"' in head)


def begins_as_onnx(head: bytes) -> bool:
    """Whether a file begins as ONNX models do: the version of the format, then the producer, versions, the graph."""
    # A ModelProto of ONNX begins with field 1, the small number ir_version; then another of its fields.
    return head[:1] == b"\x08" and re.match(rb"\x08[\x01-\x40][\x12\x1a\x22\x28\x32\x3a\x42]", head) is not None


def load_graph(
    spec: str,
    *,
    params: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
    max_operations: int = MAX_OPERATIONS,
    allow_unknown: bool = False,
) -> Graph:
    """The network that a name stands for: a model of another program, or a spec as `read_source` finds it.

    params, inputs  override those of the network, and the shapes that the name says; `""` is its only input
    allow_unknown   go on behind operators of a model that are not known

    Raises SpecError.
    """
    spec, own = split_shapes(spec)
    inputs = inputs or own
    reader = reader_of(spec)
    if reader is None:
        return graph_from_text(read_source(spec), params=params, inputs=inputs, max_operations=max_operations)
    if params:
        _refuse(spec, _("a model has no parameters that --set could change"))
    # By its name, so that a spec loads no reader.
    from importlib import import_module

    read = import_module(f"cnncalc.interop.{reader.module}").read
    graph: Graph = read(spec, inputs=inputs, max_operations=max_operations, allow_unknown=allow_unknown)
    return graph


def weights_of(spec: str, graph: Graph) -> Mapping[str, Any] | None:
    """The weights that a model holds, LAYER.name to array; None where it is none, or where nothing reads them.

    graph  what was read from it
    """
    spec = split_shapes(spec)[0]
    reader = reader_of(spec)
    if reader is None:
        return None
    from importlib import import_module

    read = getattr(import_module(f"cnncalc.interop.{reader.module}"), "weights", None)
    weights: Mapping[str, Any] | None = None if read is None else read(spec, graph)
    return weights


def reader_of(spec: str) -> Reader | None:
    """Who reads this model; None for a spec. Of what is no file, a pipe say, nothing is taken."""
    spec = split_shapes(spec)[0]
    head = None
    try:
        # A pipe can be read once: looking into it would take away what it says.
        if stat.S_ISREG(os.stat(spec).st_mode):
            with open(spec, "rb") as file:
                head = file.read(LOOKED_AT)
    # ValueError: a name with a NUL in it, of which is told where the file is missed.
    except (OSError, ValueError):
        pass
    name = spec.lower()
    return next((reader for reader in READERS if reader.matches(name, head)), None)


def read_source(spec: str) -> Source:
    """The text of a spec: `-` is standard input, else a file, else a bundled network.

    Raises SpecError, also for a model of another program: which commands take those is decided by who asks, and here
    is the one place that says that a command does not.
    """
    if spec == "-":
        if sys.stdin is None:
            _refuse("<stdin>", _("standard input is closed"))
        return Source("<stdin>", decode(sys.stdin.buffer.read(LARGEST_FILE + 1), "<stdin>"))
    # A file outranks a bundled network of its name; a folder does not.
    there = os.path.lexists(spec)
    if there and not os.path.isdir(spec):
        refuse_other_forms(spec)
        return Source(spec, decode(_read(spec), spec))
    from cnncalc import shipped

    # A path, ./lenet5 say, is that of a file, and of nothing that is bundled.
    found = shipped.find(spec) if os.path.basename(spec) == spec else None
    if found is None and there:
        _read(spec)  # a folder, which is said; one that is called like a bundled network does not hide it
    if found is None:
        _refuse_missing(spec)
    return Source(found.path, decode(_read(found.path), found.path), tuple(found.params.items()))


def refuse_other_forms(path: str) -> None:
    """Raise SpecError for a file that is no text of a spec, as its name or its first bytes say."""
    if path.lower().endswith(".py"):
        makers = ", ".join(f"{path}:{name}" for name in makers_in(path)[:3]) or f"{path}:NAME"
        hint = _("say what in it makes the model: {names}", names=makers)
        _refuse(path, _("this is Python, and no spec"), hint)
    reader = reader_of(path)
    if reader is None:
        return
    if reader.module == "refusals":
        load_graph(path)  # says what it is
    hint = _("`cnncalc convert {file} net.yaml` writes a spec of it", file=path)
    _refuse(path, _("this is a model of another program, and specs alone are read here"), hint)


def makers_in(path: str) -> list[str]:
    """The classes and functions at the top of a Python file, classes first; nothing of it is run."""
    import ast
    import warnings

    try:
        # What Python has to say of its style is not for whoever asks for a network.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(_read(path)[:LARGEST_FILE]).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    classes = [node.name for node in body if isinstance(node, ast.ClassDef)]
    return classes + [node.name for node in body if isinstance(node, ast.FunctionDef)]


def _read(path: str) -> bytes:
    try:
        if stat.S_ISDIR(os.stat(path).st_mode):
            specs = sorted(name for name in os.listdir(path) if name.endswith((".yaml", ".yml")))
            hint = _("name one of its specs: {names}", names=", ".join(specs[:5])) if specs else _("name a spec file")
            _refuse(path, _("this is a directory, not a spec"), hint)
        with open_file(path) as file:
            return file.read(LARGEST_FILE + 1)
    except OSError as error:
        _refuse(path, _("cannot be read: {reason}", reason=reason_of(error)))


def _refuse_missing(spec: str) -> NoReturn:
    from cnncalc import shipped

    # So long a name was meant as a spec, or as nothing: its beginning will do.
    if "\0" in spec or len(spec) > 1000:
        _refuse(spec[:60], _("not the name of a file"))
    stem = os.path.splitext(os.path.basename(spec))[0]
    # Names of networks go before their other names.
    hint = suggest(stem, [*shipped.bundled(), *shipped.VARIANTS]) or suggest(stem, shipped.ALIASES)
    if hint is None:
        from difflib import get_close_matches

        # However far they are: three of them show what names look like.
        near = get_close_matches(stem[:60].lower(), shipped.bundled(), n=3, cutoff=0)
        hint = _(
            "bundled networks with the nearest names: {names}; `cnncalc networks` lists all", names=", ".join(near)
        )
    _refuse(spec, _("there is no such file, and no bundled network of this name"), hint)


def decode(data: bytes, name: str) -> str:
    """The text of a UTF-8 file. A byte that is none, or a NUL, is an error at its place."""
    if len(data) > LARGEST_FILE:
        _refuse(
            name,
            _("the file is larger than {largest} MB", largest=LARGEST_FILE // 10**6),
            _("a spec has a line per layer"),
        )
    text = None
    try:
        text = data.decode().removeprefix("\ufeff")
        bad = data.find(b"\0")
    except UnicodeDecodeError as error:
        bad = error.start
    if text is not None and bad < 0:
        # One kind of line end, since places are counted in lines.
        return text.replace("\r\n", "\n").replace("\r", "\n")
    # Lines and columns as an editor counts them: in characters, up to the byte that is none.
    start = data.rfind(b"\n", 0, bad) + 1
    before = data[start:bad].decode("utf-8", "replace")
    problem = (
        _("not a text file: byte 0x{data:02x} is not UTF-8", data=data[bad])
        if data[bad]
        else _("not a text file: a NUL byte")
    )
    position = Position(data.count(b"\n", 0, bad) + 1, len(before) + 1)
    raise SpecError([Problem(problem, position, _("a spec is YAML in UTF-8"))], Source(name, ""))


def _refuse(name: str, problem: str, hint: str | None = None) -> NoReturn:
    raise SpecError([Problem(problem, None, hint)], Source(name, ""))
