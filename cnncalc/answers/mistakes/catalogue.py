"""The mistakes in one layer: what each changes in the derivation. Their sentences are in sentences.py.

Ranks say how plausible a mistake is: the lower, the more often it is made. Ids are those of the catalogue.
"""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import Any

from cnncalc.answers.mistakes.edits import (
    Case,
    Edit,
    Number,
    Numbers,
    has_filters,
    kind,
    letter,
    operators,
    options,
    output,
    read,
    slides,
    values_of_symbols,
)

WEIGHTS = frozenset({"params", "stored", "connections", "macs", "flops"})
SIZES = frozenset({"output", "connections", "macs", "flops", "values"})
PARAMS = frozenset({"params", "stored", "connections", "flops"})
SHAPE = frozenset({"output"})
PADDED = ("conv", "depthwise", "local", "maxpool", "avgpool", "lppool", "subsample", "transposed_conv")


def only(*quantities: str) -> frozenset[str]:
    return frozenset(quantities)


def without_channels(case: Case) -> Case | None:
    """Filters as deep as one map; a unit that reads one map of those that were flattened."""
    if case.flat is not None:
        return _flat_of(case, prod(case.flat[1:])) if case.direct and case.flat[0] > 1 else None
    # Filters as deep as one map choose nothing among the maps: the table goes too.
    if "table" in vars(case.layer) and case.layer.table is not None:  # type: ignore[attr-defined]
        case = case._replace(layer=case.layer.replace(table=None))
    if "filters" not in vars(case.layer):
        return None
    # Each group has c / g channels, which so are one.
    return letter("c", lambda of: max(of("g"), 1))(case)


def pin_output(change: Any) -> Any:
    """A change of the weights that leaves the size of the output as it is."""

    def keep_shape(case: Case) -> Case | None:
        right = case.numbers if case.output is None else None
        changed = change(case) if right is not None else None
        if right is None or changed is None:
            return None
        return changed._replace(output=lambda _shape: right["output"])  # type: ignore[no-any-return]

    return keep_shape


def along_one_axis_less(case: Case) -> Case | None:
    """k for k x k, and k x k for k x k x k: the last axis of the kernel is left out."""
    if not has_filters(case) or len(case.shapes[0]) < 3:
        return None
    last = f"k{len(case.shapes[0]) - 2}"
    return set_letter(case, last, 1)


def set_letter(case: Case, name: str, value: Number) -> Case | None:
    symbols = values_of_symbols(case)
    if name in case.letters or symbols.get(name, value) == value:
        return None
    return case._replace(letters={**case.letters, name: value})


def one_filter(case: Case) -> Case | None:
    """A layer of one filter, or of one unit."""
    mine = vars(case.layer)
    if mine.get("table") is not None or mine.get("groups", 1) != 1 or is_recurrent(case):
        return None
    name = "filters" if "filters" in mine else "units" if "units" in mine else None
    return case.options(**{name: 1}) if name else None


def _flat_of(case: Case, length: int) -> Case | None:
    if len(case.shapes[0]) != 1 or length == case.shapes[0][0] or "n" in case.letters:
        return None
    return case._replace(letters={**case.letters, "n": length})


def flatten_without_channels(case: Case) -> Case | None:
    return _flat_of(case, prod(case.flat[1:])) if case.flat is not None and not case.direct else None


def flatten_without_area(case: Case) -> Case | None:
    return _flat_of(case, case.flat[0]) if case.flat is not None else None


def without_padding(case: Case) -> Case | None:
    return case.options(padding=((0, 0),)) if case.layer.kind in PADDED and _padding(case) not in ("same", 0) else None


def valid_for_same(case: Case) -> Case | None:
    return case.options(padding=((0, 0),)) if case.layer.kind in PADDED and _padding(case) == "same" else None


def same_for_valid(case: Case) -> Case | None:
    if case.layer.kind not in PADDED or _padding(case) != 0 or not has_filters(case):
        return None
    return case.options(padding="same")


