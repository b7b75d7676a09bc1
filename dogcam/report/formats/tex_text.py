"""Any text as pdflatex sets it, in any article: ASCII alone, but for Hangul in a Korean document.

What LaTeX would obey is escaped. Of other letters the first of these rules holds that can:

1. signs that have a command get it (≥ is $\\ge$, … is \\dots{});
2. a letter with an accent gets the accent's command (é is \\'{e});
3. Hangul stays as it is in a Korean document, which loads kotex; elsewhere it is romanised, syllable by syllable, by the tables
   of the Revised Romanization of Korean (2000), without its changes of sound (한글 is hangeul);
4. what Unicode's compatibility decomposition makes ASCII of is written so (ﬁ is fi, Ａ is A);
5. all else, such as emoji and marks that turn the writing, is shown as its code point: [U+1F415].
"""

from __future__ import annotations

import re
import unicodedata

from dogcam.language import spoken


def _table(letters: str, commands: str, around: str = "") -> dict[str, str]:
    return {letter: f"{around}{each}{around}" for letter, each in zip(letters, commands.split(), strict=True)}


_ESCAPED = {
    **_table("{}$&#%_", r"\{ \} \$ \& \# \% \_"),
    **_table("\\^~<>|", r"\textbackslash{} \textasciicircum{} \textasciitilde{} \textless{} \textgreater{} \textbar{}"),
    **_table('"`', r"{\char34} \textasciigrave{}"),
    # Two of these in a row would be set as one sign: a dash, a closing quotation mark, a low one.
    **_table("-',", "-{} '{} ,{}"),
}
_LIGATURES = "-',"
_SIGNS = {
    **_table("−±×÷≥≤≠≈∞·•", r"- \pm \times \div \ge \le \ne \approx \infty \cdot \bullet", "$"),
    **_table("→←↔↑↓°¹²³", r"\to \gets \leftrightarrow \uparrow \downarrow ^{\circ} ^{1} ^{2} ^{3}", "$"),
    **_table("αβγδεζηθικλ", r"\alpha \beta \gamma \delta \epsilon \zeta \eta \theta \iota \kappa \lambda", "$"),
    **_table("µμνξπρςστυφχψω", r"\mu \mu \nu \xi \pi \rho \varsigma \sigma \tau \upsilon \phi \chi \psi \omega", "$"),
    **_table("ΓΔΘΛΞΠΣΦΨΩ", r"\Gamma \Delta \Theta \Lambda \Xi \Pi \Sigma \Phi \Psi \Omega", "$"),
    **_table("–—…‘’", r"\textendash{} \textemdash{} \dots{} \textquoteleft{} \textquoteright{}"),
    **_table("“”§©", r"\textquotedblleft{} \textquotedblright{} \S{} \copyright{}"),
    **_table("ßæÆœŒøØłŁı", r"\ss{} \ae{} \AE{} \oe{} \OE{} \o{} \O{} \l{} \L{} \i{}"),
}
_ACCENTS = _table("\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327", "` ' ^ ~ = u . \" r H v c")
_FIRST_SYLLABLE, _LAST_SYLLABLE = 0xAC00, 0xD7A3
_INITIALS = "g kk n d tt r m b pp s ss - j jj ch k t p h".replace("-", "").split(" ")
_VOWELS = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i".split()
_FINALS = ("", *"k k ks n nj nh t l lk lm lb ls lt lp lh m p ps t t ng t t k t p h".split())
_BREAK = r"\allowbreak{}"
_LONG = 14  # letters: a longer word may be broken
_STRETCH = 10  # letters of a long word after which it is broken where nothing in it offers a place


def tex(text: object) -> str:
    """A text of one line as LaTeX sets it literally, breakable where it has long words; see the rules above."""
    words = " ".join(str(text).split()).split(" ")
    set_so = " ".join(_word(each) for each in words)
    # Behind a line's end these would be read as its options.
    return f"{{}}{set_so}" if set_so.startswith(("[", "*")) else set_so


def _word(word: str) -> str:
    """A word; a long one may be broken after its signs, and where it has none for long after some letters."""
    found, since = [], 0
    for place, letter in enumerate(word):
        found.append(_letter(letter, word[place + 1 : place + 2]))
        since = 0 if letter in "_/.,-=:@" else since + 1
        more = place + 1 < len(word)
        if len(word) > _LONG and more and (since == 0 or since >= _STRETCH) and not _joined(word[place + 1]):
            found.append(_BREAK)
            since = 0
    return _accented("".join(found))


def _joined(letter: str) -> bool:
    """Whether a letter belongs to the one before it."""
    return bool(unicodedata.combining(letter))


def _letter(letter: str, following: str) -> str:
    if letter in _LIGATURES:
        return _ESCAPED[letter] if following == letter else letter
    found = _ESCAPED.get(letter) or _SIGNS.get(letter)
    if found is not None or " " <= letter <= "~":
        return found or letter
    if _FIRST_SYLLABLE <= ord(letter) <= _LAST_SYLLABLE:
        return letter if spoken() == "ko" else _romanised(letter)
    return _decomposed(letter) or f"[U+{ord(letter):04X}]"


def _decomposed(letter: str) -> str:
    """A letter as an accent's command around its bare letter, or as ASCII; "" where it is neither."""
    base, *marks = unicodedata.normalize("NFD", letter)
    if len(marks) == 1 and marks[0] in _ACCENTS and base.isascii() and base.isalpha():
        return rf"\{_ACCENTS[marks[0]]}{{{base}}}"
    plain = unicodedata.normalize("NFKC", letter)
    return "".join(_ESCAPED.get(each, each) for each in plain) if plain.isascii() and plain.isprintable() else ""


def _accented(text: str) -> str:
    """Accents that stood behind their letters, as file systems of some computers write them, before them."""
    codes = {f"[U+{ord(mark):04X}]": command for mark, command in _ACCENTS.items()}
    pattern = "([A-Za-z])(" + "|".join(map(re.escape, codes)) + ")"
    return re.sub(pattern, lambda found: rf"\{codes[found[2]]}{{{found[1]}}}", text)


def _romanised(syllable: str) -> str:
    """A Hangul syllable in Latin letters: its number is (initial * 21 + vowel) * 28 + final, from U+AC00 on."""
    number = ord(syllable) - _FIRST_SYLLABLE
    return _INITIALS[number // 588] + _VOWELS[number % 588 // 28] + _FINALS[number % 28]


_WIDTHS = {  # of Computer Modern, in ems, rounded up
    **dict.fromkeys("fijlrtI.,:;'!|()[]`", 0.4),
    **dict.fromkeys("mw", 0.84),
    **dict.fromkeys("MW%@&", 1.04),
    **dict.fromkeys("−±×≥≤→", 0.8),
    "…": 1.2,
    "–": 0.5,
    " ": 0.34,
}


def ems(text: str) -> float:
    """About how wide a text is set, rather too wide than too narrow."""
    return sum(_ems(letter) for letter in text)


def _ems(letter: str) -> float:
    if letter in _WIDTHS:
        return _WIDTHS[letter]
    if letter.isascii():
        return 0.76 if letter.isupper() else 0.53
    shown = _letter(letter, "")
    if shown == letter:
        return 1.0  # Hangul
    return 0.7 * len(shown) if shown.startswith("[") or shown.isalpha() else 0.8
