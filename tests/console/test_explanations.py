"""The boxes of explained pictures."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dogcam.console.explanations import show_explanations


class TestExplanations:
    def shown(self, capsys, made, *heats, **more):
        show_explanations(made.explanations(heats, **more))
        return [line.rstrip() for line in capsys.readouterr().out.splitlines()]

    def test_a_table_for_each_class_and_for_the_baselines(self, capsys, made):
        box = np.array([0.1, 0.1, 0.9, 0.9])
        lines = self.shown(
            capsys,
            made,
            made.heat(epoch=3),
            made.heat(epoch=3, target="basset"),
            made.heat(epoch=3, target="basset", against="dingo"),
            made.heat(epoch=7),
            made.heat("centre-box-0.8", "", box, None),
        )
        titles = [place for place, line in enumerate(lines) if line.startswith(("heat for", "baselines"))]
        assert [lines[place] for place in titles] == [
            "heat for beagle",
            "heat for basset",
            "heat for basset against dingo",
            "baselines, the same box in every picture",
        ]
        assert [line.split()[:3] for line in lines[titles[0] + 2 : titles[1]]] == [
            ["gradcam", "conv5", "3"],
            ["gradcam", "conv5", "7"],
        ]
        assert lines[titles[3] + 1].split() == "method box x0 y0 x1 y1".split(), "no layer, no epoch, nothing to compare"
        assert lines[titles[3] + 2].split() == "centre-box-0.8 20 10 180 90".split()

    def test_empty_and_flagged_maps_are_marked_and_counted_but_for_baselines(self, capsys, made):
        lines = self.shown(
            capsys,
            made,
            made.heat(empty=True),
            made.heat("cam"),
            made.heat("ablationcam", flagged=True),
            made.heat("cam", empty=True, flagged=True),
            made.heat("whole-image", "", target=None),
        )
        assert [line.split("none")[1].strip() for line in lines if "none" in line] == [
            "empty",
            "",
            "flagged",
            "empty, flagged",
            "",
        ]
        assert "2 of 4 maps empty: no value above zero." in lines
        assert [line for line in lines if line.startswith("2 of 4 maps flagged: the formula does not hold there")]

    def test_where_all_is_well_nothing_is_said_of_it(self, capsys, made):
        lines = self.shown(capsys, made, made.heat(), files=["a.png"])
        assert not any(word in line for line in lines for word in ("empty", "flagged", "remark"))
        assert lines[-1] == "1 file in out (model m, protocol default)"

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"folders": ("out/boxes/coco/cam",), "boxes": 1}, "1 box given back in out/boxes/coco/cam"),
            (
                {"folders": ("out/boxes/coco/cam", "out/boxes/voc/cam"), "boxes": 4, "without": 2},
                "4 boxes given back in 2 folders of out/boxes, none in 2 pictures",
            ),
        ],
    )
    def test_boxes_given_back_are_counted(self, capsys, made, given, said):
        assert self.shown(capsys, made, made.heat(), **given)[-1] == said

    @pytest.mark.parametrize("width", [80, 120])
    def test_fused_layers_fit_by_being_folded(self, terminal, width, made):
        out, _ = terminal(width)
        layer = "product(conv3_block4_out+conv4_block6_out+conv5_block3_out)"
        box = np.array([0.1, 0.1, 0.9, 0.9])
        show_explanations(made.explanations([made.heat(layer=layer, box=box, epoch=7, iou=0.5, flagged=True)]))
        lines = [" ".join(line.split()) for line in made.text_of(out).splitlines()]
        assert max(map(len, made.text_of(out).splitlines())) <= width
        first = next(line for line in lines if line.startswith("gradcam"))
        assert first.endswith(" 7 20 10 180 90 0.500 flagged"), "the numbers stay whole"
        rest = lines[lines.index(first) + 1] if width == 80 else ""
        assert first.split()[1] + rest == layer

    def test_in_an_explanation(self, terminal, hostile, made):
        out, _ = terminal(80)
        heats = [
            made.heat(
                method="cam", layer=hostile, epoch=3, box=np.array([0.25, 0.5, 0.75, 1]), iou=0.5, target=hostile, against=hostile
            ),
            made.heat(layer="conv"),
        ]
        explanation = SimpleNamespace(
            record=SimpleNamespace(id=hostile),
            shape=(300, 400),
            top={3: [(hostile, 0.9)], None: [("b", 0.1)]},
            heats=heats,
            targets={3: hostile},
            files=["a.png", "b.png"],
        )
        result = SimpleNamespace(
            explanations=[explanation], out=hostile, model=hostile, protocol=SimpleNamespace(name="default"), problems=(),
            boxes=SimpleNamespace(folders=(f"{hostile}/boxes",), boxes=1, without=0),
        )  # fmt: skip
        show_explanations(result)
        shown = made.text_of(out)
        assert made.harmless(shown)
        assert "(400 x 300)" in shown
        assert "100 150 300 300" in shown, "x by the width 400, y by the height 300"
        assert "none" in shown
        assert "2 files in" in shown