def _padding(case: Case) -> Any:
    """`same`, 0, or what is added on the sides."""
    padding = vars(case.layer).get("padding", 0)
    return 0 if isinstance(padding, tuple) and not any(map(any, padding)) else padding


def swap_axes(*names: str) -> Any:
    """Options per axis read in the other order."""
    return lambda case: _swap(case, names)


def _swap(case: Case, names: tuple[str, ...]) -> Case | None:
    changes = {
        name: value[::-1]
        for name in names
        if isinstance(value := vars(case.layer).get(name), tuple) and value != value[::-1]
    }
    return case.options(**changes) if changes else None


def square(case: Case) -> Case | None:
    """The first factor of a pool on both axes, or the last."""
    kernel = vars(case.layer).get("kernel", ())
    if not pools(case) or len(set(kernel)) < 2:
        return None
    # A pool without a stride moves by its kernel, the square one.
    return case.options(kernel=(kernel[0],), stride=None)


def pools(case: Case) -> bool:
    return slides(case) and "rounding" in vars(case.layer)


def with_sizes(rule: Any, when: Any = slides) -> Any:
    """Another size on every axis, by the options of that axis: n, k, s, p, d."""

    def change(case: Case, shape: tuple[Number, ...]) -> tuple[Number, ...] | None:
        if not when(case) or len(shape) != len(case.shapes[0]) or len(shape) < 2:
            return None
        found = [rule(shape[i + 1], n, *geometry(case, i)) for i, n in enumerate(case.sizes)]
        return None if None in found or found == list(shape[1:]) else (shape[0], *found)

    return output(change)


def geometry(case: Case, axis: int) -> tuple[int, int, int, int]:
    """Kernel, stride, padding of both sides and dilation along an axis."""
    mine = vars(case.layer)

    def along(name: str, default: int) -> Any:
        # A pool without a stride moves by its kernel.
        values = mine.get(name) or mine["kernel"] if name == "stride" else mine.get(name)
        return default if not isinstance(values, tuple) else values[axis if len(values) > 1 else 0]

    before_after = along("padding", 0)
    padding = sum(before_after) if isinstance(before_after, tuple) else 0
    return along("kernel", 1), along("stride", 1), padding, along("dilation", 1)


def channels(rule: Any, when: Any = slides) -> Any:
    """Another number of channels in the output shape."""

    def change(case: Case, shape: tuple[Number, ...]) -> tuple[Number, ...] | None:
        if not when(case) or len(shape) < 2:
            return None
        new = rule(case, shape[0])
        return None if new is None or new == shape[0] else (new, *shape[1:])

    return output(change)


def divide_channels(case: Case, c: int) -> Number | None:
    k = geometry(case, 0)[0]
    # Nobody answers a part of a channel.
    return c // k if k and c % k == 0 else None


def pad_depth(case: Case, c: int) -> Number | None:
    return c + geometry(case, 0)[2] if geometry(case, 0)[2] else None


def flatten_partly(length: int) -> Any:
    """A flattened map of which only the area is kept (0), or only the channels (1)."""

    def change(case: Case, shape: tuple[Number, ...]) -> tuple[Number, ...] | None:
        if len(shape) != 1 or len(case.shapes) != 1 or len(case.shapes[0]) < 2 or "units" in vars(case.layer):
            return None
        area = prod(case.sizes)
        new = area if length == 0 else case.shapes[0][0]
        # What flattens has as many elements behind it as in front.
        return None if shape[0] != case.shapes[0][0] * area or new == shape[0] else (new,)

    return output(change)


def as_dense(case: Case) -> Any:
    """A 1x1 convolution taken for a dense layer on the whole map."""
    if case.layer.kind != "conv" or set(vars(case.layer)["kernel"]) != {1} or prod(case.sizes) == 1:
        return None
    changed = kind(("conv",), "dense", units=lambda c: vars(c.layer)["filters"])(case)
    if changed is None or vars(changed.layer)["bias"] not in (True, False):
        return None
    # The whole map enters, where a 1x1 window reads one position.
    return changed._replace(shapes=((prod(case.shapes[0]),),))


