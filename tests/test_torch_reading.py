"""PyTorch modules as graphs. The numbers beside each module are counted by hand; shapes are compared with PyTorch's."""

from __future__ import annotations

import re
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

import cnncalc

torch = pytest.importorskip("torch", reason="PyTorch is not installed: no module is read")
import torch_nets  # noqa: E402
from test_torch_text import SHARED, WRITTEN, module_of  # noqa: E402

pytestmark = pytest.mark.framework
nn = torch.nn
F = nn.functional
SEVERAL = {"hrnet", "hrnet-w32", "hrnet-w48", "nas-bench-201"}  # sums of three: two additions in PyTorch
OTHERS = {"lenet-1989", "example-full-connection"}  # its padding is a layer there; 10^12 weights
COMPARED = [name for name in WRITTEN if name not in SEVERAL | OTHERS]


@pytest.mark.parametrize("name", torch_nets.NETS)
def test_a_module_is_read_as_the_layers_that_it_is(name: str) -> None:
    make, shapes, kinds, params, macs = torch_nets.NETS[name]
    module = make()
    report = cnncalc.analyze(cnncalc.from_torch(module, shapes))
    assert [row.kind for row in report] == kinds
    assert report.totals.params == params == sum(p.numel() for p in module.parameters())
    assert report.totals.macs == macs
    assert report.totals.left_out == {}
    given = module.eval()(*(torch.zeros(1, *shape) for shape in shapes))
    outputs = [tuple(t.shape[1:]) for t in (given if isinstance(given, tuple) else (given,))]
    assert [list(report)[-1].output] == outputs[:1]


@pytest.mark.parametrize("name", torch_nets.NETS)
def test_every_claim_about_a_module_holds(name: str) -> None:
    make, shapes, *_ = torch_nets.NETS[name]
    assert cnncalc.verify(cnncalc.from_torch(make(), shapes)).holds


@pytest.mark.parametrize("name", COMPARED)
def test_from_a_spec_to_pytorch_and_back_nothing_changes(name: str) -> None:
    graph = cnncalc.load(name)
    with torch.device("meta"):
        module = module_of(cnncalc.to_torch(graph))
    back = cnncalc.analyze(cnncalc.from_torch(module, list(graph.inputs.values())))
    report = cnncalc.analyze(graph)

    def numbers(row: Any) -> Any:
        field = (row.receptive_field, row.jump, row.rf_start)
        return row.kind, row.output, row.params, row.buffers, row.connections, row.macs, row.flops, field

    assert [numbers(row) for row in back] == [numbers(row) for row in report]
    assert back.totals.to_dict() == report.totals.to_dict()


def test_names_of_modules_are_kept() -> None:
    graph = cnncalc.load("resnet18")
    with torch.device("meta"):
        module = module_of(cnncalc.to_torch(graph))
    names = [node.name for node in cnncalc.from_torch(module, (3, 224, 224)).nodes]
    assert "stage2/0/conv1" in names
    assert "conv1_batchnorm" in names
    assert "conv1/relu" in names


def test_sums_of_three_are_two_additions() -> None:
    graph = cnncalc.load("hrnet")
    with torch.device("meta"):
        module = module_of(cnncalc.to_torch(graph))
    totals, ours = (cnncalc.analyze(g).totals for g in (cnncalc.from_torch(module, (3, 224, 224)), graph))
    assert (totals.params, totals.macs, totals.flops) == (ours.params, ours.macs, ours.flops)


def test_shared_weights_are_counted_once() -> None:
    module = module_of(cnncalc.to_torch(SHARED))
    totals = cnncalc.analyze(cnncalc.from_torch(module, [(3, 9, 9), (3, 9, 9)])).totals
    assert totals.params == sum(p.numel() for p in module.parameters()) == cnncalc.analyze(SHARED).totals.params
    assert totals.macs == cnncalc.analyze(SHARED).totals.macs


