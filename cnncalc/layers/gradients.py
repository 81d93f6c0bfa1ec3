"""What training asks of a layer besides its forward pass: the products of its gradients, and what it keeps for them.

Counts are for one sample. What is kept follows PyTorch's derivatives (tools/autograd/derivatives.yaml), as its
`saved_tensors_hooks` show them: docs/memory.md has the rules. Weights are kept anyway, and are not among it.
"""

from __future__ import annotations

INDEX = 8  # bytes of the place of a maximum, or of an index
# Where a layer's output is the memory of its first input: all of it in its order, or parts of it, or another order.
STRAIGHT, CUT = "straight", "cut"


class Products:
    """Multiply-accumulates of the backward pass, which has no others.

    weights  of the gradients of the trained weights
    inputs   of the gradient of each input, in their order; an input that needs none takes none
    inside   of gradients between the two, which any of both needs
    entering of one that any of the inputs needs, whichever
    """

    __slots__ = ("entering", "inputs", "inside", "weights")

    def __init__(self, *, weights: int = 0, inputs: tuple[int, ...] = (), inside: int = 0, entering: int = 0) -> None:
        self.weights, self.inputs, self.inside, self.entering = weights, inputs, inside, entering


class Kept:
    """What a layer keeps from its forward pass until its backward pass.

    inputs   the numbers of the inputs that it keeps; trained: of those kept for its weights alone, if they are trained;
             others: of those kept for the gradients of its other inputs alone
    between  where more than two inputs are combined one by one, the numbers of each result on the way
    result   whether it keeps its output
    values   numbers besides; indices: places, of 8 bytes each; once: numbers for all samples together
    mask     elements of which it keeps whether they were left out
    shares   how its output is the memory of its first input: STRAIGHT or CUT; empty: it is written anew
    smooth   whether gradients go through it; passes: the gradient of its output is that of each input, as it is
    """

    __slots__ = (
        "between", "indices", "inputs", "mask", "once", "others", "passes", "result", "shares", "smooth", "trained",
        "values",
    )  # fmt: skip

    def __init__(
        self,
        *,
        inputs: tuple[int, ...] = (),
        trained: tuple[int, ...] = (),
        others: tuple[int, ...] = (),
        between: tuple[int, ...] = (),
        result: bool = False,
        values: int = 0,
        indices: int = 0,
        once: int = 0,
        mask: int = 0,
        shares: str = "",
        smooth: bool = True,
        passes: bool = False,
    ) -> None:
        self.inputs, self.trained, self.others, self.between, self.result = inputs, trained, others, between, result
        self.values, self.indices, self.once, self.mask = values, indices, once, mask
        self.shares, self.smooth, self.passes = shares, smooth, passes


NOTHING = Kept()  # a sum, a mean, elements moved: the gradient is passed on
ENTERED = Kept(inputs=(0,))
RESULT = Kept(result=True)
HANDED_ON = Kept(passes=True)  # of a sum
SAME = Kept(shares=STRAIGHT)  # the same elements in the same order
PART = Kept(shares=CUT)
STEPS = Kept(smooth=False)  # its derivative is 0, or there is none
