"""Types of the rooms that compute, under mypy's strict rules; the rooms of TensorFlow have none to be checked against."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
STRICT = ["core", "boxes", "metrics", "statistics", "analysis"]


def test_the_rooms_that_compute_keep_the_strict_rules(tmp_path):
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
    assert settings["strict"]
    assert settings["packages"] == [f"dogcam.{room}" for room in STRICT]
    command = [sys.executable, "-m", "mypy", "--no-incremental", "--cache-dir", tmp_path]
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    files = [path for room in STRICT for path in (ROOT / "dogcam" / room).rglob("*.py")]
    assert f"no issues found in {len(files)} source files" in done.stdout


def test_those_who_install_dogcam_get_its_types():
    assert (ROOT / "dogcam" / "py.typed").is_file()
