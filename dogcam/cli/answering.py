"""What every command does with its options: make the configuration, call, show the answer, end with its exit code."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import typer

from dogcam.cli.options import given
from dogcam.core.registry import resolve

DONE, FAILED, USAGE, SKIPPED, INTERRUPTED = 0, 1, 2, 3, 130


def answer(run: str, configure: Callable[..., Any], show: str, options: dict[str, Any], **more: Any) -> None:
    """Call `run` with the configuration that `options` mean, and `show` its result, or its JSON; both by dotted name."""
    config = configure(**given(options))
    config.check_names()
    result = _result(run, config, options, more)
    if options["as_json"]:
        from dogcam.console.tables import show_json

        show_json(result.document())
    else:
        resolve(show)(result)
    if getattr(result, "problems", ()):
        raise typer.Exit(SKIPPED)


def _result(run: str, config: Any, options: dict[str, Any], more: dict[str, Any]) -> Any:
    """What `run` returns, with its progress on the terminal; Ctrl-C is answered in the command's own words."""
    from dogcam.console.progress import TerminalProgress
    from dogcam.console.tables import show_error

    try:
        with nullcontext() if options["verbose"] else without_start_up_noise():
            call = resolve(run)
        with TerminalProgress(-1 if options["quiet"] else 0) as progress:
            return call(config, progress, **more)
    except KeyboardInterrupt as stop:
        show_error(str(stop) or "nothing was left half written", label="interrupted")
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def without_start_up_noise() -> Iterator[None]:
    """Hold back what TensorFlow's libraries write to standard error while they load; shown after all where loading fails."""
    # TensorFlow reads this once, when it is imported; its first lines come before it has read anything.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
