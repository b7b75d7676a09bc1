"""What `evaluate` shows: the answer first, then the scores and what was asked for, then where the rest is."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from console_results import WIDTHS
from rich.cells import cell_len

from dogcam.console.evaluation import show_evaluation
from dogcam.console.tables import clean
from dogcam.core.config import EvaluateConfig
from dogcam.data import Problem
from dogcam.report import answer
from dogcam.report.claims_words import claim_words

WIDE = EvaluateConfig(wide=True)
PAIRS = EvaluateConfig(pairs=True)


def rows(made, **changes):
    """A method's scores beside a box that never looks."""
    return [made.row(**changes), made.baseline("whole-image")]


def paragraphs(lines):
    """The lines between blank ones, each paragraph in one piece."""
    return [each.replace("\n", " ") for each in "\n".join(lines).split("\n\n")]


class TestAnswer:
    @pytest.mark.parametrize("width", [*WIDTHS, None])
    @pytest.mark.parametrize("config", [EvaluateConfig(), WIDE])
    def test_it_comes_first(self, shown, made, width, config):
        result = made.evaluation(rows(made), config=config)
        text = answer.best(result.main, "")
        assert paragraphs(shown(result, width))[0].startswith(f"{text} ")
        assert text.startswith("Grad-CAM at conv5_block3_out has the highest mean IoU, 0.816 [0.801, 0.830]: below whole-image")

    def test_of_the_first_protocol_at_the_last_epoch(self, shown, made):
        found = [*rows(made), made.row(epoch=12), made.row(epoch=12, protocol="cam2016")]
        result = made.evaluation(found)
        assert result.main == result.comparison("default", 12)
        first = paragraphs(shown(result))[0]
        assert first == f"{answer.best(result.main, '')} {answer.where(result.analysis, result.main)}"

    def test_without_boxes_there_is_nothing_to_compare(self, shown, made):
        lines = shown(made.evaluation([], unannotated=5, faithfulness=made.faithfulness(made.faithful())))
        assert lines[0] == "No picture has a usable box: nothing says which method localises best."
        assert not any(line.startswith(("Protocol", "More:")) for line in lines)
        assert any(line.startswith("Faithfulness") for line in lines)

    def test_what_it_rests_on_besides_what_was_asked_for(self, shown, made):
        every = [*rows(made), made.row("not-asked"), made.row("layercam")]
        for found, told in ((every, True), ([*rows(made), made.row("layercam")], False)):
            assert ("so also on not-asked" in paragraphs(shown(made.evaluation(found)))[0]) == told

    def test_where_not_all_was_scored_in_every_run(self, shown, made):
        found = [made.row(runs=(1,)), made.row(runs=(1, 2)), made.baseline("whole-image")]
        over, alone = made.family(found, runs=(1, 2)), made.family(found, runs=(1,))
        assert "alone" not in paragraphs(shown(made.evaluation(found, comparisons=(over, alone))))[0]
        assert "It rests on run 1 alone" in paragraphs(shown(made.evaluation(found, comparisons=(alone,))))[0]


class TestVerdicts:
    def claims(self, made, *protocols):
        return tuple(made.claim("above", protocol, verdict) for protocol, verdict in protocols)

    def test_a_line_each_after_the_table(self, shown, made):
        claims = (
            made.claim("above", "default", "contradicted"),
            made.claim("falls", "default", "undecided"),
            made.claim("parts", "default", "identical"),
        )
        lines = shown(made.evaluation(rows(made), claims=claims), 120)
        place = lines.index(f"contradicted: {claim_words(claims[0])}")
        assert lines[place + 1 : place + 3] == [
            f"undecided: {claim_words(claims[1])}",
            f"identical: {claim_words(claims[2])} (both draw the same boxes)",
        ]
        assert lines[place - 1] == "" == lines[place + 3]
        assert place > next(i for i, line in enumerate(lines) if line.startswith("Protocol"))

    def test_wide_with_their_numbers(self, shown, made):
        claims = self.claims(made, ("default", "supported"))
        for config, numbers in ((EvaluateConfig(), False), (WIDE, True)):
            lines = shown(made.evaluation(rows(made), claims=claims, config=config), None)
            line = next(line for line in lines if line.startswith("supported: "))
            assert ("+0.100 [+0.050, +0.150]" in line) == numbers

    def test_of_several_protocols_those_of_the_first_and_that_is_said(self, shown, made):
        found = [*rows(made), made.row(protocol="cam2016")]
        claims = self.claims(made, ("default", "supported"), ("cam2016", "undecided"), ("never-asked", "undecided"))
        lines = shown(made.evaluation(found, claims=claims), 120)
        place = lines.index(f"supported: {claim_words(claims[0])}")
        assert lines[place + 1] == "These are the verdicts under default; those under cam2016 are in the report."
        assert not any(line.startswith("undecided") for line in lines)

    def test_none_nothing(self, shown, made):
        assert "" not in shown(made.evaluation(rows(made)))[-3:]


class TestWide:
    def test_the_rest_of_the_answer_and_training_dynamics(self, shown, made):
        found = [*rows(made), made.row("layercam")]
        for config in (EvaluateConfig(), WIDE):
            result = made.evaluation(found, config=config, dynamics=(made.dynamics(),))
            text = " ".join(shown(result, None))
            told = answer.sentences(result.analysis, result.main)
            assert len(told) > 2
            always = {told[0], answer.where(result.analysis, result.main)}
            assert [each in text for each in told] == [each in always or config.wide for each in told]
            assert ("Training dynamics" in text) == config.wide


