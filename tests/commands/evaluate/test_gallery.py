"""The pictures that `dogcam evaluate` keeps for galleries: those that the rules choose, with the maps that were scored."""

from __future__ import annotations

import evaluating
import numpy as np
from evaluating import LAYERS

from dogcam.boxes.drawing import predicted_box
from dogcam.boxes.protocols import PROTOCOLS
from dogcam.commands.evaluate import command as evaluate
from dogcam.core.progress import Progress
from dogcam.experiment.evaluations import Cell
from dogcam.report.exhibits.galleries import galleries
from dogcam.report.material import Material
from dogcam.scoring.passes import maps_of


def config_of(folder, **changes):
    asked = {"limit": 12, "epochs": (2,), "methods": ("cam", "saliency")}
    return evaluating.config_of(folder, **{**asked, **changes})


def index_of(result):
    return {entry["id"]: entry for entry in result.evaluation.gallery.entries()}


def stamps(evaluation):
    return {path.name: path.stat().st_mtime_ns for path in evaluation.gallery.path.iterdir()}


def test_best_and_worst_of_all_scored_images_are_kept_and_say_so(evaluated):
    """The last epoch under the first protocol of the logit, over 12 images of which 3 are the sample."""
    kept, run = index_of(evaluated), evaluated.asked.runs[0]
    for method in ("cam", "gradcam", "mean-activation"):
        rows = evaluated.evaluation.read(Cell(run, 2, method, LAYERS[-1], "default"))
        own = [
            (entry["id"], rule)
            for entry in kept.values()
            for rule in entry["rules"]
            if rule["rule"] == "extremes" and rule["method"] == method
        ]
        iou = dict(zip(rows["image"], rows["iou"], strict=True))
        places = {rule["place"]: iou[image] for image, rule in own}
        if places:  # a method that fits as another one on every image is shown with it
            assert places["best"] == rows["iou"].max()
            assert places["worst"] == rows["iou"].min()
        for _, rule in own:
            assert (rule["run"], rule["epoch"], rule["layer"]) == (run, 2, LAYERS[-1])
            assert (rule["protocol"], rule["seed"]) == ("default", 0)
    assert set(kept) - {sample["id"] for sample in evaluated.evaluation.sample.entries()}, "not of the sample alone"
    assert all(entry["picture"].is_file() and entry["class"] and entry["boxes"] for entry in kept.values())


def test_the_kept_maps_are_those_that_were_scored(evaluated):
    """Drawn a second time, in another batch, they make the boxes of the tables."""
    run, evaluation = evaluated.asked.runs[0], evaluated.evaluation
    maps, entries = evaluation.gallery.maps(run, 2), evaluation.gallery.entries()
    assert maps.keys() == evaluation.sample.maps(run, 2).keys()
    for pair, found in maps.items():
        cell = Cell(run, 2, *pair, "default")
        rows, threshold = evaluation.read(cell), evaluation.choice(cell).threshold
        places = {image: row for row, image in enumerate(rows["image"])}
        for entry, raw in zip(entries, found, strict=True):
            row, shape = places[entry["id"]], (entry["height"], entry["width"])
            box = predicted_box(raw, PROTOCOLS["default"], shape, threshold)
            expected = [rows[name][row] for name in ("x0", "y0", "x1", "y1")]
            np.testing.assert_allclose(np.full(4, np.nan) if box is None else box, expected, atol=1e-6)


def test_the_report_finds_every_chosen_picture(evaluated):
    found = evaluated.analysis.galleries
    assert found.everywhere, "not among the sample alone"
    kept = set(index_of(evaluated))
    assert {pick.image for rule in found.rules for pick in rule.picks} == kept
    exhibit = galleries(Material.of(evaluated.experiment, evaluated.evaluation))
    assert exhibit.key == "galleries"


def test_resuming_leaves_what_is_there_and_makes_what_is_not(experiment):
    first = evaluate.run(config_of(experiment), Progress())
    before = stamps(first.evaluation)
    assert any(name.endswith(".npz") for name in before)
    evaluate.run(config_of(experiment, resume=True), Progress())
    assert stamps(first.evaluation) == before
    maps = first.evaluation.gallery.path / f"maps_run-{first.asked.runs[0]}_epoch-02.npz"
    maps.unlink()
    evaluate.run(config_of(experiment, resume=True), Progress())
    assert maps.exists()


