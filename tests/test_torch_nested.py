"""Networks whose parts stand inside parts, written as code; and that nothing is given out that is another network."""

from __future__ import annotations

from typing import Any

import pytest

import cnncalc

torch = pytest.importorskip("torch", reason="PyTorch is not installed: no module is read")
from test_torch_text import module_of  # noqa: E402

pytestmark = pytest.mark.framework
nn = torch.nn

NESTED = """
input: 8x16x16
layers:
  - a:
      - residual:
          - block:
              - 0: [0: conv 8 k3 p1 bn relu]
              - 1: [0: conv 8 k1 bn]
  - flatten
  - dense 10
"""


class Stage(nn.Module):
    """A part with a part of it inside, of which the next one has none."""

    def __init__(self, entering: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(entering, channels, 3, padding=1)
        self.downsample = nn.Sequential(nn.Conv2d(entering, channels, 1)) if entering != channels else None

    def forward(self, x: Any) -> Any:
        y = self.conv1(x)
        return nn.functional.relu(y + (x if self.downsample is None else self.downsample(x)))


class Staged(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Sequential(Stage(3, 4), Stage(4, 4))
        self.layer2 = nn.Sequential(Stage(4, 6), Stage(6, 6))

    def forward(self, x: Any) -> Any:
        return self.layer2(self.layer1(x))


@pytest.mark.parametrize("form", ["to_torch", "to_keras"])
def test_no_layer_is_lost_in_parts_inside_parts(form: str) -> None:
    for graph in (cnncalc.load(NESTED), cnncalc.from_torch(Staged(), (3, 8, 8))):
        text = getattr(cnncalc, form)(graph)
        assert "nn.Sequential()" not in text
        if form == "to_torch":
            module = module_of(text)
            assert sum(p.numel() for p in module.parameters()) == cnncalc.analyze(graph).totals.params


def test_stages_of_a_module_are_one_class_with_what_some_leave_out() -> None:
    text = cnncalc.to_torch(cnncalc.from_torch(Staged(), (3, 8, 8)))
    assert "self.layer2 = nn.Sequential(" in text
    assert text.count("class ") == 3  # the stage, what one in two has inside, the network


def test_what_is_read_back_as_another_network_is_not_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from cnncalc.interop.torch.write import text as writer

    graph = cnncalc.load("3x8x8; conv 4 k3; conv 5 k3")
    lost = (
        cnncalc.to_torch(graph).replace("        x = self.conv1(x)\n", "").replace("nn.Conv2d(4, 5", "nn.Conv2d(3, 5")
    )
    monkeypatch.setattr(writer, "to_torch", lambda graph: lost)
    with pytest.raises(cnncalc.CnncalcError, match="what was written is not this network: conv1 stores"):
        writer.convert(graph, None)
    monkeypatch.setattr(writer, "to_torch", lambda graph: lost.replace("self.conv2(x)", "self.nothing(x)"))
    with pytest.raises(cnncalc.CnncalcError, match="what was written does not run"):
        writer.convert(graph, None)
