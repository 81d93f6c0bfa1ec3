"""What the configuration of a layer of Keras says and its handler did not ask for: nothing gets lost without a word.

The configuration, the tensors that enter and the arguments of a call note who asks for them. What is left, and is not
what Keras has where nothing is said, makes the layer one that is not read here, by that name.
"""

from __future__ import annotations

import re
from typing import Any

from cnncalc.interop.layouts import Seen
from cnncalc.interop.watching import Watched, WatchedInputs
from cnncalc.language import _

# What a setting is where it is not written down, if that is the same for every layer that has it.
USUAL: dict[str, Any] = {
    "antialias": False, "approximate": False, "fill_mode": "constant", "fill_value": 0.0, "go_backwards": False,
    "invert": False, "keepdims": False, "mask_zero": False, "normalize": False, "renorm": False,
    "return_attention_scores": False, "return_state": False, "rms_scaling": False, "time_major": False,
    "training": False, "use_causal_mask": False, "use_gate": False,
}  # fmt: skip
# Names, where and how exactly numbers are held, how they begin, training, and what says the same as shapes.
OF_NO_EFFECT = re.compile(
    r"name|trainable|dtype|dtype_policy|batch_input_shape|batch_shape|build_config|input_shape|input_dim|input_length"
    r"|seed|noise_shape|data_format|implementation|unroll|stateful|zero_output_for_mask|unit_forget_bias|dropout"
    r"|recurrent_dropout|momentum|renorm_momentum|renorm_clipping|synchronized|fused|virtual_batch_size|supports_masking|support_masking|ragged|sparse"
    r"|flash_attention|.*_(initializer|regularizer|constraint)|init|.*_format"
)


def has_no_effect(name: str) -> bool:
    """Whether a setting changes nothing that is counted."""
    return OF_NO_EFFECT.fullmatch(name) is not None


class Asked(Watched):
    """The settings of a layer, or the arguments of a call, by name."""


class Tensors(WatchedInputs[Seen]):
    """What enters a call."""


class Numbers(tuple[Any, ...]):
    """The numbers among the arguments of a call; whether somebody asked for them."""

    asked = False

    def __getitem__(self, i: Any) -> Any:
        self.asked = True
        return super().__getitem__(i)


def find_unread(config: Any, entering: Any, numbers: Any, named: Any) -> str:
    """Why a layer is not what its handler took it for: the first thing it left unread; empty if there is none."""
    left = entering.find_left() if isinstance(entering, Tensors) else ""
    if left:
        return left
    for given in (config, named):
        found = given.find_left(USUAL, has_no_effect) if isinstance(given, Asked) else None
        if found is not None:
            return _("{name} is {value}", name=found[0][:40], value=str(found[1])[:60])
    if isinstance(numbers, Numbers) and numbers and not numbers.asked:
        return _("the numbers among its arguments are not read")
    return ""
