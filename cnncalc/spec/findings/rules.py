"""The table of findings: for each its code, who looks for it, why it matters, and a spec with and without it."""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.language import n_
from cnncalc.spec.findings import comparisons, functions, structure, windows, words
from cnncalc.spec.findings.network import Find


class Rule(NamedTuple):
    """One kind of finding.

    title  what is so, in half a sentence
    why    why it matters, for people who ask
    bad    a spec that has the finding, and nothing else
    good   the same without it
    find   who looks; None for what is found while the others are put together
    every  whether a line that stands for several layers must have it in all of them
    """

    code: str
    title: str
    why: str
    bad: str
    good: str
    find: Find | None
    every: bool = True


def net(*steps: str, top: str = "input: 3x32x32", end: str = "") -> str:
    return "\n".join([top, "layers:", *(f"  - {step}" for step in steps), *([end] if end else []), ""])


# Each `bad` has its finding and no other, each `good` has none: the tests run both.
_ROWS = [
    Rule(
        "unread-pixels",
        n_("rows or columns of a map that no window reads"),
        n_(
            "A window that is smaller than its stride, or does not divide the axis, passes over pixels: whatever they "
            "hold cannot change the output, and computing them was for nothing. All layers that read the map are taken "
            "together; a pixel that one of them reads is read."
        ),
        net("conv 8 k3 s2"),
        net("conv 8 k3 s2 p1"),
        windows.unread_pixels,
        # Pixels that one use of the line passes over are lost, whatever its other uses do.
        every=False,
    ),
    Rule(
        "blind-windows",
        n_("windows that see nothing but padding"),
        n_(
            "Padding as wide as the window makes positions at the border at which every tap lands on zeros. What comes "
            "out there is the bias, whatever the image shows, and the map is larger than what it says."
        ),
        net("conv 8 k1 p1"),
        net("conv 8 k1"),
        windows.blind_windows,
        every=False,
    ),
    Rule(
        "useless-padding",
        n_("padding that does nothing"),
        n_(
            "A window of one pixel never reaches over a border, so that `same` adds nothing; and padding behind the "
            "last position of a window with a stride is read by nobody."
        ),
        net("conv 8 k1 same"),
        net("conv 8 k1"),
        windows.useless_padding,
    ),
    Rule(
        "useless-dilation",
        n_("a distance between the taps of a window that has one"),
        n_("Dilation sets how far apart the taps of a window lie. A 1x1 window has one tap, and nothing changes."),
        net("conv 8 k1 d2"),
        net("conv 8 k3 d2"),
        windows.useless_dilation,
    ),
    Rule(
        "bias-before-norm",
        n_("biases that a normalisation takes away again"),
        n_(
            "Batch and instance normalisation first subtract the mean of each channel. A constant that was added to "
            "the channel is gone then: the biases are stored and trained, and never change what comes out. The norm "
            "brings a shift of its own."
        ),
        net("conv 8 k3 bn relu"),
        net("conv 8 k3 nobias bn relu"),
        functions.bias_before_norm,
    ),
    Rule(
        "useless-activation",
        n_("an activation that changes nothing"),
        n_(
            "relu(x) is x where x is not negative. Behind another relu, a sigmoid, a softmax, or the maximum, the mean "
            "or the sum of such maps, a rectifier gives back what it gets: one of the two was meant to stand elsewhere."
        ),
        net("conv 8 k3 relu", "maxpool 2 relu"),
        net("conv 8 k3 relu", "maxpool 2"),
        functions.useless_activation,
    ),
    Rule(
        "repeated-layer",
        n_("a norm, dropout or activation directly behind one of its kind"),
        n_(
            "A batch norm undoes the scale and the shift of the one before it; two dropouts are one with another rate; "
            "a softmax of a softmax is nearly uniform. Mostly a block and its caller both bring the layer."
        ),
        net("dense 10 softmax", "softmax"),
        net("dense 10 softmax"),
        functions.repeated_layer,
        every=False,
    ),
    Rule(
        "rectified-residual",
        n_("an activation at the end of a residual branch, before the sum"),
        n_(
            "What a branch adds should be able to point either way. Behind relu or sigmoid it is never negative, so "
            "that the sum can only grow from block to block (He et al. 2016, Identity mappings, section 4.1). The "
            "function belongs behind the sum, or in front of the first convolution of the branch."
        ),
        net("residual: [conv 3 k3 p1 nobias bn relu]"),
        net("{residual: [conv 3 k3 p1 nobias bn], then: relu}"),
        functions.rectified_residual,
    ),
    Rule(
        "softmax-of-one",
        n_("a softmax over one channel, which is always 1"),
        n_(
            "Softmax divides exp(x) by the sum over all channels. With one channel that is 1 whatever the network "
            "computes, no gradient comes back, and nothing is learnt."
        ),
        net("dense 1 softmax"),
        net("dense 1 sigmoid"),
        functions.softmax_of_one,
    ),
    Rule(
        "linear-after-linear",
        n_("two linear layers with no function between them, which are one"),
        n_(
            "A product of two matrices is a matrix: without a function between them two dense layers compute what one "
            "would, with more parameters; so does a 1x1 convolution directly behind a convolution. A map between them "
            "that is narrower than both sides is passed over: a factorisation saves something."
        ),
        net("dense 100", "dense 10"),
        net("dense 100 relu", "dense 10"),
        structure.linear_after_linear,
    ),
    Rule(
        "identity-step",
        n_("a step that gives back what it gets"),
        n_(
            "A pooling window of one pixel, padding by 0, one group to shuffle, the axes in their order: on any input "
            "such a step changes nothing. A step whose options are expressions is passed over, as it may do something "
            "with other values."
        ),
        net("maxpool 1", "conv 8 k3"),
        net("conv 8 k3"),
        structure.identity_step,
    ),
    Rule(
        "unread-layer",
        n_("a layer whose result nothing reads"),
        n_(
            "It is computed and stored, and its parameters are counted, but no output depends on it. Often a `from:` "
            "starts at another step than was meant, or an output is not named under `outputs:`."
        ),
        net("a: conv 8 k3", "{from: input, layers: [conv 8 k3]}"),
        net("a: conv 8 k3", "b: {from: input, layers: [conv 8 k3]}", end="outputs: [a, b]"),
        structure.unread_layer,
        every=False,
    ),
    Rule(
        "unread-input",
        n_("an input that no layer reads"),
        n_("What is given there cannot change what comes out."),
        net("conv 8 k3", top="inputs: {left: 3x32x32, right: 3x32x32}"),
        net("concat: [{from: left}, {from: right}]", top="inputs: {left: 3x32x32, right: 3x32x32}"),
        structure.unread_input,
    ),
    Rule(
        "unread-channels",
        n_("channels that every layer behind them cuts off"),
        n_(
            "Where all that reads a map are `split` or `slice` of its channels, and some channels are in none of the "
            "parts, these were computed for nothing."
        ),
        net("conv 8 k3", "split 2"),
        net("conv 4 k3"),
        structure.unread_channels,
        every=False,
    ),
    Rule(
        "unused-shortcut",
        n_("a shortcut that is never used"),
        n_(
            "`shortcut:` leads the input to where the shapes differ. Where they agree the input itself is added, and "
            "the layers of the shortcut are not there. For a projection in any case write `add:` with both branches."
        ),
        net("{residual: [conv 3 k3 p1 bias=false bn], shortcut: [conv 3 k1]}"),
        net("add: [[conv 3 k3 p1 bias=false bn], conv 3 k1]"),
        structure.unused_shortcut,
    ),
    Rule(
        "unused-param",
        n_("a parameter that no expression names"),
        n_(
            "Setting it with --set, or in a call, changes nothing. Mostly a number stands where $name was meant."
        ),
        net("conv 8 k3", top="params: {width: 8}\ninput: 3x32x32"),
        net("conv $width k3", top="params: {width: 8}\ninput: 3x32x32"),
        words.unused_param,
    ),
    Rule(
        "unused-block",
        n_("a block that is never called"),
        n_("Its steps are read, but shapes and numbers in it are never worked out, and so never checked."),
        net("conv 8 k3", top="input: 3x32x32\nblocks:\n  twice: {layers: [conv 8 k3 x2]}"),
        net("twice", top="input: 3x32x32\nblocks:\n  twice: {layers: [conv 8 k3 x2]}"),
        words.unused_block,
    ),
    Rule(
        "unused-default",
        n_("a default that no layer needs"),
        n_(
            "No layer is of this kind, or each of them says the option itself, or the value is the kind's own default. "
            "A reader looks for layers that it changes, and there are none."
        ),
        net("conv 8 k3", top="input: 3x32x32\ndefaults: {maxpool: {rounding: ceil}}"),
        net("conv 8 k3", "maxpool 2", top="input: 3x32x32\ndefaults: {maxpool: {rounding: ceil}}"),
        words.unused_default,
    ),
    Rule(
        "shadowed-param",
        n_("a block's own default hides a parameter of the network"),
        n_(
            "Inside a block its own parameters outrank the network's. Where a call does not give the value, the "
            "default of the block is in force, and --set of the network's parameter of the same name does not reach it."
        ),
        net(
            "conv $c k3",
            "part",
            top="params: {c: 8}\ninput: 3x32x32\nblocks:\n  part: {params: {c: 4}, layers: [conv $c k3]}",
        ),
        net(
            "conv $c k3",
            "part",
            top="params: {c: 8}\ninput: 3x32x32\nblocks:\n  part: {params: {c: $c}, layers: [conv $c k3]}",
        ),
        words.shadowed_param,
    ),
    Rule(
        "kept-twice",
        n_("an activation of which training keeps both what enters and what comes out"),
        n_(
            "leaky_relu, elu, selu and celu work their derivative out from what enters, or, where they are written "
            "over it, from their result. The layer behind keeps the result in any case: in place there is one tensor "
            "instead of two, with the same gradients. A framework without such activations keeps both."
        ),
        net("conv 8 k3 nobias bn leaky_relu", "conv 8 k3"),
        net("conv 8 k3 nobias bn leaky_relu inplace", "conv 8 k3"),
        functions.kept_twice,
    ),
    Rule(
        "constant-condition",
        n_("an `if:` whose value never changes"),
        n_("`if: 0` leaves the step out of every variant, `if: 1` out of none: write a parameter, or nothing at all."),
        net("conv 8 k3", "{conv: 8 k3, if: 0}"),
        net("conv 8 k3", "{conv: 8 k3, if: $more}", top="params: {more: 0}\ninput: 3x32x32"),
        words.constant_condition,
    ),
    Rule(
        "word-against-number",
        n_("a comparison of a word with a number"),
        n_(
            "In `$(...)` and `if:` a word is never equal to a number, so that `k == 3` does not hold for k: 3x3, nor "
            "act == 0 for act: relu, and `!=` always holds: what was to be decided is decided already. Switches such "
            "as `false` are 0 or 1 there and are compared as they are meant."
        ),
        net("conv 8 k$k p1", "{relu: '', if: $(k == 3)}", top="params: {k: 3x3}\ninput: 3x32x32"),
        net("conv 8 k$k p1", "{relu: '', if: $(k == '3x3')}", top="params: {k: 3x3}\ninput: 3x32x32"),
        comparisons.word_against_number,
    ),
    Rule(
        "vacuous-expectation",
        n_("an expectation that can never fail"),
        n_("Every count is at least 0, and every size at least 1: this line guards against nothing."),
        net("conv 8 k3", end="expect: {params: '>= 0'}"),
        net("conv 8 k3", end="expect: {params: 224}"),
        words.vacuous_expectation,
    ),
    Rule(
        "unused-ignore",
        n_("a comment that ignores a finding which is not there"),
        n_("It was needed once. Left standing, it would hide the next finding of its kind in that line."),
        net("conv 8 k3  # cnncalc: ignore[unread-pixels]"),
        net("conv 8 k3"),
        # What is left of the comments when all others have been found.
        None,
    ),
]  # fmt: skip
RULES = {row.code: row for row in _ROWS}
UNUSED_IGNORE = "unused-ignore"
