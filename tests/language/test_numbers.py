"""Numbers, lists and names as every output writes them."""

import subprocess
import sys

from dogcam.language import speaking
from dogcam.language.numbers import listed, p_value, percent


def test_names_shares_and_p_values():
    assert listed([]) == ""
    assert [listed(list("abc"[:n])) for n in (1, 2, 3)] == ["a", "a and b", "a, b and c"]
    assert (p_value(0.0004), p_value(0.0316), p_value(float("nan"))) == ("< 0.001", "0.032", "–")
    with speaking("ko"):
        assert listed(list("abc")) == "a, b, c"
        assert percent(0.123) == "12.3%"


def test_writing_numbers_loads_nothing_heavy():
    """A terminal that only lists names pays for no arrays."""
    program = "import sys, dogcam.language.numbers; print({'numpy', 'pandas', 'matplotlib', 'tensorflow'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "set()\n"