def test_weights_that_are_shared_with_another_bias_are_counted_once() -> None:
    """a and b have one matrix of 64 and two biases of 8: 80, and 108 + 2 x 4 of the convolution."""

    class Tied(torch.nn.Module):
        def __init__(self, make: Any) -> None:
            super().__init__()
            self.a, self.b = make(), make()
            self.b.weight = self.a.weight

        def forward(self, x: Any) -> Any:
            return self.a(x) + self.b(x)

    for make, shape, params, macs in (
        (lambda: torch.nn.Linear(8, 8), (8,), 80, 128),
        (lambda: torch.nn.Linear(8, 8), (5, 8), 80, 640),
        (lambda: torch.nn.Conv2d(3, 4, 3), (3, 8, 8), 116, 7776),
    ):
        module = Tied(make)
        totals = cnncalc.analyze(cnncalc.from_torch(module, shape)).totals
        assert totals.params == sum(p.numel() for p in module.parameters()) == params
        assert totals.macs == macs


def test_the_module_stays_as_it_is() -> None:
    module = torch_nets.Excitation()
    module.gate.eval()
    before = {name: (p.device.type, p.data_ptr()) for name, p in module.named_parameters()}
    cnncalc.from_torch(module, (3, 9, 7))
    assert {name: (p.device.type, p.data_ptr()) for name, p in module.named_parameters()} == before
    assert module.training
    assert not module.gate.training
    assert not module._forward_hooks
    assert all(not part._forward_pre_hooks for part in module.modules())


def test_an_operator_that_is_not_known_is_named_with_its_module() -> None:
    class Inside(nn.Module):
        def forward(self, x: Any) -> Any:
            return torch.erfinv(x)

    module = nn.Sequential(nn.Conv2d(3, 4, 3), Inside(), nn.Conv2d(4, 5, 3))
    with pytest.raises(cnncalc.SpecError, match=r"module '1' \(erfinv\): the operator erfinv is not known here"):
        cnncalc.from_torch(module, (3, 9, 8))
    report = cnncalc.analyze(cnncalc.from_torch(module, (3, 9, 8), allow_unknown=True))
    assert [row.output for row in report] == [(4, 7, 6), (4, 7, 6), (5, 5, 4)]
    assert (list(report)[1].params, list(report)[1].macs) == (0, None)  # nothing is stored for it, and no more is known
    assert "params" not in report.totals.left_out
    assert report.totals.left_out["macs"] == 1


def test_a_module_may_say_which_layer_it_is() -> None:
    class Doubled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel = nn.Parameter(torch.ones(4, 3, 3, 3))

        def cnncalc_layer(self) -> Any:
            return "conv", {"filters": 4, "kernel": 3, "bias": self.bias}

        def forward(self, x: Any) -> Any:
            return nn.functional.conv2d(x, (self.kernel + self.kernel.flip(3)).abs())

    module = Doubled()
    module.bias = False
    (row,) = cnncalc.analyze(cnncalc.from_torch(module, (3, 9, 8)))
    assert (row.kind, row.output, row.params, row.macs) == ("conv", (4, 7, 6), 108, 108 * 42)
    module.bias = True
    with pytest.raises(cnncalc.SpecError, match="it holds 108 numbers, and a conv has 112"):
        cnncalc.from_torch(module, (3, 9, 8))


def test_what_fails_is_said_with_its_module() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(10, 2))
    with pytest.raises(cnncalc.SpecError, match="module '2': the forward pass fails: RuntimeError"):
        cnncalc.from_torch(module, (3, 9, 8))
    with pytest.raises(cnncalc.CnncalcError, match=r"an object of type int is no nn\.Module"):
        cnncalc.from_torch(3, (3, 9, 8))
    with pytest.raises(cnncalc.CnncalcError, match="an input shape is a tuple of numbers"):
        cnncalc.from_torch(module, 7)


