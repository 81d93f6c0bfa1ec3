"""Networks that choose among what they find: read up to where values decide, and never as if nothing were behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import cnncalc
from cnncalc import cli

torch = pytest.importorskip("torch", reason="PyTorch is not installed: no module is read")

pytestmark = pytest.mark.framework
nn = torch.nn


class OneStage(nn.Module):
    """Images one by one, padded into one tensor; scores and boxes everywhere, of which those above a bound are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.scores, self.boxes = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 2, 1), nn.Conv2d(8, 4, 1)

    def forward(self, images: Any) -> Any:
        whitened = [(image - torch.as_tensor([0.5, 0.4, 0.3], device=image.device)[:, None, None]) for image in images]
        batch = whitened[0].new_full((len(whitened), 3, 10, 12), 0)
        for i, image in enumerate(whitened):
            batch[i, :, : image.shape[1], : image.shape[2]].copy_(image)
        y = self.body(batch).relu()
        scores, boxes = (head(y).flatten(2).transpose(1, 2) for head in (self.scores, self.boxes))
        return [self.keep(*each) for each in zip(scores, boxes, strict=True)]

    def keep(self, scores: Any, boxes: Any) -> Any:
        best = scores.softmax(-1)[:, 1]
        return boxes[best > 0.5]


class TwoStages(OneStage):
    """The best places of all are looked at once more, by a layer of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.second = nn.Linear(4, 7)

    def keep(self, scores: Any, boxes: Any) -> Any:
        best = scores[:, 1].topk(5).indices
        return self.second(boxes[best][scores[best, 0] > 0.5])


FOUND = 120 * (27 * 8 + 8 * 6)  # MACs on 10 x 12 places
HELD = 224 + 18 + 36


def test_what_only_chooses_among_results_is_left_out_and_said() -> None:
    report = cnncalc.analyze(cnncalc.from_torch(OneStage(), (3, 9, 11)))
    assert (report.totals.params, report.totals.macs, report.totals.left_out) == (HELD, FOUND, {})
    assert report.remarks == (
        "what comes behind is left out, and has no parameters: the values decide what getitem gives",
    )
    outputs = [report.graph.facts[value - 1].output for value in report.graph.outputs]
    assert outputs == [(2, 10, 12), (4, 10, 12)] or outputs == [(120, 2), (120, 4)]


def test_parameters_behind_what_values_decide_are_named_and_not_lost() -> None:
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.from_torch(TwoStages(), (3, 9, 11))
    assert "the values decide what topk gives; behind it: second with 35 parameters" in str(caught.value)
    assert "--allow-unknown" in str(caught.value)
    report = cnncalc.analyze(cnncalc.from_torch(TwoStages(), (3, 9, 11), allow_unknown=True))
    assert (report.totals.params, report.totals.macs) == (HELD + 35, FOUND)
    assert report.totals.left_out["macs"] == 1
    last = list(report)[-1]
    assert (last.name, last.kind, last.params, last.macs) == ("second", "Linear", 35, None)


def test_the_command_does_the_same(tmp_path: Path) -> None:
    net = tmp_path / "net.py"
    net.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_torch_detectors import OneStage, TwoStages\n"
    )
    run = lambda *words: CliRunner().invoke(cli.group(), [*words, "--input", "3x9x11", "--format", "json"])  # noqa: E731
    whole, refused = run(f"{net}:OneStage"), run(f"{net}:TwoStages")
    assert (whole.exit_code, refused.exit_code) == (0, 2)
    assert json.loads(whole.stdout)["totals"]["macs"] == FOUND
    open_ended = run(f"{net}:TwoStages", "--allow-unknown")
    assert open_ended.exit_code == 0
    totals = json.loads(open_ended.stdout)["totals"]
    assert (totals["params"], totals["macs"]) == (HELD + 35, FOUND)


class Apart(nn.Module):
    """The second sample is treated as the first is not."""

    def forward(self, x: Any) -> Any:
        one, *others = x
        return torch.stack([one.relu(), *(other.tanh() for other in others)])


class Swapped(nn.Module):
    """Samples that change places."""

    def forward(self, x: Any) -> Any:
        return torch.stack([*x][::-1])


class Together(nn.Module):
    """Each sample less the one before."""

    def forward(self, x: Any) -> Any:
        return x - torch.stack([x[-1] - x[0], *(x[i] - x[i - 1] for i in range(1, len(x)))])


@pytest.mark.parametrize("module", [Apart, Swapped, Together])
def test_samples_that_are_not_treated_alike_are_refused(module: Any) -> None:
    with pytest.raises(cnncalc.SpecError, match=r"is not done with the first sample|not the same of all|meet others"):
        cnncalc.from_torch(module(), (4, 6, 5))


# Parameters of torchvision 0.28, and half of the FLOPs that FlopCounterMode counts up to where values decide.
DETECTORS = {
    "ssdlite320_mobilenet_v3_large": (320, 3_440_060, 583_171_904, None),
    "retinanet_resnet50_fpn": (800, 34_068_119, 151_540_437_248, None),
    "fasterrcnn_mobilenet_v3_large_320_fpn": (320, 19_410_754, 718_998_400, 14_362_055),
}


@pytest.mark.parametrize("name", DETECTORS)
def test_detectors_of_torchvision_have_all_their_parameters(name: str) -> None:
    import torchvision_operators

    try:
        models = torchvision_operators.import_models()
    except ImportError:
        pytest.skip("torchvision is not installed")
    size, params, macs, behind = DETECTORS[name]
    module = models.get_model(name, weights=None, weights_backbone=None)
    if behind is not None:
        with pytest.raises(cnncalc.SpecError, match=f"topk gives; behind it: roi_heads with {behind:,} parameters"):
            cnncalc.from_torch(module, (3, size, size))
    report = cnncalc.analyze(cnncalc.from_torch(module, (3, size, size), allow_unknown=behind is not None))
    assert (report.totals.params, report.totals.macs) == (params, macs)
    assert params == sum(p.numel() for p in module.parameters())
    assert ("macs" in report.totals.left_out) == (behind is not None)
