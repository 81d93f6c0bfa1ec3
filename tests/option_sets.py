"""Single layers that the third opinions are asked about: those of tests/cases, and option sets that these leave out.

Together every option of every kind takes two values at least, and axes of a map have different lengths.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cases import FOLDER, load_cases, spec_of
from kinds_run import INPUTS, KINDS_RUN, layer_line

import cnncalc
from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph
from cnncalc.layers.base import Layer, Shape

MOST_WEIGHTS = 2 * 10**7
MOST_MACS = 10**9
TOO_LARGE = {  # cases beyond these; the first is compared as a bundled network
    "ResNet-50 as the page writes it",
    "a million units of which each reads a 10x10 field of its own",
}

MORE = """
4x9x7; conv 6 k3 s2 same
4x9x7; conv 6 k4x3 s3x2 same d1x2
4x9x7; {conv: 6, kernel: 3, padding: [[0, 2], [1, 0]], stride: 2, bias: per_unit}
4x5x9x7; {conv: 6, kernel: [2, 3, 1], padding: [[1, 0], [0, 2], [1, 1]], groups: 2}
4x17; {depthwise: 3, kernel: 5, padding: [[3, 1]], dilation: 2, bias: per_unit}
4x9x7; depthwise 2 k2x3 same s2
3x9x7; {local: 5, kernel: [3, 2], stride: 2, padding: [[1, 0], [0, 1]], dilation: [1, 2]}
4x5x7; transposed_conv 6 k3 s2 p1 output_padding=1 g2
4x5x7; {transposed_conv: 6, kernel: [2, 5], stride: [3, 2], padding: [[0, 1], [2, 0]], bias: false}
4x5x7; transposed_conv 6 k3x2 s2x3 same
4x5x7; transposed_conv 6 k3 p1 d3 output_padding=2
3x10x8; maxpool 3 s2 ceil
3x10x8; maxpool 3 s2 same
3x10x8; {maxpool: 2, stride: 2, padding: [[1, 0], [0, 1]], rounding: ceil, dilation: [2, 1]}
3x10x8; avgpool 3 s2 p1 ceil
3x10x9; avgpool 3 s2 p1 ceil count_include_pad=false
3x10x8; avgpool 3 s2 same
3x11x8; avgpool 2x3 s2 d2x1
3x11x8; avgpool 3 s2 p1x0 d2x1 ceil
3x10x8; {avgpool: 3, stride: 2, padding: [[0, 1], [2, 0]]}
3x5x10x8; avgpool 2 s2 ceil
3x10x8; lppool 2 norm=3
3x11x8; lppool 3 s2 p1 ceil
3x11x8; lppool 3x2 s1 d2
3x10x8; subsample 2
3x11x8; subsample 3 s2 p1 ceil
3x11x8; subsample 3x2 s1x2 d2x1
3x17; subsample 3 s2
3x4x6x8; global_avgpool
3x17; global_maxpool
3x7x9; adaptive_avgpool 3x4
3x7x9; adaptive_maxpool 3x4
3x17; adaptive_maxpool 5
3x4x7x9; adaptive_avgpool 2x3x4
12; rbf 5
6x7x9; dense 5 axes=c
6x17; dense 4 axes=c nobias
12x17; attention 3
12x4x6; attention 2 nobias dim=8 out=5
12x4x6; attention 2 dim=4 value_dim=8 out=5
12x4x6; attention 2 bias=in value_dim=8 window=2x3
12x4x6; attention 4 bias=out noproject window=2x3 shift=1x2 relative_bias
12x4x6x2; attention 4 window=2x3x1 shift=1x2x0 relative_bias
12x4x6; attention 3 grid=2x3 relative_bias
12x4x6; attention 3 window=2x3 shift=1x2 pair_bias
12x4x6; {cross_attention: [identity, conv 7 k2], heads: 3}
12x17; {cross_attention: [conv 8 k1, conv 7 k2], heads: 2, dim: 6, value_dim: 10, out: 5, bias: false, project: true}
12x17; {cross_attention: [conv 8 k1, conv 7 k2], heads: 4, dim: 8, bias: in, project: false}
3x7x9; {dot_product_attention: [identity, tanh, relu]}
7x9; {dot_product_attention: [identity, tanh, relu, parameter 7x7]}
4x8x10; {max_unpool: [maxpool 2, identity], kernel: 2}
4x9x11; {max_unpool: [[maxpool 2, tanh], identity], kernel: 2}
4x9x11; {max_unpool: [[maxpool 2 s3, tanh], identity], kernel: 2, stride: 3}
4x8x10; {max_unpool: [maxpool 3 s2 p1, identity], kernel: 3, stride: 2, padding: 1}
4x9x11; {max_unpool: [[maxpool 2 s2 d2, tanh], identity], kernel: 2, stride: 2, dilation: 2}
4x8x10; {max_unpool: [maxpool 3 s2 ceil, identity], kernel: 3, stride: 2, rounding: ceil}
4x17; {max_unpool: [[maxpool 3, tanh], identity], kernel: 3}
2x6x4x8; {max_unpool: [[maxpool 2, tanh], identity], kernel: 2}
6x7x9; {deformable_conv: [identity, conv 18 k3], filters: 4, kernel: 3}
6x7x9; {deformable_conv: [identity, conv 24 k3x2 s2 p1, conv 12 k3x2 s2 p1], filters: 4, kernel: 3x2, s: 2, p: 1, g: 2}
6x7x9; {deformable_conv: [tanh, conv 24 k2 d3 p2], filters: 3, kernel: 2, d: 3, p: 2, groups: 3, bias: false}
6x7x9; {deformable_conv: [identity, conv 18 k3 same, conv 9 k3 same], filters: 2, kernel: 3, padding: [[0, 2], [1, 1]]}
3x7x9; {grid_sample: [identity, [conv 2 k3, 'permute 1,2,0']]}
3x7x9; {grid_sample: [identity, [conv 2 k3, 'permute 1,2,0', tanh]], outside: border}
3x4x5x6; {grid_sample: [identity, [conv 3 k2, 'permute 1,2,3,0']], align_corners: true}
3x7x9; {matmul: [identity, 'permute 0,2,1']}
7x9; {add: [identity, parameter 7x9, parameter 7x1 fixed]}
7x9; {concat: [parameter 7x2, identity], axis: l}
3x7x9; {concat: [identity, conv 3 k3x1], axis: h}
3x7x9; {concat: [identity, tanh, conv 3 k1], axis: w}
9; embedding 5 size=7
1x11; embedding 4 size=20
1x3x4; embedding 4 size=20
3x7x9; {subtract: [identity, tanh, relu]}
3x7x9; {divide: [tanh, softplus]}
3x7x9; {minimum: [identity, global_avgpool, tanh]}
3x7x9; {greater: [identity, tanh]}
3x7x9; {less: [identity, tanh]}
3x7x9; {equal: [relu, identity]}
6x7x9; softmax axis=w
6x7x9; log_softmax axis=1
6x17; log_softmax axis=l
6x7x9; log_sigmoid
6x7x9; tanhshrink
6x7x9; softshrink
6x7x9; softshrink 0.2
6x7x9; hardshrink
6x7x9; hardshrink 0.7
6x7x9; hardtanh
6x7x9; hardtanh low=-0.5 high=2
6x7x9; clamp low=-0.3 high=0.4
6x7x9; clamp low=0.1
6x7x9; clamp high=0.1
6x7x9; abs
6x7x9; negative
6x7x9; square
6x7x9; {relu: {}, then: [sqrt]}
6x7x9; {sigmoid: {}, then: [power 0.5]}
6x7x9; power 2
6x7x9; {softplus: {}, then: [reciprocal]}
6x7x9; exp
6x7x9; {softplus: {}, then: [log]}
6x7x9; erf
6x7x9; sin
6x7x9; cos
6x7x9; sign
6x7x9; round
6x7x9; round floor
6x7x9; round ceil
6x7x9; reduce_sum hw
6x7x9; reduce_sum c
6x7x9; reduce_mean axes=1
6x7x9; reduce_mean c
6x7x9; reduce_max w
6x17; reduce_max l
6x7x9; reduce_min axes=ch
6x7x9; reduce_min w
6x7x9; reduce_norm c
6x7x9; reduce_norm hw order=1
6x7x9; reduce_norm w order=3
6x7x9; roll 2 axis=h
6x17; roll -3
6x7x9; tile 2
6x7x9; tile 3 axis=w
6x7x9; take 5,0,0,3
6x17; take 16,1 axis=l
3x7x9; resample 5x4
3x7x9; resample 11x13 bilinear
3x7x9; resample 11x13 bilinear align_corners
3x7x9; resample 5x12 nearest_exact
3x7x9; resample 10x5 bicubic
3x7x9; resample 10x5 bicubic align_corners
3x17; resample 11 bilinear
12; rbf 5
12; gaussian_rbf 5
9; hopfield steps=3
9; hopfield steps=2 bias=true
3x17; flatten
6x7x9; batchnorm eps=0.1
6x7x9; batchnorm noaffine
6x7x9; scale
6x7x9; scale shift
6x7x9; scale per=layer
6x7x9; scale shift per=hw
6x7x9; shift
6x7x9; shift per=element
12; shift per=layer
6x7x9; gelu approximate=tanh
6x7x9; rescale 0.5
6x7x9; rescale offset=2
3x7x9; {rescale: [0.5, 2, -1], offset: [1, 0, 3]}
6x7x9; batchnorm affine=shift
6x7x9; batchnorm affine=scale
6x7x9; layernorm axes=all eps=0.1
6x7x9; layernorm axes=h
6x7x9; layernorm axes=ch noaffine
6x4x7x9; layernorm axes=dw
6x7x9; groupnorm 2 eps=0.1
6x17; groupnorm 3 noaffine
6x7x9; instancenorm eps=0.1 affine=true
6x4x7x9; instancenorm
7x5x6; lrn 3 alpha=0.5 beta=0.6 k=2
7x5x6; lrn 4 alpha=0.5
7x5x6; lrn 2 alpha=2 beta=1
7x17; lrn 5 alpha=1
7x3x5x6; lrn 9 alpha=1
11; lrn 5 alpha=1
6x7x9; leaky_relu 0.3
6x7x9; leaky_relu 3
6x7x9; leaky_relu -0.5
6x7x9; elu 0.5
6x7x9; celu 0.5
6x7x9; prelu per=channel
6x7x9; maxout 3
6x7x9; softmax
6x17; log_softmax
6x7x9; log_softmax
6x4x7x9; glu
6x7x9; step
6x7x9; scaled_tanh
6x7x9; dropout 0.1
3x7x9; {pad: [[1, 2], [0, 3]], mode: constant, value: -1.5}
3x7x9; {pad: [[1, 2], [0, 3]], mode: reflect}
3x7x9; {pad: [[1, 2], [0, 3]], mode: replicate}
3x7x9; {pad: [[1, 2], [0, 3]], mode: circular}
3x17; pad 3 circular
3x4x5x6; pad 2 reflect
3x7x9; {crop: [[1, 2], [0, 3]]}
3x7x9; crop size=4x2
3x17; crop 3
3x7x9; upsample 2x3
3x7x9; upsample 2x3 bilinear
3x7x9; upsample 3x2 bicubic
3x17; upsample 3 bicubic
3x17; upsample 4 bilinear
3x3x4x5; upsample 2 bilinear
3x3x4x5; upsample 2x1x3 bicubic
8x3x5; pixel_shuffle 2
6x17; pixel_shuffle 3
8x2x3x5; pixel_shuffle 2
3x4x6; pixel_unshuffle 2
3x18; pixel_unshuffle 3
3x4x6x2; pixel_unshuffle 2
6x5; channel_shuffle 3
6x2x3x5; channel_shuffle 2
3x4x5x6; permute 2,0,3,1
6x7x9; split 3 part=2
6x7x9; split 2 part=1
3x4x5x6; slice 1:3 axis=d
3x4x5x6; slice -3:-1 axis=h
3x17; slice 2:end axis=l
3x7x9; {multiply: [identity, global_avgpool, tanh]}
3x7x9; {maximum: [identity, global_avgpool, tanh]}
3x7x9; {mean: [identity, global_avgpool, tanh]}
3x7x9; {add: [identity, global_avgpool, tanh]}
3x7; {concat: [identity, tanh, conv 2 k1]}
4x6; rnn 3 last bidirectional
4x6; rnn 5 nobias
4x6; mgu 3 bidirectional
4x6; mgu 5 last bias=double bidirectional
4x6; mgu 5 nobias
4x6; gru 3 last bidirectional bias=double
4x6; gru 5 bidirectional
4x6; gru 5 nobias last
4x6; lstm 3 last bidirectional
4x6; lstm 5 nobias
"""


def specs(about: str = "") -> Iterator[tuple[str, str, Any]]:
    """Every case that states a network of its own, and every line above: its name, its text and its parameters.

    about  what the text must have in it
    """
    for path in sorted(FOLDER.glob("*.yaml")):
        for case in load_cases(path.stem):
            if "network" not in case and case["case"] not in TOO_LARGE and about in str(case):
                yield f"{path.stem}: {case['case']}", spec_of(case), case.get("set")
    for line in MORE.strip().splitlines():
        if about in line:
            yield line, line, None
    for name, spec in of_the_probes():
        if about in spec:
            yield name, spec, None


def graphs(about: str = "") -> Iterator[tuple[str, Graph]]:
    """The networks of these specs, by name."""
    for name, spec, values in specs(about):
        yield name, cnncalc.load(spec, set=values)


def of_the_probes() -> Iterator[tuple[str, str]]:
    """A kind that has no line above is asked about with the options with which the probes run it."""
    for kind in [kind for kind in KINDS_RUN if not re.search(rf"[ {{]{kind}\b", MORE)]:
        for options in KINDS_RUN[kind][1]:
            for rank in KINDS_RUN[kind][0]:
                spec = f"input: {INPUTS[rank]}\nlayers:\n  - {layer_line(kind, options)}\n"
                try:
                    cnncalc.load(spec)
                except CnncalcError:  # options of another number of axes
                    continue
                yield f"{INPUTS[rank]}; {kind} {options}", spec


def layers(kind: str, among: list[tuple[str, Graph]]) -> Iterator[tuple[str, Layer, tuple[Shape, ...]]]:
    """Every layer of a kind with the shapes that enter it, each once."""
    seen: set[Any] = set()
    for name, graph in among:
        for node in graph.nodes:
            shapes = tuple(graph.shape(v) for v in node.reads)
            if node.layer.kind == kind and (node.layer, shapes) not in seen:
                seen.add((node.layer, shapes))
                yield f"{name} ({node.name})", node.layer, shapes
