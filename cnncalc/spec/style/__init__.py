"""The one way in which a spec is written: `format_spec` gives its text, comments kept, meaning unchanged."""

from __future__ import annotations

import warnings
from collections import Counter

from cnncalc.errors import CnncalcError, Source, SpecWarning
from cnncalc.graph import Graph
from cnncalc.language import _
from cnncalc.spec import tree_of
from cnncalc.spec.build.network import build
from cnncalc.spec.read.comments import comments
from cnncalc.spec.read.document import KEYS, Document, read_document
from cnncalc.spec.read.yamltree import Entries, raw
from cnncalc.spec.style.steps import all_alike
from cnncalc.spec.style.text import move_out_of_brackets, put_in_order, replace_tabs, tidy

PASSES = 3  # until nothing changes any more
MOST_LINES = 100_000  # what keeps comments takes longer than all else together


def format_spec(source: Source) -> str:
    """The text of a spec in the one style.

    Raises SpecError where the spec cannot be used, and CnncalcError where ruamel.yaml is missing or the style would
    change what the spec says.
    """
    try:
        from cnncalc.spec.style.tree import Unreadable, restyle
    except ImportError as error:
        # Another module that is missing is a fault of ours, and no matter of installing something.
        if (error.name or "").split(".")[0] != "ruamel":
            raise
        raise CnncalcError(_("formatting needs ruamel.yaml: pip install 'cnncalc[format]'")) from None
    text = source.text
    if text.count("\n") > MOST_LINES:
        problem = _("{file}: more than {most:,} lines are not put into style", file=source.name, most=MOST_LINES)
        raise CnncalcError(problem)
    document, tree, graph = read(source)
    # One turn may make room for the next, a line that was folded for one in brackets: until nothing changes.
    for _turn in range(PASSES):
        ordered = put_in_order(move_out_of_brackets(replace_tabs(text)), tree, KEYS)
        try:
            new = tidy(restyle(ordered, document.blocks))
        except Unreadable:
            problem = _("{file}: ruamel.yaml, which writes the style, cannot read this spec", file=source.name)
            raise CnncalcError(problem) from None
        if new == text:
            return text
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SpecWarning)  # what is probably meant otherwise has been said
            other, tree, rebuilt = read(source._replace(text=new))
        hold_equal(source, (text, document, graph), (new, other, rebuilt))
        text, document, graph = new, other, rebuilt
    raise CnncalcError(_("{file}: formatting finds no end; please report this spec", file=source.name))


def read(source: Source) -> tuple[Document, Entries, Graph]:
    """A spec as a document, as YAML, and as the network that it is."""
    tree = tree_of(source)
    document = read_document(source, tree)
    assert isinstance(tree, Entries)
    return document, tree, build(document)


Version = tuple[str, Document, Graph]


def hold_equal(source: Source, before: Version, after: Version) -> None:
    """Raise CnncalcError if the text after does not say what the one before says, comments too."""
    (old, document, graph), (new, other, rebuilt) = before, after
    same = are_same(graph, rebuilt) and have_same_steps(document, other)
    if not same or read_rest(document) != read_rest(other):
        raise CnncalcError(_("{file}: formatting would change the network; please report this spec", file=source.name))
    if count_remarks(old) != count_remarks(new):
        raise CnncalcError(_("{file}: formatting would lose a comment; please report this spec", file=source.name))


def count_remarks(text: str) -> Counter[str]:
    return Counter(comment.rstrip() for _line, _column, comment in comments(text))


def read_rest(document: Document) -> object:
    """What a document says besides its steps."""
    # Without places, which is what the style changes.
    return (
        document.name,
        document.citation,
        {name: argument.value for name, argument in document.params.items()},
        list(document.inputs),
        {name: {p: a and a.value for p, a in block.params.items()} for name, block in document.blocks.items()},
        [output.text for output in document.outputs],
        [(key.text, raw(value)) for key, value in document.expect],
        {kind: [(a.name, a.value) for a in given] for kind, given in document.maker.defaults.items()},
    )


def have_same_steps(one: Document, other: Document) -> bool:
    """Whether the steps are the same, those of blocks that are never called too."""
    blocks = all(all_alike(block.body.steps, other.blocks[name].body.steps) for name, block in one.blocks.items())
    return blocks and all_alike(one.layers.steps, other.layers.steps)


def are_same(one: Graph, other: Graph) -> bool:
    """Whether two graphs are the same network under the same names, wherever its lines stand."""
    # Facts follow from the layers and from the shapes of the inputs.
    fields = ("name", "source", "inputs", "outputs", "groups", "params")
    nodes, others = ([node._replace(position=None) for node in graph.nodes] for graph in (one, other))
    held, expected = ([e._replace(position=None) for e in graph.expectations] for graph in (one, other))
    same = nodes == others and held == expected
    return same and all(getattr(one, field) == getattr(other, field) for field in fields)
