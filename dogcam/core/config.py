"""What each command is asked to do: one frozen dataclass per command, and the only home of default values.

A configuration is checked when it is made. `names` in a field's metadata points at the registry whose names the field
takes, so that a mistyped name is answered before anything heavy is imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from dogcam.core.choices import (
    AUGMENTATIONS,
    BOX_FORMS,
    COLORMAPS,
    FORMATS,
    FUSIONS,
    GROUPINGS,
    LANGUAGES,
    OPTIMIZERS,
    PREPROCESSES,
    RECIPES,
    SAVES,
    SMOOTHINGS,
    SPLITS,
    at_least,
    not_empty,
    one_of,
)
from dogcam.core.errors import OptionError
from dogcam.core.registry import resolve

BACKBONE_NAMES = "dogcam.models.backbones:BACKBONES"
DATASET_NAMES = "dogcam.data.formats:DATASETS"
METHOD_NAMES = "dogcam.boxes.baselines:METHODS_AND_BASELINES"
PROTOCOL_NAMES = "dogcam.boxes.protocols:PROTOCOLS"
PROTOCOL_FILE = ".toml"  # what the name of a user's own protocol ends with


@dataclass(frozen=True)
class _Config:
    """What all configurations share."""

    @classmethod
    def of(cls, **given: Any) -> Self:
        """Make one from the options that were given; None means "not given", so the default holds."""
        return cls(**{name: value for name, value in given.items() if value is not None})

    def named(self) -> Iterator[tuple[str, str]]:
        """(dotted registry, name) of every name in this configuration that a registry must know."""
        for option in fields(self):
            registry, value = option.metadata.get("names"), getattr(self, option.name)
            if registry is not None and value is not None:
                yield from ((registry, name) for name in ([value] if isinstance(value, str) else value))

    def check_names(self) -> None:
        """Raise `UnknownName` for the first name that its registry does not know."""
        for dotted, name in self.named():
            if dotted == PROTOCOL_NAMES and name.endswith(PROTOCOL_FILE):
                continue  # a file of the user's, read when it is needed
            if dotted == DATASET_NAMES:  # may carry an argument, as in "tfds:NAME", or be a path
                resolve("dogcam.data.opening:check_name")(name)
            else:
                resolve(dotted)[name]

    def document(self) -> dict[str, Any]:
        """This configuration as plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class TrainConfig(_Config):
    """`dogcam train`. Use `create`, which applies the recipe and fills what depends on other options."""

    dataset: str = field(default="stanford_dogs", metadata={"names": DATASET_NAMES})
    data_dir: str | None = None
    backbone: str = field(default="resnet50", metadata={"names": BACKBONE_NAMES})
    weights: str = "imagenet"
    trainable: str = "all"
    optimizer: str = "adam"
    learning_rate: float = 1e-4
    batch_size: int = 32
    preprocess: str = "backbone"
    augment: str = "none"
    recipe: str = "default"
    runs: int = 3
    epochs: int = 7
    checkpoints: tuple[int, ...] = (3, 5, 7)
    seed: int = 0
    limit: int | None = None
    name: str | None = None
    home: str = "dogcam-runs"
    resume: bool = False

    @classmethod
    def restored(cls, document: dict[str, Any], **changes: Any) -> Self:
        """The configuration that an experiment keeps, with `changes`; entries of a later dogcam are left out."""
        options = {option.name for option in fields(cls)}
        stored = {name: value for name, value in document.items() if name in options}
        return cls(**{**stored, "checkpoints": tuple(stored.get("checkpoints", cls.checkpoints)), **changes})

    @classmethod
    def create(cls, **given: Any) -> Self:
        """The configuration that the given options mean: recipe first, options over it, dependent defaults last."""
        given = {name: value for name, value in given.items() if value is not None}
        recipe = given.get("recipe", cls.recipe)
        one_of("recipe", recipe, tuple(RECIPES))
        chosen = {**RECIPES[recipe], **given}
        chosen.setdefault("learning_rate", _learning_rate(chosen))
        epochs = chosen.get("epochs", cls.epochs)
        kept = tuple(epoch for epoch in cls.checkpoints if epoch <= epochs)
        chosen.setdefault("checkpoints", kept if epochs in kept else (*kept, epochs))
        return cls(**chosen)

    def __post_init__(self) -> None:
        one_of("optimizer", self.optimizer, OPTIMIZERS)
        one_of("augmentation", self.augment, AUGMENTATIONS)
        one_of("preprocessing", self.preprocess, PREPROCESSES)
        one_of("recipe", self.recipe, tuple(RECIPES))
        for name in ("runs", "epochs", "batch_size", "limit"):
            at_least(name, getattr(self, name), 1)
        at_least("seed", self.seed, 0)
        if not 0 < self.learning_rate < float("inf"):
            raise OptionError(f"--learning-rate must be a number above 0; received {self.learning_rate:g}")
        object.__setattr__(self, "checkpoints", tuple(sorted(set(self.checkpoints))))
        beyond = [epoch for epoch in self.checkpoints if not 1 <= epoch <= self.epochs]
        if beyond or not self.checkpoints:
            raise OptionError(f"--checkpoints must name epochs from 1 to {self.epochs} (--epochs); received {self.checkpoints}")


