"""What other tools print for a module: one function each, (number, parameters). Imported where they are installed."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable
from typing import Any

import torch

Printed = tuple[int, int | None]


def torchinfo(model: Any, xs: tuple[Any, ...]) -> Printed:
    from torchinfo import summary

    found = summary(model, input_data=xs, verbose=0)
    return found.total_mult_adds, found.total_params


def fvcore(model: Any, xs: tuple[Any, ...]) -> Printed:
    from fvcore.nn import FlopCountAnalysis

    found = FlopCountAnalysis(model, xs).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    return int(found.total()), sum(p.numel() for p in model.parameters())


def ptflops(model: Any, xs: tuple[Any, ...], backend: str = "pytorch") -> Printed:
    from ptflops import get_model_complexity_info

    if len(xs) != 1:
        raise NotImplementedError("one input")
    macs, params = get_model_complexity_info(
        model, tuple(xs[0].shape[1:]), as_strings=False, print_per_layer_stat=False, verbose=False, backend=backend
    )
    return int(macs), int(params)


def ptflops_aten(model: Any, xs: tuple[Any, ...]) -> Printed:
    return ptflops(model, xs, "aten")


def thop(model: Any, xs: tuple[Any, ...]) -> Printed:
    from thop import profile

    macs, params = profile(model, inputs=xs, verbose=False)
    return int(macs), int(params)


def torch_counter(model: Any, xs: tuple[Any, ...]) -> Printed:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(*xs)
    return counter.get_total_flops(), sum(p.numel() for p in model.parameters())


def torchprofile(model: Any, xs: tuple[Any, ...]) -> Printed:
    from torchprofile import profile_macs

    return profile_macs(model, xs), None


def torchscan(model: Any, xs: tuple[Any, ...], what: str = "macs") -> Printed:
    from torchscan import crawl_module

    found = crawl_module(model, args=xs)
    parts = [layer["metrics"][what]["known_value"] for layer in found["layers"] if what in layer["metrics"]]
    return sum(part for part in parts if part is not None), None


def calflops(model: Any, xs: tuple[Any, ...], which: int = 0) -> Printed:
    from calflops import calculate_flops

    found = calculate_flops(model, args=list(xs), print_results=False, output_as_string=False, print_detailed=False)
    return int(found[which]), int(found[2])


TOOLS: dict[str, Callable[..., Printed]] = {
    "torchinfo-1.8": torchinfo,
    "fvcore": fvcore,
    "ptflops": ptflops,
    "ptflops-aten": ptflops_aten,
    "thop": thop,
    "torch": torch_counter,
}
MORE: dict[str, Callable[..., Printed]] = {
    "torchprofile": torchprofile,
    "torchscan": torchscan,
    "torchscan-flops": lambda model, xs: torchscan(model, xs, "module_flops"),
    "calflops": calflops,
    "calflops-macs": lambda model, xs: calflops(model, xs, 1),
}


def printed(tool: Callable[..., Printed], model: Any, xs: tuple[Any, ...]) -> Printed:
    """What a tool gives, its warnings and prints swallowed."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        return tool(model, xs)