def test_a_method_more_has_its_pictures_and_all_have_its_maps(experiment):
    first = evaluate.run(config_of(experiment), Progress())
    evaluate.run(config_of(experiment, methods=("cam", "saliency", "gradcam"), layers=LAYERS[1:], resume=True), Progress())
    maps = first.evaluation.gallery.maps(first.asked.runs[0], 2)
    assert {("gradcam", LAYERS[1]), ("gradcam", LAYERS[2]), ("cam", LAYERS[2]), ("saliency", "input")} <= maps.keys()
    assert all(len(each) == len(first.evaluation.gallery.ids()) for each in maps.values())


def test_maps_that_are_there_are_not_drawn_again_by_a_call_for_another_method(experiment, monkeypatch):
    """A slow method's maps of new pictures are drawn, those of the pictures that were there already are not."""
    asked = []

    def listening(engine, pictures, *more):
        asked.extend((record.id, *pair) for record in pictures.records for pair in engine.cells)
        return maps_of(engine, pictures, *more)

    first = evaluate.run(config_of(experiment, methods=("saliency",)), Progress())
    before, maps = first.evaluation.gallery.ids(), first.evaluation.gallery.maps(first.asked.runs[0], 2)
    monkeypatch.setattr("dogcam.commands.evaluate.command.maps_of", listening)
    evaluate.run(config_of(experiment, methods=("cam",)), Progress())
    after = first.evaluation.gallery.ids()
    drawn = {image for image, method, _ in asked if method == "saliency"}
    assert drawn == set(after) - set(before)
    assert {image for image, method, _ in asked if method == "cam"} == set(after)
    again = first.evaluation.gallery.maps(first.asked.runs[0], 2)["saliency", "input"]
    for place, image in enumerate(before):
        if image in after:
            np.testing.assert_array_equal(again[after.index(image)], maps["saliency", "input"][place])


def test_maps_fused_by_an_earlier_call_are_fused_again(experiment):
    fused = {"methods": ("gradcam", "layercam"), "layers": LAYERS[1:], "fuse": "max"}
    evaluate.run(config_of(experiment, samples=12, **fused), Progress())
    result = evaluate.run(config_of(experiment, samples=12, methods=("cam",)), Progress())
    kept, sample = result.evaluation.gallery, result.evaluation.sample.entries()
    layer = f"max({LAYERS[1]}+{LAYERS[2]})"
    both = [place for place, entry in enumerate(sample) if entry["id"] in kept.ids()]
    assert len(both) == len(kept.ids()), "the sample is of all pictures"
    for method in ("gradcam", "layercam"):
        found = kept.maps(result.asked.runs[0], 2)[method, layer]
        for place in both:
            expected = result.evaluation.sample.maps(result.asked.runs[0], 2)[method, layer][place]
            np.testing.assert_allclose(found[kept.ids().index(sample[place]["id"])], expected, atol=1e-5)


def test_they_are_of_the_reported_run_and_epoch_whatever_this_call_evaluates(experiment, trained):
    other = next(run for run in trained.experiment.kept() if run != trained.training.chosen.run)
    both = evaluate.run(config_of(experiment, run="all", epochs=(1, 2)), Progress())
    again = evaluate.run(config_of(experiment, run=str(other), epochs=(1,)), Progress())
    maps = [path.name for path in again.evaluation.gallery.path.glob("*.npz")]
    assert both.evaluation.path == again.evaluation.path
    assert maps == [f"maps_run-{trained.training.chosen.run}_epoch-02.npz"]


def test_a_protocol_whose_maps_are_not_of_the_logit_keeps_none(experiment):
    result = evaluate.run(config_of(experiment, protocols=("exercise",)), Progress())
    assert result.evaluation.gallery.entries() == []


def test_many_samples_are_spread_evenly_and_never_more_than_there_are(experiment):
    result = evaluate.run(config_of(experiment, methods=("cam",), samples=300), Progress())
    assert len(result.evaluation.sample.entries()) == 12
    assert len({entry["id"] for entry in result.evaluation.sample.entries()}) == 12