def _learning_rate(chosen: dict[str, Any]) -> float:
    """A new head, or a network from nothing, takes ten times the step that fine-tuning pretrained weights does."""
    from_nothing = chosen.get("weights", TrainConfig.weights) == "none"
    head_only = chosen.get("trainable", TrainConfig.trainable) == "head"
    return 10 * TrainConfig.learning_rate if from_nothing or head_only else TrainConfig.learning_rate


@dataclass(frozen=True)
class _MapConfig(_Config):
    """What both commands that draw maps share: which maps, of which model."""

    layers: tuple[str, ...] = ()
    epochs: tuple[int, ...] = ()
    fuse: str | None = None
    smooth: tuple[str, ...] = ()
    mask_batch: int = 32
    model: str | None = None
    weights: str = "imagenet"
    labels: str | None = None
    preprocess: str | None = None
    output: str | None = None
    data_dir: str | None = None
    home: str = "dogcam-runs"

    def _check_maps(self) -> None:
        if self.fuse is not None:
            one_of("way of fusing", self.fuse, FUSIONS)
        for smoothing in self.smooth:
            one_of("smoothing", smoothing, SMOOTHINGS)
        at_least("mask_batch", self.mask_batch, 1)


@dataclass(frozen=True)
class ExplainConfig(_MapConfig):
    """`dogcam explain`."""

    images: tuple[str, ...] = ()
    methods: tuple[str, ...] = field(default=("gradcam",), metadata={"names": METHOD_NAMES})
    run: int | None = None
    target: str = "predicted"
    all_top: int | None = None
    protocol: str = field(default="default", metadata={"names": PROTOCOL_NAMES})
    dataset: str | None = field(default=None, metadata={"names": DATASET_NAMES})
    out: str | None = None
    save: tuple[str, ...] = SAVES[:3]
    colormap: str = COLORMAPS[0]
    overwrite: bool = False
    batch_size: int = 16

    def __post_init__(self) -> None:
        if not self.images:
            raise OptionError("explain needs at least one image: a file, a folder, a glob or the id of a picture")
        not_empty("method", self.methods)
        not_empty("save", self.save)
        for kind in self.save:
            one_of("--save kind", kind, SAVES)
        one_of("--colormap", self.colormap, COLORMAPS)
        at_least("all_top", self.all_top, 1)
        if self.all_top is not None and self.target != ExplainConfig.target:
            raise OptionError("--all-top explains the classes that the model puts first; it cannot go with --target")
        self._check_maps()


# What is asked of a network, and so cannot go with maps alone; and how an option is spelled where that is not its name.
_OF_A_NETWORK = (
    *("model", "experiment", "epochs", "run", "methods", "layers", "target", "faithfulness", "decompose", "save_maps"),
    *("fuse", "smooth", "weights", "labels", "preprocess", "output"),
)
_SPELLED = {"experiment": "an EXPERIMENT", "epochs": "--epoch", "methods": "--method", "layers": "--layer"}


