"""Any text as LaTeX sets it: nothing is obeyed, nothing is lost without a trace."""

import re
import unicodedata

import pytest

from dogcam.language import speaking
from dogcam.report.formats.tex_text import ems, tex

OBEYED = set("\\{}$&#%_^~")


def bare(shown):
    """What is left of a text's LaTeX when commands, their braces and mathematics are taken away."""
    shown = re.sub(r"\$[^$]*\$", "", shown)
    shown = re.sub(r"\\[#$%&_{}]", "", shown)
    shown = re.sub(r"\\char34|\\[`'^~=.\"](?=\{)|\\[A-Za-z]+", "", shown)
    return re.sub(r"[{}]", "", shown)


@pytest.mark.parametrize("letter", [chr(code) for code in range(32, 127)])
def test_every_sign_of_the_keyboard_is_set_and_not_obeyed(letter):
    shown = tex(f"a{letter}b")
    assert not OBEYED & set(bare(shown))
    assert shown.isascii()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("100 % of a_b & c", r"100 \% of a\_b \& c"),
        ("≥ 0.5 ± 0.1", r"$\ge$ 0.5 $\pm$ 0.1"),
        ("−0.1 → 2 × 2 · …", r"$-$0.1 $\to$ 2 $\times$ 2 $\cdot$ \dots{}"),
        ("café", r"caf\'{e}"),
        (unicodedata.normalize("NFD", "café Å"), r"caf\'{e} \r{A}"),
        ("ﬁt Ａ", "fit A"),
        ("--run", "-{}-run"),
        ("a\r\n\tb", "a b"),
        ("\u202eabc", "{}[U+202E]abc"),
        ("🐕", "{}[U+1F415]"),
        ("x\x00\x1b", "x[U+0000][U+001B]"),
        ("\udcff", "{}[U+DCFF]"),
        ("[0.1, 0.2]", "{}[0.1, 0.2]"),
        ("*", "{}*"),
        ("", ""),
    ],
)
def test_signs_accents_and_code_points(text, shown):
    assert tex(text) == shown


@pytest.mark.parametrize(
    ("hangul", "latin"),
    # Place names as the National Institute of Korean Language romanises them where sounds do not change.
    [("한글", "hangeul"), ("부산", "busan"), ("대구", "daegu"), ("제주", "jeju"), ("광주", "gwangju"), ("옥천", "okcheon")],
)
def test_hangul_is_romanised_in_english_and_stays_in_korean(hangul, latin):
    assert tex(hangul) == latin
    with speaking("ko"):
        assert tex(hangul) == hangul


def test_a_long_word_can_be_broken_and_a_short_one_is_left_alone():
    assert r"\allowbreak" not in tex("layer4_out")
    assert tex("conv5_block3_out") == r"conv5\_\allowbreak{}block3\_\allowbreak{}out"
    pieces = tex("y" * 300).split(r"\allowbreak{}")
    assert max(map(len, pieces)) <= 10
    assert "".join(pieces) == "y" * 300


def test_no_break_comes_between_a_letter_and_its_accent():
    for start in range(12):
        assert "[U+0301]" not in tex("y" * start + "e\u0301" * 20)


def test_wide_letters_are_taken_for_wider():
    assert ems("ii") < ems("nn") < ems("MM")
    assert ems("[U+1F415]") > 3
