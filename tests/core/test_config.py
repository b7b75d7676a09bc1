"""Configurations: defaults, recipes, what is refused, and names that are checked before anything heavy is imported."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields
from functools import partial

import pytest

from dogcam.core.choices import AUGMENTATIONS, BOX_FORMS, FORMATS, LANGUAGES, OPTIMIZERS, PREPROCESSES, RECIPES, SAVES
from dogcam.core.config import DemoConfig, EvaluateConfig, ExplainConfig, InspectConfig, ReportConfig, TrainConfig
from dogcam.core.errors import OptionError, UnknownName
from dogcam.core.registry import resolve

ALL = {
    "train": TrainConfig(),
    "explain": ExplainConfig(images=("dog.jpg",)),
    "evaluate": EvaluateConfig(),
    "report": ReportConfig(),
    "demo": DemoConfig(),
    "inspect": InspectConfig(dataset="synthetic:4"),
}


@pytest.mark.parametrize("name", ALL)
class TestEveryConfiguration:
    def test_its_defaults_name_only_what_there_is(self, name):
        ALL[name].check_names()

    def test_its_document_is_json(self, name):
        document = json.loads(json.dumps(ALL[name].document()))
        assert set(document) == {field.name for field in fields(ALL[name])}

    def test_it_cannot_be_changed(self, name):
        with pytest.raises(FrozenInstanceError):
            setattr(ALL[name], fields(ALL[name])[0].name, "other")

    def test_what_was_not_given_keeps_its_default(self, name):
        config = ALL[name]
        argument = {"explain": "images", "inspect": "dataset"}.get(name)
        nothing = {field.name: None for field in fields(config) if field.name != argument}
        given = {argument: getattr(config, argument)} if argument else {}
        assert type(config).of(**nothing, **given) == config

    def test_every_registry_it_points_at_exists(self, name):
        for field in fields(ALL[name]):
            if "names" in field.metadata:
                assert len(resolve(field.metadata["names"])) > 0


class TestTraining:
    def test_the_defaults_are_the_studys_three_runs_of_seven_epochs(self):
        config = TrainConfig.create()
        assert config == TrainConfig()
        assert (config.dataset, config.backbone, config.weights) == ("stanford_dogs", "resnet50", "imagenet")
        assert (config.runs, config.epochs, config.checkpoints) == (3, 7, (3, 5, 7))

    def test_the_recipe_of_the_study(self):
        """study.md: all layers, SGD 0.01, batch 16, divided by 255."""
        config = TrainConfig.create(recipe="study")
        assert (config.trainable, config.optimizer, config.learning_rate) == ("all", "sgd", 0.01)
        assert (config.batch_size, config.preprocess, config.augment) == (16, "unit", "none")

    @pytest.mark.parametrize("recipe", RECIPES)
    def test_an_option_wins_over_the_recipe(self, recipe):
        config = TrainConfig.create(recipe=recipe, learning_rate=0.5, batch_size=3, optimizer="rmsprop")
        assert (config.learning_rate, config.batch_size, config.optimizer) == (0.5, 3, "rmsprop")
        assert config.recipe == recipe

    @pytest.mark.parametrize("recipe", RECIPES)
    def test_a_recipe_sets_only_options_that_exist(self, recipe):
        assert set(RECIPES[recipe]) <= {field.name for field in fields(TrainConfig)}
        assert TrainConfig.create(recipe=recipe, weights="none").recipe == recipe

    @pytest.mark.parametrize(
        ("given", "rate"),
        [
            ({}, 1e-4),
            ({"weights": "none"}, 1e-3),
            ({"trainable": "head"}, 1e-3),
            ({"trainable": "head", "weights": "none"}, 1e-3),
            ({"trainable": "conv5"}, 1e-4),
            ({"weights": "my.weights.h5"}, 1e-4),
            ({"weights": "none", "learning_rate": 0.2}, 0.2),
            ({"weights": "none", "recipe": "study"}, 0.01),
        ],
    )
    def test_what_learns_from_nothing_takes_ten_times_the_step(self, given, rate):
        assert TrainConfig.create(**given).learning_rate == pytest.approx(rate)

    @pytest.mark.parametrize(
        ("epochs", "kept"), [(1, (1,)), (2, (2,)), (3, (3,)), (4, (3, 4)), (5, (3, 5)), (6, (3, 5, 6)), (12, (3, 5, 7, 12))]
    )
    def test_the_last_epoch_is_always_kept(self, epochs, kept):
        assert TrainConfig.create(epochs=epochs).checkpoints == kept

    def test_checkpoints_are_sorted_and_each_once(self):
        assert TrainConfig.create(checkpoints=(7, 2, 7, 5)).checkpoints == (2, 5, 7)

    @pytest.mark.parametrize("checkpoints", [(), (0,), (-1, 3), (8,), (3, 5, 9)])
    def test_a_checkpoint_is_one_of_the_epochs(self, checkpoints):
        with pytest.raises(OptionError, match=r"--checkpoints must name epochs from 1 to 7 \(--epochs\)"):
            TrainConfig.create(checkpoints=checkpoints)

    @pytest.mark.parametrize("name", ["runs", "epochs", "batch_size", "limit"])
    @pytest.mark.parametrize("value", [0, -3])
    def test_counts_are_at_least_one_and_the_error_names_the_option(self, name, value):
        with pytest.raises(OptionError, match=f"--{name.replace('_', '-')} must be at least 1; received {value}"):
            TrainConfig.create(**{name: value})

    def test_a_seed_may_be_zero_but_not_negative(self):
        assert TrainConfig.create(seed=0).seed == 0
        with pytest.raises(OptionError, match="--seed must be at least 0"):
            TrainConfig.create(seed=-1)

    @pytest.mark.parametrize("rate", [0, -1e-3, math.nan, math.inf])
    def test_a_learning_rate_is_a_number_above_zero(self, rate):
        with pytest.raises(OptionError, match="--learning-rate must be a number above 0"):
            TrainConfig.create(learning_rate=rate)

    @pytest.mark.parametrize(
        ("option", "value", "nearest"),
        [
            ("optimizer", "adamm", "adam"),
            ("augment", "flipp", "flip"),
            ("preprocess", "units", "unit"),
            ("recipe", "studdy", "study"),
        ],
    )
    def test_a_mistyped_choice_is_answered_with_the_nearest(self, option, value, nearest):
        with pytest.raises(UnknownName, match=rf"'{value}'; the nearest: {nearest}"):
            TrainConfig.create(**{option: value})

    @pytest.mark.parametrize(
        ("option", "values"), [("optimizer", OPTIMIZERS), ("augment", AUGMENTATIONS), ("preprocess", PREPROCESSES)]
    )
    def test_every_choice_is_taken(self, option, values):
        assert [getattr(TrainConfig.create(**{option: value}), option) for value in values] == list(values)


class TestNames:
    @pytest.mark.parametrize(
        ("config", "message"),
        [
            (TrainConfig(backbone="resnet5"), "unknown backbone 'resnet5'; the nearest: resnet50"),
            (TrainConfig(dataset="stanford-dogs"), "unknown dataset 'stanford-dogs'; the nearest: stanford_dogs"),
            (ExplainConfig(images=("a",), methods=("cam", "grad-cam")), "unknown method 'grad-cam'; the nearest: gradcam"),
            (EvaluateConfig(methods=("gradcm",)), "unknown method 'gradcm'; the nearest: gradcam"),
            (EvaluateConfig(protocols=("default", "cam2061")), "unknown protocol 'cam2061'; the nearest: cam2016"),
        ],
    )
    def test_the_nearest_is_named(self, config, message):
        with pytest.raises(UnknownName) as caught:
            config.check_names()
        assert str(caught.value).startswith(message)

    def test_a_dataset_may_carry_an_argument(self):
        TrainConfig(dataset="synthetic:12").check_names()
        TrainConfig(dataset="tfds:caltech:1.0").check_names()
        with pytest.raises(UnknownName, match="'tfd'"):
            TrainConfig(dataset="tfd:caltech").check_names()

    @pytest.mark.parametrize(
        "config",
        [TrainConfig(backbone="resnet50:x"), EvaluateConfig(methods=("cam:x",)), EvaluateConfig(protocols=("default:2",))],
    )
    def test_nothing_else_may(self, config):
        with pytest.raises(UnknownName):
            config.check_names()

    def test_a_protocol_may_be_a_file_of_the_users(self):
        EvaluateConfig(protocols=("my.toml", "default")).check_names()
        with pytest.raises(UnknownName, match="unknown protocol 'my'"):
            EvaluateConfig(protocols=("my",)).check_names()

    def test_all_names_are_listed_with_their_registry(self):
        config = EvaluateConfig(methods=("cam", "gradcam"), protocols=("default",))
        named = [(dotted.rpartition(":")[2], name) for dotted, name in config.named()]
        assert named == [("METHODS_AND_BASELINES", "cam"), ("METHODS_AND_BASELINES", "gradcam"), ("PROTOCOLS", "default")]

    def test_checking_names_imports_nothing_heavy(self):
        program = (
            "import sys\n"
            "from dogcam.core.config import EvaluateConfig, TrainConfig\n"
            "TrainConfig().check_names(); EvaluateConfig(methods=('cam',)).check_names()\n"
            "print(sorted({'tensorflow', 'keras', 'matplotlib', 'tensorflow_datasets'} & set(sys.modules)))"
        )
        out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        assert out.strip() == "[]"


class TestEvaluating:
    @pytest.mark.parametrize("run", ["best", "all", "1", "12"])
    def test_a_run_is_a_number_best_or_all(self, run):
        assert EvaluateConfig(run=run).run == run

    @pytest.mark.parametrize("run", ["0", "-1", "first", "1.5", "", "²"])
    def test_and_nothing_else(self, run):
        with pytest.raises(OptionError, match="--run takes a run's number, best or all"):
            EvaluateConfig(run=run)

    @pytest.mark.parametrize("name", ["limit", "batch_size", "samples"])
    def test_counts_are_at_least_one(self, name):
        with pytest.raises(OptionError, match="must be at least 1"):
            EvaluateConfig(**{name: 0})

    def test_the_split_is_checked(self):
        with pytest.raises(UnknownName, match="split 'tests'; the nearest: test"):
            EvaluateConfig(split="tests")

    @pytest.mark.parametrize("config", [EvaluateConfig, partial(ExplainConfig, images=("x.jpg",))])
    def test_what_is_said_of_maps_is_checked(self, config):
        with pytest.raises(UnknownName, match="way of fusing 'men'; the nearest: mean"):
            config(fuse="men")
        with pytest.raises(UnknownName, match="smoothing 'flop'; the nearest: flip"):
            config(smooth=("flip", "flop"))
        with pytest.raises(OptionError, match="--mask-batch must be at least 1; received 0"):
            config(mask_batch=0)

    @pytest.mark.parametrize("name", ["labels", "preprocess", "output", "dataset", "name"])
    def test_what_describes_a_model_from_elsewhere_goes_with_one(self, name):
        with pytest.raises(OptionError, match=f"--{name} goes with --model FILE.keras"):
            EvaluateConfig(**{name: "synthetic"})

    def test_a_model_from_elsewhere_needs_a_dataset_and_no_experiment(self):
        with pytest.raises(OptionError, match="needs annotated pictures: --dataset NAME"):
            EvaluateConfig(model="my.keras")
        with pytest.raises(OptionError, match=r"either an experiment or a --model; received 'a' and 'my.keras'"):
            EvaluateConfig(model="my.keras", dataset="synthetic", experiment="a")

    @pytest.mark.parametrize(
        ("option", "value"),
        {
            "--model": "m.keras", "an EXPERIMENT": "tiny", "--epoch": (3,), "--run": "all", "--method": ("cam",),
            "--layer": ("x",), "--target": "second", "--faithfulness": 5, "--decompose": ("a:b",), "--save-maps": "there",
            "--fuse": "mean",
            "--smooth": ("flip",), "--weights": "none", "--labels": "l.txt", "--preprocess": "unit", "--output": "o",
        }.items(),
    )  # fmt: skip
    def test_what_is_asked_of_a_network_cannot_be_asked_of_maps_alone(self, option, value):
        spelled = {"an EXPERIMENT": "experiment", "--epoch": "epochs", "--method": "methods", "--layer": "layers"}
        name = spelled.get(option, option.removeprefix("--").replace("-", "_"))
        with pytest.raises(OptionError) as caught:
            EvaluateConfig(maps="maps", dataset="synthetic", **{name: value})
        assert str(caught.value) == f"--maps maps brings the maps and no network: {option} cannot go with it"

    def test_maps_need_a_dataset_and_are_grouped_without_a_network(self):
        with pytest.raises(OptionError, match="--maps maps needs annotated pictures: --dataset NAME"):
            EvaluateConfig(maps="maps")
        with pytest.raises(OptionError, match="--by right asks which pictures a network classifies rightly"):
            EvaluateConfig(maps="maps", dataset="synthetic", by=("size", "right"))
        assert EvaluateConfig(maps="maps", dataset="synthetic", by=("size",), name="mine").name == "mine"

    def test_the_models_first_classes_are_no_target_beside_another(self):
        with pytest.raises(OptionError, match="--all-top explains the classes that the model puts first"):
            ExplainConfig(images=("x.jpg",), all_top=3, target="beagle")
        with pytest.raises(OptionError, match="--all-top must be at least 1"):
            ExplainConfig(images=("x.jpg",), all_top=0)

    def test_no_protocol_would_measure_nothing(self):
        with pytest.raises(OptionError, match="--protocol needs at least one"):
            EvaluateConfig(protocols=())


class TestExplainingAndReporting:
    def test_explaining_needs_a_picture(self):
        with pytest.raises(OptionError, match="at least one image"):
            ExplainConfig()

    def test_explaining_needs_a_method(self):
        with pytest.raises(OptionError, match="--method needs at least one"):
            ExplainConfig(images=("a.jpg",), methods=())

    @pytest.mark.parametrize("kind", SAVES)
    def test_every_kind_can_be_saved(self, kind):
        assert ExplainConfig(images=("a.jpg",), save=(kind,)).save == (kind,)

    def test_and_no_other(self):
        with pytest.raises(UnknownName, match="'jpg'"):
            ExplainConfig(images=("a.jpg",), save=("png", "jpg"))

    def test_evaluating_gives_back_boxes_in_the_forms_there_are(self):
        assert EvaluateConfig(save=BOX_FORMS).save == BOX_FORMS
        with pytest.raises(UnknownName, match="save form 'png'"):
            EvaluateConfig(save=("coco", "png"))

    def test_languages_and_processes_are_checked(self):
        assert [ReportConfig(lang=each).lang for each in LANGUAGES] == list(LANGUAGES)
        with pytest.raises(UnknownName, match="lang"):
            ReportConfig(lang="kr")
        with pytest.raises(OptionError, match="--jobs"):
            ReportConfig(jobs=-1)

    def test_formats_are_checked(self):
        assert ReportConfig(formats=FORMATS).formats == FORMATS
        with pytest.raises(UnknownName, match="format 'htm'; the nearest: html"):
            ReportConfig(formats=("md", "htm"))


def test_the_demo_trains_on_drawn_dogs_without_any_download():
    training = DemoConfig(out="here").training("demo-2")
    assert (training.dataset, training.backbone, training.weights) == ("synthetic", "small_resnet", "none")
    assert (training.name, training.home) == ("demo-2", "here")
    training.check_names()