@dataclass(frozen=True)
class EvaluateConfig(_MapConfig):
    """`dogcam evaluate`. No methods and no layers: CAM, and Grad-CAM at the last layer of the last three stages."""

    experiment: str | None = None
    run: str = "best"
    methods: tuple[str, ...] = field(default=(), metadata={"names": METHOD_NAMES})
    protocols: tuple[str, ...] = field(default=("default",), metadata={"names": PROTOCOL_NAMES})
    target: str = "true"
    split: str = "test"
    limit: int | None = None
    samples: int = 12
    calibrate: int = 200
    faithfulness: int = 0
    decompose: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    pairs: bool = False
    curves: bool = False
    wide: bool = False
    csv: bool = False
    save: tuple[str, ...] = ()
    batch_size: int = 32
    resume: bool = False
    dataset: str | None = field(default=None, metadata={"names": DATASET_NAMES})
    name: str | None = None
    maps: str | None = None
    save_maps: str | None = None

    def __post_init__(self) -> None:
        one_of("split", self.split, SPLITS)
        for name, least in {"limit": 1, "batch_size": 1, "samples": 1, "calibrate": 0, "faithfulness": 0}.items():
            at_least(name, getattr(self, name), least)
        for grouping in self.by:
            one_of("grouping", grouping, GROUPINGS)
        for form in self.save:
            one_of("--save form", form, BOX_FORMS)
        for pair in self.decompose:
            if pair.count(":") != 1 or not all(part.strip() for part in pair.split(":")):
                raise OptionError(
                    f"--decompose takes two methods, as in cam:gradcam or cam@cam2016:gradcam@wsol-v1; received {pair!r}"
                )
        not_empty("protocol", self.protocols)
        object.__setattr__(self, "protocols", tuple(dict.fromkeys(self.protocols)))
        if self.run not in ("best", "all") and not (self.run.isdecimal() and int(self.run) > 0):
            raise OptionError(f"--run takes a run's number, best or all; received {self.run!r}")
        self._check_maps()
        if self.maps is None:
            self._check_model()
        else:
            self._check_given_maps()

    def _check_given_maps(self) -> None:
        """Somebody else's maps come with a dataset, and without a network: what is asked of one cannot be had."""
        for name in _OF_A_NETWORK:
            given = getattr(self, name)
            if given != getattr(EvaluateConfig, name):
                option = _SPELLED.get(name, f"--{name.replace('_', '-')}")
                raise OptionError(f"--maps {self.maps} brings the maps and no network: {option} cannot go with it")
        if "right" in self.by:
            raise OptionError("--by right asks which pictures a network classifies rightly, and --maps brings none")
        if self.dataset is None:
            raise OptionError(f"--maps {self.maps} needs annotated pictures: --dataset NAME, and --data-dir where they lie")

    def _check_model(self) -> None:
        """A model from elsewhere comes with a dataset; an experiment brings everything itself."""
        if self.model is None:
            for name in ("labels", "preprocess", "output", "dataset", "name"):
                if getattr(self, name) is not None:
                    raise OptionError(f"--{name} goes with --model FILE.keras or imagenet:BACKBONE; an experiment has its own")
            return
        if self.experiment is not None:
            raise OptionError(f"evaluate either an experiment or a --model; received {self.experiment!r} and {self.model!r}")
        if self.dataset is None:
            raise OptionError(f"--model {self.model} needs annotated pictures: --dataset NAME, and --data-dir where they lie")


@dataclass(frozen=True)
class InspectConfig(_Config):
    """`dogcam inspect`. Without `out` nothing is written."""

    dataset: str = field(default="", metadata={"names": DATASET_NAMES})
    data_dir: str | None = None
    seed: int = 0
    samples: int = 24
    out: str | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        at_least("samples", self.samples, 1)
        at_least("seed", self.seed, 0)


@dataclass(frozen=True)
class ListConfig(_Config):
    """`dogcam list`. No model: the layers of the newest experiment's."""

    what: str = ""
    model: str | None = None
    output: str | None = None
    home: str = "dogcam-runs"


@dataclass(frozen=True)
class ReportConfig(_Config):
    """`dogcam report`. `others` are compared with `experiment`; none of them: its own report.

    `jobs` is how many processes draw figures; 0 means one for each processor.
    """

    experiment: str | None = None
    others: tuple[str, ...] = ()
    out: str | None = None
    formats: tuple[str, ...] = ("html", "md")
    csv: bool = False
    lang: str = LANGUAGES[0]
    colormap: str = COLORMAPS[0]
    jobs: int = 0
    home: str = "dogcam-runs"

    def __post_init__(self) -> None:
        not_empty("format", self.formats)
        for name in self.formats:
            one_of("format", name, FORMATS)
        one_of("--lang", self.lang, LANGUAGES)
        one_of("--colormap", self.colormap, COLORMAPS)
        at_least("jobs", self.jobs, 0)


@dataclass(frozen=True)
class DemoConfig(_Config):
    """`dogcam demo`: a whole study on drawn dogs, small enough for two cores."""

    out: str = "dogcam-runs"
    name: str = "demo"
    explained: int = 2

    def training(self, name: str) -> TrainConfig:
        """What the demo trains, as the experiment `name`."""
        return TrainConfig.create(
            dataset="synthetic",
            backbone="small_resnet",
            weights="none",
            learning_rate=2e-3,
            augment="flip",
            name=name,
            home=self.out,
        )
