from __future__ import annotations

from types import SimpleNamespace

import pytest

from dogcam.cli import answering


@pytest.fixture
def stands_in(monkeypatch):
    """Let `command` be what every dotted name of a command means; what is shown is remembered in the list returned."""

    def stand_in(command):
        shown = []
        monkeypatch.setattr(
            answering,
            "resolve",
            lambda dotted: command if dotted.endswith(":run") else lambda result: shown.append((dotted, result)),
        )
        return shown

    return stand_in


@pytest.fixture
def forwarded(monkeypatch):
    """What a command hands on: (command, configuration, further arguments), without running it."""
    calls = []

    def resolve(dotted):
        def command(config, progress, **more):
            calls.append((dotted, config, more))
            return SimpleNamespace(document=dict, problems=())

        return command

    monkeypatch.setattr(answering, "resolve", resolve)
    return calls
