"""An `If` of ONNX whose condition no value decides: the branch that is taken is read, and the other is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx_bytes import Model

from cnncalc import SpecError, load
from cnncalc.analysis import analyze_graph
from cnncalc.graph import Graph
from cnncalc.interop.onnx.read.branches import most_readings
from cnncalc.interop.onnx.read.file import GraphData, NodeData


def branch(result: str) -> Model:
    """A graph within an operator, which takes nothing and gives one value."""
    inner = Model()
    return inner.gives(result)


def conv(source: str, weight: str, *shape: int) -> Model:
    inner = branch("t").op("Conv", f"{source} {weight}", "t", pads=[1, 1, 1, 1])
    return inner.weight(weight, *shape)


def kinds(graph: Graph) -> list[str]:
    return [node.layer.kind for node in graph.nodes]


def test_the_branch_is_read_as_if_it_stood_there(tmp_path: Path) -> None:
    """With its weights, and together with what stands behind it; what the other one alone reads is left out."""
    model = Model(1, 3, 8, 8).truth("c", holds=True).weight("wb", 4, 3, 3, 3)
    model.op("Conv", "x wb", "big", pads=[1, 1, 1, 1])
    model.op("If", "c", "z", then_branch=conv("x", "w", 4, 3, 3, 3), else_branch=branch("t").op("Identity", "big", "t"))
    for scale in ("g", "b", "m", "v"):
        model.weight(scale, 4, fill=1.0)
    graph = load(model.op("BatchNormalization", "z g b m v", "y").save(tmp_path))
    assert kinds(graph) == ["conv", "batchnorm"]
    assert analyze_graph(graph).totals.params == 4 * 3 * 9 + 8
    assert any("branch" in remark for remark in graph.remarks)


def test_the_other_branch_is_read_where_the_condition_does_not_hold(tmp_path: Path) -> None:
    model = Model(1, 3, 8, 8).truth("c", holds=False)
    model.op("If", "c", "y", then_branch=branch("t").op("Relu", "x", "t"), else_branch=branch("t").op("Tanh", "x", "t"))
    assert kinds(load(model.save(tmp_path))) == ["tanh"]


def test_a_condition_may_hang_on_a_shape_behind_another_and_names_within_branches_are_their_own(tmp_path: Path) -> None:
    model = Model(1, 3, 8, 8).truth("c", holds=True)
    model.whole("one", 1, dims=[]).whole("four", 4, dims=[])
    same = branch("t").op("Identity", "x", "t")
    model.op("If", "c", "z", then_branch=conv("x", "w", 4, 3, 3, 3), else_branch=same)
    model.op("Shape", "z", "s").op("Gather", "s one", "n", axis=0).op("Equal", "n four", "d")
    same = branch("t").op("Identity", "z", "t")
    model.op("If", "d", "y", then_branch=conv("z", "w", 4, 4, 3, 3), else_branch=same)
    graph = load(model.save(tmp_path))
    assert kinds(graph) == ["conv", "conv"]
    assert analyze_graph(graph).totals.params == 4 * 3 * 9 + 4 * 4 * 9


def test_a_branch_may_hold_another_condition_or_give_an_outer_value(tmp_path: Path) -> None:
    within = branch("q").op("Sigmoid", "x", "q")
    inner = branch("r").op("If", "c", "p", then_branch=within, else_branch=branch("x")).op("Relu", "p", "r")
    model = Model(1, 3, 8, 8).truth("c", holds=True)
    model.op("If", "c", "y", then_branch=inner, else_branch=branch("x"))
    assert kinds(load(model.save(tmp_path))) == ["sigmoid", "relu"]
    model = Model(1, 3, 8, 8).truth("c", holds=True).op("Relu", "x", "a")
    model.op("If", "c", "y", then_branch=branch("a"), else_branch=branch("x"))
    assert kinds(load(model.save(tmp_path))) == ["relu"]


def chain(count: int) -> Model:
    """Conditions each of which hangs on the shape behind the one before."""
    model = Model(1, 3, 8, 8).whole("one", 1, dims=[]).whole("three", 3, dims=[])
    source = "x"
    for i in range(count):
        model.op("Shape", source, f"s{i}").op("Gather", f"s{i} one", f"n{i}", axis=0)
        model.op("Equal", f"n{i} three", f"c{i}")
        relu = branch("t").op("Relu", source, "t")
        model.op("If", f"c{i}", f"z{i}", then_branch=relu, else_branch=branch(source))
        source = f"z{i}"
    return model.op("Identity", source, "y")


@pytest.mark.parametrize("count", [1, 7])
def test_conditions_may_hang_on_each_other(count: int, tmp_path: Path) -> None:
    assert kinds(load(chain(count).save(tmp_path))) == ["relu"] * count


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: chain(52), "conditions hang on each other"),
        (lambda: Model(1, 3, 8, 8).truth("c", holds=True).op("If", "c", "y", else_branch=branch("x")), "branch"),
        (lambda: Model(1).op("If", "x", "y", then_branch=branch("x"), else_branch=branch("x")), "values decide"),
    ],
)
def test_what_is_not_decided_is_refused_by_name(make: object, said: str, tmp_path: Path) -> None:
    assert callable(make)
    with pytest.raises(SpecError) as error:
        load(make().save(tmp_path))
    assert "If" in str(error.value)
    assert said in str(error.value)


def test_of_too_many_conditions_what_is_not_opened_is_unknown_and_nothing_behind_it_is_lost(tmp_path: Path) -> None:
    graph = load(chain(52).save(tmp_path), allow_unknown=True)
    assert kinds(graph)[:49] == ["relu"] * 49
    assert kinds(graph)[49] == "If"  # of which nothing is known
    assert any(remark.startswith("49 conditions") for remark in graph.remarks)
    broken = chain(52).op("Add", "y nothing", "z").gives("z").save(tmp_path)
    with pytest.raises(SpecError, match="'nothing', which nothing before it gives"):
        load(broken, allow_unknown=True)


def test_a_large_model_is_read_fewer_times() -> None:
    """Its conditions could hang on each other, and each reading takes as long as the whole."""
    node = NodeData("", "Relu", "", ("x",), ("y",), {})
    assert [most_readings(GraphData("", [node] * n, {}, [], [], {})) for n in (100, 50_000, 400_000)] == [50, 9, 2]
