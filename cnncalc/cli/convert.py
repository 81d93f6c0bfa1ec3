"""cnncalc convert SOURCE TARGET"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from cnncalc.cli.help_option import OwnHelp
from cnncalc.cli.options import Asked, spec_options
from cnncalc.cli.output import errors_end_the_run, say_written, write
from cnncalc.errors import CnncalcError, open_archive, refuse_packing, visible
from cnncalc.graph import Graph
from cnncalc.interop.faults import say_fault
from cnncalc.interop.targets import TARGETS, Conversion, Target, target_for
from cnncalc.language import _, reason_of
from cnncalc.layers.base import shape_text
from cnncalc.quantities import SUMMED

if TYPE_CHECKING:
    from cnncalc.difference import Change, LayerDifference

MOST_NAMED = 5  # layers in a note
LARGEST_HEAD, LARGEST_NUMBER = 10_000, 16  # bytes in an .npz: in front of an array, and of a number of it


@click.command("convert", cls=OwnHelp)
@spec_options
@click.argument("target", required=False)
@click.option("-o", "--output", metavar="FILE", help=_("TARGET, as other commands call it."))
@click.option("--to", "form", type=click.Choice(list(TARGETS)), help=_("The form.  [default: what the ending says]"))
@click.option("--seed", type=click.IntRange(min=0), help=_("Weights drawn from this seed, for forms that hold them."))
@click.option("--weights", "file", metavar="FILE", help=_("Weights out of an .npz, as LAYER.name."))
def command(
    asked: Asked,
    target: str | None,
    output: str | None,
    form: str | None,
    seed: int | None,
    file: str | None,
) -> None:
    """A network in another form: `cnncalc convert model.onnx net.yaml`, `cnncalc convert resnet50 resnet50.onnx`.

    SPEC is a spec, a bundled network or a model of another program; TARGET a file whose ending says the form, or -
    for standard output. The spec that is written keeps names and folds what repeats into blocks; it is read back and
    compared before anything is written. Other forms have other words for some layers: what counts otherwise when they
    are read is said. Weights come from the model, from --weights or from --seed.
    """
    asked, (target,) = asked.with_words(target)
    if target is not None and output is not None:
        raise click.UsageError(_("Give TARGET or --output, not both."))
    target = target or output
    with errors_end_the_run():
        form = form or target_for(target or "")
        if form is None:
            endings = ", ".join(ending for row in TARGETS.values() for ending in row.endings)
            raise CnncalcError(_("say in what form: a file that ends with one of {endings}, or --to", endings=endings))
        row = TARGETS[form]
        if file is not None and seed is not None:
            raise click.UsageError(_("Give --weights or --seed, not both."))
        if not row.weights and (file is not None or seed is not None):
            raise CnncalcError(_("the form {form} holds no weights", form=form))
        # Before the network is read: a model may take minutes.
        check_output(target, row)
        graph = asked.graph()
        written = row.convert(graph, lambda: weights_for(graph, asked.spec or "", seed, file))
    write(written.result, target)
    say_written(target, len(graph.nodes), form)
    for note in notes_on(graph, written):
        click.echo(visible(note), err=True)


def notes_on(graph: Graph, written: Conversion) -> Iterator[str]:
    """What counts otherwise, or is not read, where the result is read again; nothing where all is as it was."""
    again = written.again
    if written.unread:
        yield _("note: it is not read again here: {problem}", problem=written.unread)
    if again is None:
        return
    from cnncalc.analysis import analyze_graph
    from cnncalc.difference import compare

    # By the numbers that people would see: names and blocks may differ without harm.
    found = compare(analyze_graph(graph), analyze_graph(again))
    changes = []
    for name, of in (("input", describe_inputs), ("output", describe_outputs)):
        old, new = of(graph), of(again)
        changes += [(name, old, new)] if old != new else []
    changes += [
        (c.quantity, write_count(c.old), write_count(c.new)) for c in found.totals if c.old != c.new and not is_field(c)
    ]
    if not changes:
        return
    numbers = ", ".join(f"{name} {before} -> {after}" for name, before, after in changes)
    yield _("note: read again it counts otherwise: {numbers}", numbers=numbers)
    layers = [text for layer in found.layers if (text := name_change(layer))]
    if layers:
        names = ", ".join(layers[:MOST_NAMED]) + (", ..." if len(layers) > MOST_NAMED else "")
        yield _("note: other layers there: {names}", names=names)
    yield from (_("note: {remark}", remark=remark) for remark in again.remarks)


def describe_inputs(graph: Graph) -> str:
    return ", ".join(map(shape_text, graph.inputs.values()))


def describe_outputs(graph: Graph) -> str:
    # Sorted, for outputs have no names, and another form may list them otherwise.
    return ", ".join(sorted(shape_text(graph.shape(v)) for v in graph.outputs))


def is_field(change: Change) -> bool:
    return isinstance(change.old, tuple) or isinstance(change.new, tuple)


def write_count(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"


def name_change(layer: LayerDifference) -> str:
    """A layer that is another kind, or counts otherwise, by its name; empty for others, and what is new."""
    from cnncalc.difference import SAME

    # What is new there stands for something that is gone, which is told.
    if layer.old is None or layer.status == SAME:
        return ""
    if layer.new is None:
        return f"{layer.old.name} ({layer.old.kind} -> -)"
    kind = next((change for change in layer.changes if change.quantity == "kind"), None)
    counted = [change for change in layer.changes if isinstance(change.old, int) and change.quantity in SUMMED]
    if kind is not None:
        return f"{layer.old.name} ({kind.old} -> {kind.new})"
    return layer.old.name if counted else ""


def check_output(target: str | None, row: Target) -> None:
    """Raise CnncalcError where the result could not be written, before any work is done."""
    if row.binary and target in (None, "-") and sys.stdout is not None and sys.stdout.isatty():
        raise CnncalcError(_("this form is no text: name a file"))
    folder = os.path.dirname(target or "")
    if folder and not os.path.isdir(folder):
        raise CnncalcError(_("there is no folder {folder}", folder=folder))


def weights_for(graph: Graph, spec: str, seed: int | None, file: str | None) -> Mapping[str, Any]:
    """LAYER.name to array: out of a file, out of the model itself, or drawn."""
    from cnncalc import reference

    if file is not None:
        return read_weights(file, graph)
    # The weights that a model has, unless others are asked for.
    if seed is None:
        from cnncalc.loading import weights_of

        own = weights_of(spec, graph)
        if own is not None:
            return own
    # The same weights every time where no seed is given.
    return reference.Drawn(graph, seed or 0)


def read_weights(path: str, graph: Graph) -> Mapping[str, Any]:
    """The arrays of an .npz, which may hold those of the network; pickles in it are not loaded. Raises CnncalcError."""
    from zipfile import ZipFile

    import numpy as np

    stored = sum((f.params or 0) + (f.fixed_params or 0) + (f.buffers or 0) for f in graph.facts)
    try:
        with open_archive(path) as file:
            with ZipFile(file) as archive:  # what it would unpack to, before any of it is
                refuse_packing(archive, path)
                # In front of every array stands a head, which is no number of the network.
                size = sum(max(0, entry.file_size - LARGEST_HEAD) for entry in archive.infolist())
            # A small file may unpack to more than the memory holds: that of a network knows its measure.
            if size > LARGEST_NUMBER * stored:
                raise CnncalcError(_("{file}: it holds more than this network stores", file=visible(path)))
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                return dict(arrays)
    except CnncalcError:
        raise
    except Exception as error:  # NumPy reads heads of arrays as Python, and passes on what it finds there
        say_fault(error)
        reason = reason_of(error) if isinstance(error, OSError) else _("not an .npz file of arrays")
        raise CnncalcError(_("{file}: cannot be read: {reason}", file=visible(path), reason=reason)) from None
