"""The program: its commands, its version, and how it ends."""

from __future__ import annotations

import _thread
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from dogcam.cli.answering import DONE, FAILED
from dogcam.cli.demo import demo
from dogcam.cli.evaluate import evaluate
from dogcam.cli.explain import explain
from dogcam.cli.help import WIDTH, GroupedCommand
from dogcam.cli.inspect import inspect
from dogcam.cli.list import list_names
from dogcam.cli.report import report
from dogcam.cli.train import train
from dogcam.core.errors import DogcamError

COMMANDS = {
    "demo": demo,
    "train": train,
    "explain": explain,
    "evaluate": evaluate,
    "report": report,
    "inspect": inspect,
    "list": list_names,
}

app = typer.Typer(
    name="dogcam",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"max_content_width": WIDTH},
)
for _name, _command in COMMANDS.items():
    app.command(_name, cls=GroupedCommand)(_command)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"dogcam {version('dogcam')}")
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", help="show the version", is_eager=True, callback=_version)] = False,
) -> None:
    """Does an image classifier look at the object, and which CAM method shows it best? With evidence."""


def main(arguments: list[str] | None = None) -> int:
    """Run the program on `arguments` (those of the process where None) and return its exit code."""
    try:
        with no_ctrl_c_lost():
            app(args=arguments, prog_name="dogcam")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else DONE
    except DogcamError as error:
        return _failed(str(error))
    except OSError as error:
        # A disk that is full, a folder that may not be written to: the system's own words say it best.
        return _failed(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
    return DONE


def _failed(text: str) -> int:
    from dogcam.console.tables import show_error

    show_error(text)
    return FAILED


@contextmanager
def no_ctrl_c_lost() -> Iterator[None]:
    """Give a Ctrl-C again that came while an object was being deleted, where Python prints every exception and goes on."""
    known = sys.unraisablehook

    def hook(found: Any) -> None:
        if issubclass(found.exc_type, KeyboardInterrupt):
            # From another thread and a moment later: given here it would be lost in the same way.
            threading.Timer(0.01, _thread.interrupt_main).start()
        else:
            known(found)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = known
