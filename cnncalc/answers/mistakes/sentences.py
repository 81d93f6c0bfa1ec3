"""What is said about a mistake: the number is named as the answer to another question, never as a guess."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnncalc.language import _

# id -> how the number comes out. Functions, so that the language is that of the moment.
HOW: dict[str, Callable[[], str]] = {
    "forgot_bias": lambda: _("without the biases"),
    "connections_without_bias": lambda: _("without the connection of every bias"),
    "forgot_input_channels": lambda: _("if every unit reads a single input channel, not all of them"),
    "one_bias_per_layer": lambda: _("with a single bias for a whole layer, not one for every filter or unit"),
    "rf_kernel_times_jump": lambda: _("if every kernel adds all of its span, not its span less 1"),
    "jump_for_field": lambda: _("for the jump, the product of the strides, in place of the field"),
    "one_filter_only": lambda: _("for a single filter or unit, not for all of the layer"),
    "kernel_not_squared": lambda: _("if the kernel counts along one axis less"),
    "used_map_as_kernel": lambda: _("with a kernel as large as the map"),
    "rnn_forgot_recurrence": lambda: _("if the gates read the input alone, not the state"),
    "answered_the_alternative": lambda: _("for the other design"),
    "bn_one_per_channel": lambda: _("with one number for every channel, where norms train a factor and a shift"),
    "plus_one_inside": lambda: _("if 1 is added before the division by the stride, not behind it"),
    "divided_by_stride": lambda: _("for the size divided by the stride, whatever the kernel"),
    "divided_by_kernel": lambda: _("for the size divided by the kernel, whatever the stride"),
    "depth_multiplied": lambda: _("if the filters multiply the input channels"),
    "went_too_far": lambda: _("at a later layer"),
    "one_layer_only": lambda: _("for one layer, where the whole is asked"),
    "different_architecture": lambda: _("for another network, or another variant of this one"),
    "bits_for_bytes": lambda: _("for bits in place of bytes"),
    "another_dtype": lambda: _("for values of another size"),
    "counted_the_input": lambda: _("if the input is kept too"),
    "bias_per_input_channel": lambda: _("with a bias for every input, not for every output"),
    "bias_on_input": lambda: _("if the input units have biases too"),
    "added_bias": lambda: _("with biases, where the layer has none"),
    "tied_biases": lambda: _("if the units of a map share one bias, where each has its own"),
    "framework_convention": lambda: _("with two biases for every gate, as PyTorch stores them"),
    "full_instead_of_sparse": lambda: _("if every filter reads all maps, whatever the connection table says"),
    "forgot_groups": lambda: _("if every filter reads all input channels, without groups"),
    "modern_pool_no_params": lambda: _("for a pooling layer that trains nothing"),
    "subsampling_as_conv": lambda: _("if every input of the window has a weight of its own"),
    "rbf_as_fc": lambda: _("for a dense layer with biases in place of the radial basis functions"),
    "assumed_weight_sharing": lambda: _("if the weights are shared between positions, as in a convolution"),
    "bn_per_layer": lambda: _("with one pair of numbers for the whole layer, not one for every channel"),
    "wrong_gate_count": lambda: _("for a recurrent layer with another number of gates"),
    "flatten_forgot_channels": lambda: _("if flattening keeps the positions of one channel alone"),
    "flatten_forgot_area": lambda: _("if flattening keeps one value for every channel"),
    "assumed_flatten": lambda: _("if the map is flattened first, where the layer works on every position alone"),
    "no_weight_sharing": lambda: _("if weights are not shared"),
    "rnn_used_timesteps": lambda: _("if every time step has weights of its own"),
    "counted_fixed_rbf": lambda: _("with the fixed weights, which are not trained"),
    "bn_counts_moving_stats": lambda: _("with the stored means and variances, which are not trained"),
    "params_vs_connections": lambda: _("for the parameters"),
    "params_times_positions": lambda: _("for parameters times positions"),
    "params_vs_macs": lambda: _("for the stored weights"),
    "counted_bias_as_multiplication": lambda: _("if adding a bias is counted as a multiplication"),
    "macs_vs_flops": lambda: _("for FLOPs in place of MACs, or the reverse"),
    "forgot_other_work": lambda: _("for two operations of every MAC, without biases and element-wise work"),
    "stopped_too_early": lambda: _("at an earlier layer"),
    "forgot_plus_one": lambda: _("if the steps of the window are counted, not its positions"),
    "forgot_stride": lambda: _("with a stride of 1"),
    "forgot_padding": lambda: _("without the padding"),
    "valid_instead_of_same": lambda: _("without padding, where it is `same`"),
    "same_instead_of_valid": lambda: _("with padding that keeps the size, where there is none"),
    "padding_once": lambda: _("with the padding on one side alone"),
    "padded_twice": lambda: _("if the padding is added twice on each side"),
    "same_padding_equals_kernel": lambda: _("with a padding as large as the kernel"),
    "same_padding_total_not_per_side": lambda: _("with the padding of both sides on each of them"),
    "same_vs_full": lambda: _("with half of the padding"),
    "ceil_instead_of_floor": lambda: _("if sizes are rounded up, where a window that does not fit is left out"),
    "floor_instead_of_ceil": lambda: _("if sizes are rounded down, where the last partial window is kept"),
    "kept_fraction": lambda: _("if the division is not rounded"),
    "forgot_dilation": lambda: _("without the dilation"),
    "dilation_off_by_one": lambda: _("if the dilation is counted in holes"),
    "dilation_times_kernel": lambda: _("if the dilated kernel spans d k inputs"),
    "tf_same": lambda: _("for `same` padding, n / s rounded up, in place of the padding that is given"),
    "pool_always_halves": lambda: _("if the pooling layer halves the size"),
    "non_square_pool": lambda: _("with the same window on both axes"),
    "swapped_h_w": lambda: _("with height and width exchanged"),
    "depth_kept_from_input": lambda: _("if the channels stay those of the input"),
    "pool_changes_channels": lambda: _("if pooling divides the channels too"),
    "padded_depth": lambda: _("if the channels are padded as well"),
    "kernel_minus_one_twice": lambda: _("if k - 1 is lost on each side, not in all"),
    "divided_area_by_kernel": lambda: _("for the area divided by that of the kernel"),
    "used_conv_formula": lambda: _("by the formula of a convolution"),
    "output_padding": lambda: _("with another output padding"),
    "transposed_forgot_minus_one": lambda: _("for n strides"),
    "used_input_size_for_macs": lambda: _("if the positions of the input are counted, not those of the output"),
    "used_wrong_map_size": lambda: _("with the map size of a neighbouring layer"),
    "concat_as_add": lambda: _("if the branches are put on each other"),
    "concat_counts_reduce_layers": lambda: _("with the channels of all convolutions"),
    "wrong_flatten_size": lambda: _("with the flattened map of another layer"),
    "assumed_rgb": lambda: _("for three input channels, where there is one"),
    "rf_forgot_strides": lambda: _("if no stride is taken into account"),
    "rf_sum_of_kernels": lambda: _("for the sum of the kernels"),
    "rf_own_stride": lambda: _("if a layer's own stride is in its jump"),
    "rf_wrong_order": lambda: _("if the recursion from the last layer is begun at the first"),
    "rf_ignored_pooling": lambda: _("without the pooling layers, which have windows and strides too"),
    "rf_only_last_layer": lambda: _("on the map before the layer, not on the image"),
    "rf_smallest_unit": lambda: _("of the units that see least"),
    "rf_zero_stuffed": lambda: _("by the recurrence of a chain on a map stuffed with zeros, which holds for no unit"),
    "rf_without_gates": lambda: _("without the gates or norms that let every unit see the whole map"),
    "forgot_a_layer": lambda: _("with a layer left out"),
    "forgot_batchnorm": lambda: _("without batch normalisation"),
    "forgot_depthwise": lambda: _("without the depthwise half"),
    "forgot_pointwise": lambda: _("without the 1x1 half"),
    "counted_twice": lambda: _("with a layer counted twice"),
    "ignored_factorisation": lambda: _("for one large convolution in place of the steps"),
    "bytes_for_values": lambda: _("for bytes where values are meant, or the reverse"),
    "gflops_1024": lambda: _("if 1,024 stands for 1,000 in a prefix"),
}


# Why that is not the number, where the first half does not say it.
REASON: dict[str, Callable[[], str]] = {
    "kernel_not_squared": lambda: _("k for k x k"),
    "answered_the_alternative": lambda: _("a standard, a separable or a full connection"),
    "depth_multiplied": lambda: _("each filter makes one channel"),
    "no_weight_sharing": lambda: _("it is the number of connections"),
    "params_vs_connections": lambda: _("connections were asked"),
    "params_times_positions": lambda: _("a shared coefficient has several connections"),
    "params_vs_macs": lambda: _("each is used at every position"),
    "macs_vs_flops": lambda: _("a MAC is two operations"),
    "forgot_plus_one": lambda: _("+ 1"),
    "same_vs_full": lambda: _("`same`, where it is full"),
    "kept_fraction": lambda: _("a map has a whole number of positions"),
    "dilation_off_by_one": lambda: _("one too much"),
    "dilation_times_kernel": lambda: _("there are only k - 1 gaps"),
    "depth_kept_from_input": lambda: _("the filters make new ones"),
    "divided_area_by_kernel": lambda: _("windows overlap"),
    "used_conv_formula": lambda: _("this one makes the map larger"),
    "transposed_forgot_minus_one": lambda: _("there are n - 1 between n inputs"),
    "concat_as_add": lambda: _("concatenation adds their channels up"),
    "concat_counts_reduce_layers": lambda: _("only the branches' ends are joined"),
    "rf_forgot_strides": lambda: _("later windows step over several pixels"),
    "rf_sum_of_kernels": lambda: _("neighbouring windows overlap"),
    "rf_own_stride": lambda: _("only those before it count"),
    "rf_smallest_unit": lambda: _("behind upsampling they differ, and the largest counts"),
}


# Slips of the pen in the right number.
SLIPS: dict[str, Callable[[str], str]] = {
    "digit_dropped": lambda number: _("{number} is the answer with a digit lost", number=number),
    "digits_swapped": lambda number: _("{number} is the answer with two digits exchanged", number=number),
    "digit_doubled": lambda number: _("{number} is the answer with a digit written twice", number=number),
}


def make_sentence(ids: str, value: Any, where: str = "", of: Any = None) -> str:
    """What `value` is the answer to. `of`: the number that was miswritten, where that is not the right one."""
    *names, last = ids.split("+")
    number = show(value)
    if last in SLIPS:
        if of is None:
            return SLIPS[last](number)
        # The number of another mistake, with a digit lost: that mistake is told first.
        fact = make_sentence("+".join(names), of)
        slip = _("{number} is that with a digit lost", number=number)
        if str(of)[0] == where and str(of)[1:] == str(value):
            slip = _("{number} is that without its leading {where}", number=number, where=where)
        return _("{fact}; {slip}", fact=fact, slip=slip)
    ways = [HOW[name]() for name in (*names, last)]
    how = ways[0] if len(ways) == 1 else _("{first} and {second}", first=ways[0], second=ways[-1])
    told = _("{number} is what comes out {how}", number=number, how=how)
    if len(ways) == 1 and last in REASON:
        told = _("{fact}: {reason}", fact=told, reason=REASON[last]())
    return _("{fact} ({layer})", fact=told, layer=where) if where else told


def show(value: Any) -> str:
    if isinstance(value, tuple):
        return "x".join(show(v).replace(",", "") for v in value)
    return f"{int(value):,}" if value == int(value) else str(float(value))