class TestRest:
    @pytest.mark.parametrize(
        ("count", "words"), [(1, "1 picture has no usable box"), (1200, "1,200 pictures have no usable box")]
    )
    def test_pictures_without_boxes_are_counted(self, shown, made, count, words):
        assert f"{words}: scored for faithfulness only." in shown(made.evaluation(rows(made), unannotated=count))

    def test_where_there_are_none_nothing_is_said(self, shown, made):
        assert not any("usable" in line for line in shown(made.evaluation(rows(made))))

    def test_where_it_is_and_what_to_type_next(self, shown, made):
        lines = shown(made.evaluation(rows(made)))
        assert lines[-2:] == [
            "Rows and summary in runs/tiny/evaluation after 1 min 15 s.",
            "Next: dogcam report tiny --home runs",
        ]
        assert "Run 2: as asked." in lines

    @pytest.mark.parametrize(
        ("wide", "pairs", "line"),
        [
            (False, False, "More: the same command with --resume and --wide (every metric) or --pairs (every comparison)."),
            (True, False, "More: the same command with --resume and --pairs (every comparison)."),
            (False, True, "More: the same command with --resume and --wide (every metric)."),
            (True, True, None),
        ],
    )
    def test_which_options_show_more(self, shown, made, wide, pairs, line):
        lines = shown(made.evaluation(rows(made), config=EvaluateConfig(wide=wide, pairs=pairs)), 120)
        assert [each for each in lines if each.startswith("More:")] == ([line] if line else [])

    def test_what_was_skipped_goes_to_standard_error(self, made, capsys):
        result = made.evaluation(rows(made))
        show_evaluation(replace(result, counted=replace(result.counted, problems=(Problem("dog 1", "truncated"),))))
        out, err = capsys.readouterr()
        assert "  dog 1: truncated" in err
        assert "truncated" not in out


class TestComparisons:
    """The ranking and the pairs, as `--pairs` shows them."""

    def result(self, made, config=PAIRS, method="cam", **changes):
        found = [made.row(method), made.row("gradcam"), made.row("fem", sure=False), made.baseline("whole-image")]
        family = made.family(found, alike=(method, "gradcam"), verdicts={method: "above"})
        return made.evaluation(found, config=config, comparisons=(replace(family, **changes),))

    @pytest.mark.parametrize("width", [80, 120])
    def test_with_pairs(self, shown, made, table, width):
        lines = shown(self.result(made), width)
        ranks = [line.split() for line in table(lines, "Ranking")]
        start = next(place for place, words in enumerate(ranks) if words[:3] == ["rank", "letters", "method"])
        assert ranks[start + 1] == "1 a cam, gradcam 0.816 [0.801, 0.830]".split()
        assert ranks[start + 2] == "2 a fem 0.816 too few".split()
        text = " ".join(lines)
        for words in ("+0.100 [+0.050, +0.150]", "< 0.001", "+0.80", "30/2/8"):
            assert words in text, words
        assert "95 % BCa bootstrap, 8,580 images" in text
        assert "protocol default, run 2, epoch 7" in text
        assert "Wilcoxon signed-rank; Holm over all 3 pairs" in text

    @pytest.mark.parametrize("width", WIDTHS)
    def test_every_line_and_pair_is_one_line(self, shown, made, hostile, width):
        lines = shown(self.result(made, method=hostile), width)
        assert max(map(cell_len, lines)) <= width
        assert [sum(each in line for line in lines) for each in ("too few", "30/2/8")] == [1, 3]
        assert sum("[0.801, 0.830]" in line for line in lines[lines.index("") :]) == 2

    def test_of_each_protocol_at_the_last_epoch(self, shown, made):
        found = [*rows(made, epoch=3), made.row(), made.row(protocol="cam2016")]
        lines = shown(made.evaluation(found, config=PAIRS), 120)
        assert [line.split(" (")[0] for line in lines if line.startswith("Ranking")] == [
            "Ranking, protocol default, run 2, epoch 7",
            "Ranking, protocol cam2016, run 2, epoch 7",
        ]

    def test_without_pairs_none(self, shown, made):
        text = " ".join(shown(self.result(made, EvaluateConfig()), 120))
        assert "30/2/8" not in text
        assert "Ranking" not in text


class TestDecompositions:
    def result(self, made, **changes):
        return made.evaluation(rows(made), asked={"decompositions": (made.decomposition(**changes),)})

    @pytest.mark.parametrize("width", WIDTHS)
    def test_choices_and_what_each_changes(self, shown, made, table, width):
        lines = shown(self.result(made), width)
        mine = table(lines, "From A, CAM by cam2016")
        assert mine[-2].split()[-5:-3] == ["+0.050", "+0.050"]
        assert mine[-1].split()[-5:-3] == ["−0.020", "−0.020"]
        assert mine[-1].startswith("thr")
        assert all("[" in line and line.endswith("]") for line in mine[-2:]), "the interval stays"
        text = " ".join(lines)
        assert "(0.500), to B, Grad-CAM by gradcam2017 (0.530), at conv5_block1_out, run 2, epoch 4: +0.030" in text
        assert "on average over 6 orders of switching" in text
        assert width < 100 or "0.2 →" in mine[-1]

    def test_hostile_words(self, shown, made, hostile):
        found = made.decomposition()
        changed = replace(found.first, protocol=hostile)
        lines = shown(self.result(made, first=changed, layer=hostile))
        assert max(map(cell_len, lines)) <= 80
        assert made.squeezed(clean(hostile)) in made.squeezed("".join(lines))


@pytest.mark.parametrize("module", ["evaluation", "ending", "inspection"])
def test_showing_needs_neither_figures_nor_networks(module):
    program = (
        f"import sys\nimport dogcam.console.{module}\n"
        "print(sorted({'matplotlib', 'keras', 'tensorflow', 'jinja2'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
