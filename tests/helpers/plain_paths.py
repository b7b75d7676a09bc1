"""The paths of a plain document, as a schema names them."""

from __future__ import annotations


def leaves(value, path=""):
    """(a path for each value that holds no other): "scores[].map.method"."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from leaves(each, f"{path}.{name}".removeprefix("."))
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each, f"{path}[]")
    else:
        yield path
