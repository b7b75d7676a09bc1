"""Numbers, lists and names as every output writes them, in the language that is spoken."""

from __future__ import annotations

import math
import re
from typing import Protocol

from dogcam.language import say

NONE = "–"
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")


def number(value: float | None, digits: int = 3) -> str:
    """A number as tables write it, with a true minus; a dash where there is none."""
    return NONE if value is None or not math.isfinite(value) else signed(value, digits).removeprefix("+")


def signed(value: float, digits: int = 3) -> str:
    """A difference, with its sign (a true minus, not a hyphen); what rounds to zero has none."""
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text if text.strip("+−0.") else text[1:]


def count(value: int | None) -> str:
    """A whole number, its thousands apart."""
    return NONE if value is None else f"{value:,}"


def percent(value: float | None) -> str:
    """A share as a percentage."""
    return NONE if value is None or not math.isfinite(value) else say("{share} %", share=f"{100 * value:.1f}")


def p_value(p: float) -> str:
    """A p-value as tables write it: the smallest as a bound, since no test gives 0."""
    return NONE if math.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def listed(items: list[str]) -> str:
    """Names in a sentence: "a", "a and b", "a, b and c"."""
    if len(items) > 2:
        return say("{several} and {last}", several=", ".join(items[:-1]), last=items[-1])
    return say("{one} and {other}", one=items[0], other=items[1]) if len(items) == 2 else "".join(items)


def capital(sentence: str) -> str:
    """A sentence that begins with a name, which may be written small: "saliency has" -> "Saliency has"."""
    return sentence[:1].upper() + sentence[1:]


def isolated(name: str) -> str:
    """A name for plain text: between marks that keep its direction to itself, without marks of its own, which could end that."""
    return f"\u2068{_DIRECTIONS.sub('', name)}\u2069"


class Spread(Protocol):
    """A figure with its interval, as `statistics.Interval` has them; NaN for ends that there are none of."""

    @property
    def value(self) -> float: ...  # noqa: D102
    @property
    def low(self) -> float: ...  # noqa: D102
    @property
    def high(self) -> float: ...  # noqa: D102


# A difference in IoU that nobody would see in a picture.
NEGLIGIBLE = 0.005


def ends(found: Spread | None) -> str:
    """The interval: "[0.568, 0.597]"; a dash where there is none."""
    if found is None or math.isnan(found.low):
        return NONE
    return f"[{number(found.low)}, {number(found.high)}]"


def with_ends(found: Spread | None) -> str:
    """A figure with its interval: "0.583 [0.568, 0.597]"; without one the figure alone."""
    if found is None or math.isnan(found.low):
        return number(None if found is None else found.value)
    return f"{number(found.value)} {ends(found)}"


def spelled(difference: Spread) -> str:
    """A difference with its interval, and whether it is too small to matter: "+0.012 [+0.004, +0.020]"."""
    if math.isnan(difference.low):
        return say("{difference} (no interval)", difference=signed(difference.value))
    bare = signed_ends(difference)
    return say("{difference}, negligible", difference=bare) if negligible(difference) else bare


def signed_ends(difference: Spread) -> str:
    """A difference with its interval and no word; more than three digits where an end that is not 0 would show as 0."""
    if math.isnan(difference.low):
        return signed(difference.value)
    apart = difference.low > 0 or difference.high < 0
    nearest = min(abs(difference.low), abs(difference.high))
    digits = max(3, math.ceil(-math.log10(nearest))) if apart else 3
    value, low, high = (signed(each, digits) for each in (difference.value, difference.low, difference.high))
    return f"{value} [{low}, {high}]"


def negligible(difference: Spread) -> bool:
    """Whether a difference in IoU is too small to matter, however sure its sign."""
    return difference.low >= -NEGLIGIBLE and difference.high <= NEGLIGIBLE