def recurrent(name: str) -> Edit:
    return Edit("wrong_gate_count", 12, WEIGHTS, kind(("rnn", "mgu", "gru", "lstm"), name))


def vector(case: Case) -> bool:
    return len(case.shapes[0]) == 1 or not slides(case)


def drop_bias(*, of_vectors: bool) -> Any:
    def change(case: Case) -> Case | None:
        if vars(case.layer).get("bias") in (None, False) or vector(case) != of_vectors:
            return None
        return case.options(bias=False)

    return change


def _weights(found: Numbers, case: Case) -> Numbers | None:
    if "bias" not in vars(case.layer) or not found["params"]:
        return None
    # Without what an edit reads off, or that would be read again.
    bare = case._replace(layer=case.layer.replace(bias=False), read=None).numbers
    return None if bare is None else {"macs": bare["params"]}


def _with(found: Numbers, stored: str) -> Numbers | None:
    """What is stored besides, counted among the parameters."""
    return {"params": found["params"] + found[stored]} if found[stored] else None


def other(quantity: str, of: str, when: Any = lambda case: True) -> Any:
    """One quantity read off in the place of another."""
    return read(lambda found, case: {quantity: found[of]} if found[of] and found[quantity] and when(case) else None)


def is_recurrent(case: Case) -> bool:
    return "bidirectional" in vars(case.layer)


def without_recurrence(found: Numbers, case: Case) -> Numbers | None:
    """A recurrent layer whose gates read the input alone, not the state."""
    if not is_recurrent(case):
        return None
    # With nothing to read, what is left are the weights of the state.
    state = Case(case.layer.replace(bias=False), case.shapes, letters={"n": 0, "c": 0}).numbers
    return None if state is None or not state["params"] else {"params": found["params"] - state["params"]}


def one_bias_of_gates(found: Numbers, case: Case) -> Numbers | None:
    """A recurrent layer with a single bias, where each gate has one for every unit."""
    if not is_recurrent(case) or not vars(case.layer)["bias"]:
        return None
    bare = Case(case.layer.replace(bias=False), case.shapes).numbers
    return None if bare is None else {"params": bare["params"] + 1}


def of_one_channel(found: Numbers, case: Case) -> Numbers | None:
    """The one filter of a depthwise convolution that a single channel has."""
    c = case.shapes[0][0]
    return {"params": Fraction(found["params"], c)} if case.layer.kind == "depthwise" and c > 1 else None


def as_separable(found: Numbers, case: Case) -> Numbers | None:
    """A convolution counted as a depthwise one and a 1x1 behind it."""
    mine = vars(case.layer)
    if case.layer.kind != "conv" or set(mine["kernel"]) == {1} or mine["groups"] != 1 or mine["table"] is not None:
        return None
    rank = len(case.shapes[0]) - 1
    # A single size is that of every axis.
    taps = prod(mine["kernel"]) ** (rank if len(mine["kernel"]) == 1 else 1)
    c, f = case.shapes[0][0], mine["filters"]
    if c == 1:
        return None
    positions = prod(found["output"][1:])
    biases = (c + f) if mine["bias"] is True else 0
    # Depthwise separable (Howard et al. 2017): c kernels on a map each, then c f weights of 1x1.
    return {"params": c * taps + c * f + biases, "macs": (c * taps + c * f) * positions}


def connect_fully(found: Numbers, case: Case) -> Numbers | None:
    """A convolution counted as a dense layer from every input to every output."""
    if case.layer.kind != "conv":
        return None
    inputs, outputs = prod(case.shapes[0]), prod(found["output"])
    biases = outputs if vars(case.layer)["bias"] else 0
    return {"params": inputs * outputs + biases, "connections": inputs * outputs + biases, "macs": inputs * outputs}


def pool_left_out(case: Case, shape: tuple[Number, ...]) -> tuple[Number, ...] | None:
    entered = case.shapes[0]
    return entered if pools(case) and len(entered) == len(shape) and entered != shape else None


