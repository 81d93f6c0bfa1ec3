"""Answers to questions asked backwards: which padding, kernel, stride or filters give the output that a layer has.

What gives the same output is right, whatever the network itself has there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from cnncalc.answers.words import plain
from cnncalc.errors import CnncalcError, OptionError, ShapeError
from cnncalc.language import _
from cnncalc.layers.base import Layer, Shape, shape_text
from cnncalc.report import Report

# The options that decide on an output, with other words for them.
OPTIONS = {
    "padding": "pad pads p 填充 零填充 补零 边距",
    "kernel": "kernelsize k window windowsize filtersize 核 卷积核 核大小 卷积核大小 核尺寸 卷积核尺寸 窗口 窗口大小",
    "stride": "strides s step 步长 步幅 滑动步长",
    "dilation": "dilationrate d 膨胀 膨胀率 空洞率 扩张率",
    "filters": "numberoffilters kernels outputchannels outchannels 滤波器 滤波器数 滤波器个数 卷积核数 卷积核个数",
    "units": "neurons numberofunits 单元数 神经元数 神经元个数",
}
NAME_OF = {plain(word): name for name, words in OPTIONS.items() for word in (name, *words.split())}
ENDS_OF_OPTIONS = tuple(NAME_OF)
AROUND_A_VALUE = " \t:=()[]{}（）［］，,：＝"


class Trial(NamedTuple):
    """What a layer gives with another value for an option: its output, or the reason why there is none."""

    output: Shape | None
    reason: str = ""


def option_of(word: str) -> str | None:
    """The option that a word stands for; None for an unknown word."""
    return NAME_OF.get(plain(word))


def has_option(report: Report, layer: str | None, option: str) -> bool:
    """Whether a layer of the network has this option, and a value for it."""
    return own_value(report, layer, option) is not None


def own_value(report: Report, layer: str | None, option: str) -> Any:
    """The value that the network itself has there: a number where it is the same along every axis. None: none."""
    found = layer_called(report, layer)
    value = None if found is None else vars(found[0]).get(option)
    if value is None and option == "stride" and found is not None:
        value = vars(found[0]).get("kernel")  # a pool moves by its window where it does not say otherwise
    return flatten(value)


def flatten(value: Any) -> Any:
    """2 of ((2, 2), (2, 2)): one number where it is the same along every axis, and at both ends."""
    # Padding of ((1, 1), (1, 1)) is 1, as is a stride of (1, 1).
    while isinstance(value, tuple) and value and len(set(value)) == 1:
        value = value[0]
    return value


def try_value(report: Report, layer: str | None, option: str, text: str) -> Trial:
    """The layer's output with the value that a text says. Raises OptionError for a text that is no value."""
    found = layer_called(report, layer)
    assert found is not None
    own, shapes = found
    value = own.options[option].read(value_in(text, option))
    # The layer's own facts decide: no formula of a size is solved here.
    try:
        return Trial(own.replace(**{option: value}).facts(*shapes).output)
    except ShapeError as error:
        return Trial(None, error.problem)
    # What is no value is no wrong answer either: it cannot be read.
    except OptionError:
        raise
    except CnncalcError as error:
        return Trial(None, str(error))


def is_own_value(report: Report, layer: str | None, option: str, text: str) -> bool:
    """Whether a text says what the network itself has, which may be one number for all axes."""
    found = layer_called(report, layer)
    assert found is not None
    own = found[0].replace(**{option: found[0].options[option].read(value_in(text, option))})
    return own == found[0] or own_value(report, layer, option) == flatten(vars(own).get(option))


def value_in(text: str, option: str) -> str:
    """`2` of `p = 2` and of `padding: 2`; what is written otherwise as it stands."""
    name, sign, value = text.replace("：", ":").replace("＝", "=").replace(":", "=").rpartition("=")
    # Only the name of what is asked is taken off: k = 3 is no padding.
    written = value if sign and option_of(name) == option else text
    return written.strip(AROUND_A_VALUE).replace("×", "x").replace("*", "x")


def sentence_of(trial: Trial, wanted: Shape) -> str:
    """What a wrong value would give."""
    if trial.output is None:
        return _("with it there is no output: {reason}", reason=trial.reason)
    return _("with it the output is {found}, not {wanted}", found=shape_text(trial.output), wanted=shape_text(wanted))


def layer_called(report: Report, name: str | None) -> tuple[Layer, list[Shape]] | None:
    """A layer with the shapes that enter it."""
    graph = report.graph
    if graph is None or name is None:
        return None
    node = next((node for node in graph.nodes if node.name == name), None)
    return None if node is None else (node.layer, [graph.shape(read) for read in node.reads])


def output_of(report: Report, layer: str | None) -> Shape:
    """The output that is asked for: the network's own."""
    found = layer_called(report, layer)
    assert found is not None
    return found[0].facts(*found[1]).output
