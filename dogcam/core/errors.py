"""Everything dogcam raises on purpose. Each message says what was expected, what came and what to do next.

DogcamError
├── UnknownName          a name that no registry knows, with the nearest ones
├── OptionError          options that contradict each other or the experiment
├── InputError           a picture, annotation or dataset that cannot be used
│   └── Unavailable      something has to be fetched, and cannot be
├── ModelError           a model file that cannot be used
│   └── LayerError       a layer that does not exist or is not fit for the method
└── ExperimentError      an experiment that is missing, unfinished or does not match
"""

import re

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_AROUND = "Exception encountered when calling"


class DogcamError(Exception):
    """Base of all errors that are shown to the user as one line (exit code 1)."""


class UnknownName(DogcamError):
    """A backbone, method, layer, class, ... that does not exist; the message names the nearest ones."""


class OptionError(DogcamError):
    """Values of options that are out of range or contradict each other."""


class InputError(DogcamError):
    """A picture, an annotation or a dataset that cannot be used."""


class Unavailable(InputError):
    """Something that must be fetched first, and could not be: names the file and where to put it."""


class ModelError(DogcamError):
    """A model or weights file that cannot be used."""


class LayerError(ModelError):
    """A layer that the model does not have, or one that is not fit for the method."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, with what is kept and the command that goes on: not an error, so not of the family."""


class ExperimentError(DogcamError):
    """An experiment folder that is missing, unfinished or does not match what is asked of it."""


def first_line(error: BaseException) -> str:
    """The first line of an error's text that says something; its type where there is none.

    What Keras writes around an error of a layer says nothing but where; colours meant for a terminal are taken out.
    """
    stripped = (_COLOURS.sub("", line).strip() for line in str(error).splitlines())
    lines = [line for line in stripped if line]
    return next((line for line in lines if not line.startswith(_AROUND)), lines[0] if lines else type(error).__name__)