NET = """
import torch
from torch import nn

class Net(nn.Sequential):
    def __init__(self, classes=10):
        rates = [x.item() for x in torch.linspace(0, 0.1, 2)]
        super().__init__(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.Dropout(rates[1]), nn.Flatten(), nn.Linear(4704, classes))

def failing():
    raise KeyError("no weights here")

three = 3
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "some_net.py").write_text(NET, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "some_net", raising=False)
    return tmp_path


@pytest.mark.parametrize("name", ["some_net:Net", "some_net.py:Net"])
def test_a_factory_is_named_by_its_module_or_its_file(folder: Path, name: str) -> None:
    graph = cnncalc.load(name, input="1x32x32")
    assert graph.name == "Net"
    assert cnncalc.analyze(graph).totals.params == 156 + 47050


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("some_net:failing", "KeyError: 'no weights here'"),
        ("some_net:nothing", "AttributeError: module 'some_net' has no attribute 'nothing'"),
        ("some_net:three", "TypeError: 'int' object is not callable"),
        ("no_such_net:Net", "ModuleNotFoundError: No module named 'no_such_net'"),
    ],
)
def test_a_factory_that_gives_no_module_is_said(folder: Path, name: str, told: str) -> None:
    with pytest.raises(cnncalc.SpecError, match=re.escape(told)):
        cnncalc.load(name, input="1x32x32")


def test_a_file_that_cannot_be_imported_is_said(folder: Path) -> None:
    (folder / "broken.py").write_text("def f(:", encoding="utf-8")
    with pytest.raises(cnncalc.SpecError, match=r"broken\.py cannot be imported: SyntaxError"):
        cnncalc.load("broken.py:f", input="1x32x32")


def test_the_shape_has_to_be_given(folder: Path) -> None:
    with pytest.raises(cnncalc.SpecError, match="--input 3x224x224"):
        cnncalc.load("some_net:Net")


def test_no_weights_are_kept_in_memory(folder: Path) -> None:
    from cnncalc.interop.torch.read.module import call_factory

    module = call_factory(torch, lambda: nn.Sequential(nn.Linear(10, 10), nn.BatchNorm1d(10)))
    assert all(p.is_meta for p in module.parameters())
    assert nn.Module.register_parameter.__module__ == "torch.nn.modules.module"


class Looking(nn.Module):
    """A module that computes with its weights while it is made."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.rate = float(self.conv.weight.abs().max())

    def forward(self, x: Any) -> Any:
        return self.conv(x) * self.rate


def test_a_module_that_looks_at_its_weights_while_it_is_made_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_nets, "Looking", Looking, raising=False)
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    report = cnncalc.analyze(cnncalc.load("torch_nets:Looking", input="3x9x8"))
    assert [row.kind for row in report] == ["conv", "rescale"]
    assert report.totals.params == 112


class Twice(nn.Module):
    """A weight that a function uses once more, with a bias of its own: no module says so before."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(8, 8)
        self.bias = nn.Parameter(torch.zeros(8))

    def forward(self, x: Any) -> Any:
        return F.linear(F.relu(self.one(x)), self.one.weight, self.bias)


class Turned(nn.Module):
    """An autoencoder that uses its weights turned round on the way back."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(12, 5)

    def forward(self, x: Any) -> Any:
        return F.linear(torch.sigmoid(self.one(x)), self.one.weight.t())


@pytest.mark.parametrize(("module", "shape"), [(Twice, (8,))])
def test_weights_that_are_used_in_another_form_are_refused_by_the_name_of_their_layer(module: Any, shape: Any) -> None:
    with pytest.raises(cnncalc.SpecError, match="this linear is not read here: its weights are those of one"):
        cnncalc.from_torch(module(), shape)


def test_a_matrix_that_is_used_once_more_the_other_way_round_is_counted_once() -> None:
    totals = cnncalc.analyze(cnncalc.from_torch(Turned(), (12,))).totals
    assert (totals.params, totals.macs) == (65, 120)


