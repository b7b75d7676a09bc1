"""Korean particles (josa), whose form depends on how the word before them ends: what only the finished sentence knows.

The catalogue writes both forms, as Korean prints them where it does not know: "{method}은(는)". Which one is right depends on
whether the word's last sound is a consonant; of 으로(로) also ㄹ takes the short form. Of Latin letters and digits the usual
Korean reading decides.
"""

from __future__ import annotations

import re

_FORMS = {
    "은(는)": ("은", "는"),
    "이(가)": ("이", "가"),
    "을(를)": ("을", "를"),
    "과(와)": ("과", "와"),
    "으로(로)": ("으로", "로"),
}
_PATTERN = re.compile(r"([^\W_])([^\w\s]*)(" + "|".join(re.escape(form) for form in _FORMS) + ")")
_FIRST, _LAST, _FINALS, _RIEUL = 0xAC00, 0xD7A3, 28, 8  # Hangul syllables; finals of one vowel; the final ㄹ
_DIGITS = {
    "0": 1,
    "1": _RIEUL,
    "3": 1,
    "6": 1,
    "7": _RIEUL,
    "8": _RIEUL,
}  # 영 일 삼 육 칠 팔; the others end in a vowel
_LETTERS = {
    "l": _RIEUL,
    "r": _RIEUL,
    **dict.fromkeys("mnbpktcgd", 1),
}  # 엘, 캠, 넷: as Korean spells words of these ends


def final_of(letter: str) -> int:
    """The final consonant of the syllable that a letter or digit is read as: 0 for none, 8 for ㄹ, another for others."""
    if _FIRST <= ord(letter) <= _LAST:
        return (ord(letter) - _FIRST) % _FINALS
    return {**_DIGITS, **_LETTERS}.get(letter.lower(), 0)


def with_particles(text: str) -> str:
    """The text with every double form, such as "은(는)", resolved by the word before it; closing marks are looked over."""
    return _PATTERN.sub(_resolved, text)


def _resolved(found: re.Match[str]) -> str:
    letter, marks, form = found.groups()
    final, (after_consonant, after_vowel) = final_of(letter), _FORMS[form]
    short = not final or (form == "으로(로)" and final == _RIEUL)
    return letter + marks + (after_vowel if short else after_consonant)