EDITS: tuple[Edit, ...] = (
    # weights
    Edit("forgot_bias", 10, WEIGHTS, drop_bias(of_vectors=True)),
    Edit("forgot_bias", 10, only("params", "stored", "flops"), drop_bias(of_vectors=False)),
    Edit("connections_without_bias", 10, only("connections"), drop_bias(of_vectors=False)),
    Edit("connections_without_bias", 11, only("connections"), drop_bias(of_vectors=True)),
    Edit("connections_without_bias", 10, only("connections"),
         read(lambda found, case: {"connections": found["connections"] - prod(found["output"])}
              if pools(case) and found["params"] else None)),
    Edit("forgot_input_channels", 10, WEIGHTS, without_channels),
    Edit("one_bias_per_layer", 11, PARAMS, letter("b", lambda of: _one_bias(of))),
    Edit("one_filter_only", 12, WEIGHTS, one_filter),
    Edit("one_filter_only", 13, only("params"), read(of_one_channel)),
    Edit("one_bias_per_layer", 12, only("params"), read(one_bias_of_gates)),
    Edit("kernel_not_squared", 12, WEIGHTS, pin_output(along_one_axis_less)),
    Edit("used_map_as_kernel", 18, WEIGHTS, pin_output(letter("k", lambda of: of("n") or None))),
    Edit("bias_per_input_channel", 15, PARAMS, letter("b", lambda of: _bias_of_inputs(of))),
    Edit("added_bias", 12, PARAMS, options(lambda layer: vars(layer).get("bias") is False, bias=True)),
    Edit("tied_biases", 11, PARAMS, options(lambda layer: vars(layer).get("bias") == "per_unit", bias=True)),
    Edit("framework_convention", 14, PARAMS, options(lambda layer: vars(layer).get("bias") == "double", bias=True)),
    Edit("framework_convention", 16, PARAMS, options(lambda layer: "bidirectional" in vars(layer), bias="double")),
    Edit("rnn_forgot_recurrence", 13, only("params"), read(without_recurrence)),
    Edit("tied_biases", 13, only("params"),
         read(lambda found, case: {"params": found["params"] - prod(found["output"]) + found["output"][0]}
              if case.layer.kind == "local" and vars(case.layer)["bias"] else None)),
    Edit("answered_the_alternative", 20, only("params", "macs"), read(as_separable), pairs=False),
    Edit("answered_the_alternative", 22, only("params", "connections", "macs"), read(connect_fully), pairs=False),
    Edit("full_instead_of_sparse", 9, WEIGHTS, options(table=None)),
    Edit("forgot_groups", 11, WEIGHTS, options(groups=1)),
    Edit(
        "forgot_groups", 12, WEIGHTS,
        kind(("depthwise",), "conv", filters=lambda case: case.shapes[0][0] * vars(case.layer)["multiplier"]),
    ),
    Edit("modern_pool_no_params", 9, only("params", "connections"), kind(("subsample",), "avgpool")),
    Edit("subsampling_as_conv", 12, WEIGHTS, kind(("subsample",), "depthwise")),
    Edit("rbf_as_fc", 10, WEIGHTS, kind(("rbf",), "dense")),
    Edit("assumed_weight_sharing", 10, PARAMS, kind(("local",), "conv")),
    Edit("bn_per_layer", 14, only("params", "buffers"),
         read(lambda found, case: {"params": 2, "buffers": 2} if found["buffers"] else None)),
    Edit("bn_one_per_channel", 16, only("params"),
         read(lambda found, case: {"params": case.shapes[0][0]} if found["buffers"] and found["params"] else None)),
    *(recurrent(name) for name in ("rnn", "mgu", "gru", "lstm")),
    Edit("flatten_forgot_channels", 11, WEIGHTS, flatten_without_channels),
    Edit("flatten_forgot_area", 12, WEIGHTS, flatten_without_area),
    Edit("assumed_flatten", 13, WEIGHTS, as_dense),
    # another quantity
    Edit("no_weight_sharing", 11, only("params"), other("params", "connections", lambda case: not is_recurrent(case))),
    Edit("rnn_used_timesteps", 11, only("params"), other("params", "connections", is_recurrent)),
    Edit("counted_fixed_rbf", 11, only("params"),
         read(lambda found, case: _with(found, "fixed_params"))),
    Edit("bn_counts_moving_stats", 11, only("params"),
         read(lambda found, case: _with(found, "buffers"))),
    Edit("bias_on_input", 11, only("params"),
         read(lambda found, case: {"params": found["params"] + case.shapes[0][0]}
              if vector(case) and case.direct and found["params"] else None)),
    Edit("params_vs_connections", 10, only("connections"), other("connections", "params")),
    Edit("params_times_positions", 14, only("connections"),
         read(lambda found, case: {"connections": found["params"] * prod(found["output"][1:])}
              if slides(case) else None)),
    Edit("params_vs_macs", 11, only("macs"), read(_weights)),
    Edit("params_vs_macs", 12, only("macs"), other("macs", "params")),
    Edit("counted_bias_as_multiplication", 12, only("macs"), other("macs", "connections")),
    Edit("macs_vs_flops", 8, only("macs"),
         read(lambda found, case: {"macs": 2 * found["macs"]} if found["macs"] else None)),
    Edit("macs_vs_flops", 13, only("macs"), other("macs", "flops")),
    Edit("macs_vs_flops", 14, only("macs"),
         read(lambda found, case: {"macs": Fraction(found["macs"], 2)} if found["macs"] else None)),
    Edit("macs_vs_flops", 8, only("flops"), other("flops", "macs")),
    Edit("forgot_other_work", 9, only("flops"),
         read(lambda found, case: {"flops": 2 * found["macs"]} if found["macs"] else None)),
    Edit("stopped_too_early", 18, only("params", "connections", "macs"),
         read(lambda found, case: dict.fromkeys(("params", "connections", "macs"), case.shapes[0][0])
              if vector(case) and case.flat is not None else None), pairs=False),
    # sizes
    Edit("forgot_plus_one", 10, SIZES, with_sizes(lambda m, *_rest: m - 1)),
    Edit("plus_one_inside", 13, SIZES,
         with_sizes(lambda m, n, k, s, p, d: (n + p - d * (k - 1)) // s if s > 1 else None)),
    Edit("divided_by_stride", 14, SIZES, with_sizes(lambda m, n, k, s, p, d: n // s if s > 1 else None)),
    Edit("divided_by_kernel", 15, SHAPE, with_sizes(lambda m, n, k, s, p, d: n // k if k not in (1, s) else None)),
    Edit("forgot_a_layer", 12, frozenset(), output(pool_left_out)),  # seen in the layers behind it
    Edit("forgot_stride", 10, SIZES, letter("s", lambda of: 1)),
    Edit("forgot_padding", 10, SIZES, without_padding),
    Edit("valid_instead_of_same", 10, SIZES, valid_for_same),
    Edit("same_instead_of_valid", 11, SIZES, same_for_valid),
    Edit("padding_once", 10, SIZES, letter("p", lambda of: Fraction(of("p"), 2))),
    Edit("padded_twice", 12, SIZES, letter("p", lambda of: 2 * of("p"))),
    Edit("same_padding_equals_kernel", 14, SIZES,
         letter("p", lambda of: of("k") if of("p") else None)),
    Edit("same_padding_total_not_per_side", 14, SIZES,
         letter("p", lambda of: of("k") - 1 if of("p") else None)),
    # Full padding is k - 1 on each side, same padding half of that.
    Edit("same_vs_full", 13, SIZES,
         letter("p", lambda of: Fraction(of("k") - 1, 2) if of("p") == of("k") - 1 else None)),
    Edit("ceil_instead_of_floor", 10, SIZES, operators(floor="ceil")),
    Edit("floor_instead_of_ceil", 10, SIZES, options(lambda layer: vars(layer).get("rounding") == "ceil",
                                                     rounding="floor")),
    Edit("kept_fraction", 11, SHAPE, operators(floor="/", ceil="/")),
    Edit("forgot_dilation", 10, SIZES, letter("d", lambda of: 1)),
    Edit("dilation_off_by_one", 12, SIZES, letter("d", lambda of: of("d") + 1 if slides_dilated(of) else None)),
    # With k + 1 - 1/d in place of k, the span d(k - 1) + 1 becomes d k.
    Edit("dilation_times_kernel", 13, SHAPE,
         letter("k", lambda of: of("k") + 1 - Fraction(1, of("d")) if of("d") > 1 else None)),
    # TensorFlow's `same` is ceil(n / s), whatever the kernel.
    Edit("tf_same", 14, SIZES, with_sizes(lambda m, n, k, s, p, d: -(-n // s) if p else None)),
    Edit("pool_always_halves", 12, SIZES, with_sizes(lambda m, n, *_rest: n // 2, pools)),
    Edit("non_square_pool", 11, SIZES, square),
    Edit("swapped_h_w", 12, SIZES, swap_axes("kernel", "stride", "padding", "dilation")),
    Edit("swapped_h_w", 13, SIZES, swap_axes("kernel")),
    Edit("swapped_h_w", 13, SIZES, swap_axes("stride")),
    Edit("swapped_h_w", 13, SHAPE, output(lambda case, shape: _turn(shape))),
    Edit("depth_kept_from_input", 11, SHAPE, channels(lambda case, c: case.shapes[0][0], has_filters)),
    Edit("pool_changes_channels", 11, SHAPE, channels(divide_channels, pools)),
    Edit("depth_multiplied", 15, SHAPE, channels(
        lambda case, c: c * case.shapes[0][0], lambda case: "filters" in vars(case.layer))),
    Edit("padded_depth", 14, SHAPE, channels(pad_depth)),
    Edit("kernel_minus_one_twice", 14, SIZES,
         with_sizes(lambda m, n, k, s, p, d: n + p - 2 * (k - 1) if s == 1 and k > 1 else None)),
    Edit("divided_area_by_kernel", 15, only("values", "connections", "macs"),
         with_sizes(lambda m, n, k, s, p, d: Fraction(n, k) if k != s else None)),
    Edit("used_conv_formula", 10, SIZES,
         with_sizes(lambda m, n, k, s, p, d: (n + p - d * (k - 1) - 1) // s + 1,
                    lambda case: "output_padding" in vars(case.layer))),
    Edit("output_padding", 11, SIZES, letter("a", lambda of: 0 if of("a") else 1)),
    Edit("transposed_forgot_minus_one", 12, SIZES,
         with_sizes(lambda m, n, k, s, p, d: m + s, lambda case: "output_padding" in vars(case.layer))),
    Edit("flatten_forgot_channels", 10, SIZES, flatten_partly(0)),
    Edit("flatten_forgot_area", 12, SIZES, flatten_partly(1)),
    Edit("used_input_size_for_macs", 13, only("connections", "macs", "flops"),
         with_sizes(lambda m, n, *_rest: n)),
    Edit("concat_as_add", 10, SHAPE, output(lambda case, shape: _widest(case, shape))),
)  # fmt: skip


def _one_bias(of: Any) -> Number | None:
    # Filters, units, or the maps of a depthwise convolution: whichever letter the kind has.
    outputs = of("f") or of("m") or of("c") * of("q")
    # As many biases of 1 / outputs as there are outputs make one bias in all.
    return Fraction(1, outputs) if of("b") and outputs else None


def _bias_of_inputs(of: Any) -> Number | None:
    outputs, inputs = of("f") or of("m"), of("c") or of("n")
    return Fraction(inputs, outputs) if of("b") and outputs else None


def slides_dilated(of: Any) -> bool:
    return bool(of("d") > 1 and of("k") > 1)


def _turn(shape: tuple[Number, ...]) -> tuple[Number, ...] | None:
    """The sizes in the other order."""
    # From the last axis down to the first behind the channels.
    return (shape[0], *shape[:0:-1]) if len(set(shape[1:])) > 1 else None


def _widest(case: Case, shape: tuple[Number, ...]) -> tuple[Number, ...] | None:
    """Branches put on each other where they stand one behind the other."""
    depths = [entered[0] for entered in case.shapes]
    return (max(depths), *shape[1:]) if len(depths) > 1 and sum(depths) == shape[0] else None