class Attended(nn.Module):
    """Attention in a network of convolutions, with the batch behind another axis on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, 4)
        self.qkv = nn.Linear(8, 24)
        self.proj = nn.Linear(8, 8)

    def forward(self, x: Any) -> Any:
        x = self.stem(x).flatten(2).transpose(1, 2)
        q, k, v = self.qkv(x).reshape(x.shape[0], 64, 3, 2, 4).permute(2, 0, 3, 1, 4)
        x = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape[0], 64, 8)
        return self.proj(x)


class BatchMoved(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x: Any) -> Any:
        return self.fc(torch.cumprod(x, 1).transpose(0, 1))


def test_one_input_may_be_called_by_its_name_or_as_ours_are() -> None:
    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.c = nn.Conv2d(3, 4, 3)

        def forward(self, x: Any) -> Any:
            return self.c(x)

    class Mapped(Plain):
        def forward(self, x: Any) -> Any:
            return self.c(x["input"])

    for module, name in ((Plain(), "x"), (Plain(), "input"), (Mapped(), "input")):
        assert cnncalc.analyze(cnncalc.from_torch(module, {name: (3, 9, 8)})).totals.params == 112
    with pytest.raises(cnncalc.SpecError, match=r"module 'c': the forward pass fails: RuntimeError"):
        cnncalc.from_torch(Plain(), {"input": (5, 9, 8)})


class AskingOnes(nn.Module):
    """Asks of a mask that it makes itself whether it is all ones, after some of it was written over or not."""

    def __init__(self, change: Any) -> None:
        super().__init__()
        self.change = change
        self.one, self.other = nn.Linear(6, 6), nn.Linear(6, 6, bias=False)

    def forward(self, x: Any) -> Any:
        mask = torch.ones(len(x), 4, device=x.device)
        self.change(mask)
        return self.one(x) if torch.all(mask == 1) else self.other(x)


def test_what_a_pass_asks_of_numbers_that_it_makes_itself_is_answered() -> None:
    assert cnncalc.analyze(cnncalc.from_torch(AskingOnes(lambda mask: None), (4, 6))).totals.params == 42


@pytest.mark.parametrize(
    "change",
    [
        lambda mask: mask.__setitem__((slice(None), slice(2, None)), 0),
        lambda mask: mask[:, 2:].fill_(0),
        lambda mask: mask.sub_(1),
        lambda mask: mask.view(-1).__setitem__(3, 0),
    ],
)
def test_what_was_written_over_meanwhile_is_not_answered(change: Any) -> None:
    with pytest.raises(cnncalc.SpecError, match="the values decide what bool gives"):
        cnncalc.from_torch(AskingOnes(change), (4, 6))


class OwnPosition(nn.Module):
    """Biases that stand there as zeros, and positions that are used with and without an axis of samples."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(6, 6, bias=False), nn.Linear(6, 6, bias=False)
        self.bias, self.place = nn.Parameter(torch.randn(6)), nn.Parameter(torch.randn(4, 6))

    def forward(self, x: Any) -> Any:
        y = F.linear(x, self.one.weight, torch.zeros_like(self.bias)) + F.linear(x, self.other.weight, self.bias)
        return (y + self.place).mean(1) * self.place.unsqueeze(0).sum(1)


def test_zeros_like_a_weight_are_none_and_one_weight_in_two_shapes_is_counted_once() -> None:
    totals = cnncalc.analyze(cnncalc.from_torch(OwnPosition(), (4, 6))).totals
    assert (totals.params, totals.macs) == (36 + 36 + 6 + 24, 2 * 4 * 36)


class SamplesMixed(nn.Module):
    def forward(self, x: Any) -> Any:
        return x.mean((2, 3)) @ x.mean((2, 3)).T


def test_a_product_that_mixes_samples_is_refused_for_that_reason() -> None:
    with pytest.raises(cnncalc.SpecError, match="the samples are rows or columns of its matrices"):
        cnncalc.from_torch(SamplesMixed(), (3, 8, 8))


class BatchSummed(nn.Module):
    def forward(self, x: Any) -> Any:
        return F.adaptive_avg_pool2d(torch.cumsum(x, 0), 1)


class BatchRolled(nn.Module):
    def forward(self, x: Any) -> Any:
        return F.adaptive_avg_pool2d(torch.roll(x, 1, 0), 1)


