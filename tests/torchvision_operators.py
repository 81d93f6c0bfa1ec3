"""Lets the ordinary wheel of torchvision be imported beside a build of torch that its compiled operators do not fit.

The wheel on PyPI is built for CUDA; beside a torch for the CPU its library is not loaded, and importing it fails at the
first operator that it describes. Here they are declared, without anything that computes them: classifiers need none.
"""

from __future__ import annotations

from typing import Any

import torch

BOXES = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
OPERATORS = {
    "nms": BOXES,
    "qnms": BOXES,
    "_cuda_version": "() -> int",
    "deform_conv2d": "(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, int stride_h, "
    "int stride_w, int pad_h, int pad_w, int dilation_h, int dilation_w, int groups, int offset_groups, "
    "bool use_mask) -> Tensor",
    **dict.fromkeys(
        [
            "roi_align", "_roi_align_backward", "ps_roi_align", "_ps_roi_align_backward", "roi_pool",
            "_roi_pool_backward", "ps_roi_pool", "_ps_roi_pool_backward", "qroi_align", "_deform_conv2d_backward",
        ],
        "(Tensor input) -> Tensor",
    ),
}  # fmt: skip


def import_models() -> Any:
    """The module torchvision.models. Raises ImportError where torchvision is not installed."""
    try:
        import torchvision.models
    except RuntimeError:  # it is there, and its operators are not
        import sys

        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name, schema in OPERATORS.items():
            if not hasattr(torch.ops.torchvision, name):
                library.define(name + schema)
        kept.append(library)
        import torchvision.models
    return torchvision.models


kept: list[Any] = []  # libraries, whose operators go when they do