def test_attention_with_the_samples_behind_another_axis_is_read() -> None:
    totals = cnncalc.analyze(cnncalc.from_torch(Attended(), (3, 32, 32))).totals
    assert totals.params == sum(p.numel() for p in Attended().parameters())
    assert totals.macs == 64 * (8 * 48 + 8 * 24 + 8 * 8) + 2 * 64 * 64 * 8


BEHIND_UNKNOWN = [
    (BatchMoved, (5, 8), "cumprod"),
    (BatchSummed, (3, 8, 8), "cumsum"),
    (BatchRolled, (3, 8, 8), "roll"),
]


@pytest.mark.parametrize(("module", "shape", "named"), BEHIND_UNKNOWN)
def test_what_stands_behind_something_unknown_is_unknown_and_no_mistake_of_the_user(
    module: Any, shape: Any, named: str
) -> None:
    with pytest.raises(cnncalc.SpecError, match=f"the operator {named} is not known here") as caught:
        cnncalc.from_torch(module(), shape)
    assert "Error" not in str(caught.value)
    graph = cnncalc.from_torch(module(), shape, allow_unknown=True)
    assert cnncalc.analyze(graph).totals.left_out["macs"] >= 1


def lazy() -> Any:
    return nn.Sequential(nn.LazyConv2d(8, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(10))


class Named(nn.Module):
    """One mapping enters, as data sets give it."""

    def __init__(self) -> None:
        super().__init__()
        self.c = nn.Conv2d(3, 4, 3)

    def forward(self, batch: Any) -> Any:
        return self.c(batch["image"])


class Beside(nn.Module):
    """Numbers kept beside the buffers, where the input is not."""

    def __init__(self) -> None:
        super().__init__()
        self.c = nn.Conv2d(3, 4, 3)
        self.grid = torch.linspace(-1, 1, 9)

    def forward(self, x: Any) -> Any:
        where = self.grid * x.new_ones(9)
        return self.c(x) if where.shape == (9,) else x


FORMS = {
    "lazy": (lazy, (3, 9, 9), 224 + 3930),
    "half": (lambda: nn.Conv2d(3, 4, 3).half(), (3, 9, 9), 112),
    "double": (lambda: nn.Conv2d(3, 4, 3).double(), (3, 9, 9), 112),
    "parallel": (lambda: nn.DataParallel(nn.Conv2d(3, 4, 3)), (3, 9, 9), 112),
    "mapping": (Named, {"image": (3, 9, 9)}, 112),
    "beside": (Beside, (3, 9, 9), 112),
}


@pytest.mark.parametrize("form", FORMS)
def test_modules_are_read_in_the_forms_in_which_people_have_them(form: str) -> None:
    make, shape, params = FORMS[form]
    report = cnncalc.analyze(cnncalc.from_torch(make(), shape))
    assert report.totals.params == params
    assert report.totals.left_out == {}


class Deciding(nn.Module):
    """What comes behind the first convolution depends on values."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.behind = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3)

    def forward(self, x: Any) -> Any:
        x = self.before(x)
        return self.behind(x) if x.mean() > 0 else x


def test_where_values_decide_is_said_and_counted_up_to_there_if_that_is_allowed() -> None:
    with pytest.raises(cnncalc.SpecError, match="--allow-unknown counts up to there") as caught:
        cnncalc.from_torch(Deciding(), (3, 9, 8))
    assert "the values decide what bool gives; behind it: behind with 185 parameters" in str(caught.value)
    report = cnncalc.analyze(cnncalc.from_torch(Deciding(), (3, 9, 8), allow_unknown=True))
    first, *_others, last = report
    assert (first.kind, first.params, first.macs) == ("conv", 112, 108 * 42)
    assert (last.name, last.kind, last.params, last.macs) == ("behind", "Conv2d", 185, None)
    assert report.totals.params == 112 + 185
    assert report.totals.left_out["macs"] >= 1
    assert report.remarks == ("the forward pass goes no further: the values decide what bool gives",)


def test_a_lazy_norm_and_a_list_of_inputs_are_read() -> None:
    lazy = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(5))
    assert cnncalc.analyze(cnncalc.from_torch(lazy, (3, 9, 8))).totals.params == 112 + 8 + 845
    assert torch.nn.parameter.is_lazy(lazy[1].weight)

    class Listed(nn.Module):
        def forward(self, maps: Any) -> Any:
            return sum(one.relu() for one in maps)

    report = cnncalc.analyze(cnncalc.from_torch(Listed(), [(3, 9, 8), (3, 9, 8)]))
    assert [row.kind for row in report][-1] == "add"


def test_a_lazy_module_stays_lazy() -> None:
    module = lazy()
    cnncalc.from_torch(module, (3, 9, 9))
    assert isinstance(module[0].weight, nn.UninitializedParameter)


def test_a_compiled_module_is_said_to_be_one() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        module = torch.jit.script(nn.Sequential(nn.Conv2d(3, 4, 3)))
    with pytest.raises(cnncalc.SpecError, match=r"is compiled by torch\.jit"):
        cnncalc.from_torch(module, (3, 9, 9))


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("3x8x8; conv 4 k3; scale; relu; shift", ["conv", "scale", "relu", "shift"]),
        ("3x8x8; conv 4 k3; shift per=element; scale per=layer; shift per=hw", ["conv", "shift", "scale", "shift"]),
        ("3x8x8; conv 4 k3; scale shift; rescale 0.5 offset=2", ["conv", "scale", "rescale", "rescale"]),
        ("5; shift; dense 4; scale", ["shift", "dense", "scale"]),
    ],
)
def test_numbers_that_are_multiplied_and_added_are_read_as_they_were_written(text: str, kinds: list[str]) -> None:
    graph = cnncalc.load(text)
    back = cnncalc.from_torch(module_of(cnncalc.to_torch(graph)), list(graph.inputs.values()))
    assert [node.layer.kind for node in back.nodes] == kinds
    ours, theirs = cnncalc.analyze(graph).totals, cnncalc.analyze(back).totals
    assert (ours.params, ours.flops) == (theirs.params, theirs.flops)


class Frozen(nn.Module):
    """A layer that is not trained, one that is trained in part, and one that is never called."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(3, 4, 3)
        self.b = nn.Conv2d(4, 5, 3)
        self.aux = nn.Sequential(nn.Conv2d(3, 40, 3), nn.ReLU())
        for parameter in (*self.a.parameters(), self.b.bias):
            parameter.requires_grad_(False)

    def forward(self, x: Any) -> Any:
        return self.b(self.a(x))


def test_what_is_not_trained_is_said_and_what_is_never_read() -> None:
    graph = cnncalc.from_torch(Frozen(), (3, 9, 9))
    report = cnncalc.analyze(graph)
    assert [(row.params, row.trainable_params) for row in report] == [(112, 0), (185, 180)]
    assert (report.totals.params, report.totals.trainable_params) == (297, 180)
    assert report.to_dict()["remarks"] == ["1,120 parameters that the forward pass does not read are left out: aux"]
    from cnncalc.interop.spec.writing import to_spec

    text = to_spec(graph)
    assert "conv 4 k3 frozen" in text
    assert cnncalc.analyze(text).totals.trainable_params == 180


class Sub(nn.Conv2d):
    """A class of one's own: tools that go by the class do not know it."""


class Ways(nn.Module):
    """The same kinds as modules, functions, operators."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(3, 3, 3, padding=1)
        self.sub = Sub(3, 3, 3, padding=1)
        self.act = nn.ReLU()

    def forward(self, x: Any) -> Any:
        x = self.act(self.a(x))
        x = torch.add(F.relu(self.sub(x)), x)
        x = x + torch.sigmoid(x)
        return x.mean((2, 3))


def test_how_a_layer_was_built_is_read() -> None:
    graph = cnncalc.from_torch(Ways(), (3, 9, 9))
    assert [(node.layer.kind, node.layer.built) for node in graph.nodes] == [
        ("conv", ""), ("relu", ""), ("conv", "function"), ("relu", "function"), ("add", "function"),
        ("sigmoid", "function"), ("add", ""), ("global_avgpool", "operator"), ("flatten", ""),
    ]  # fmt: skip
