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
_PATTERN = re.compile(
    r"(?P<word>[^\W_]+|[+%])(?P<between>(?:\([^()]*\)|[^\w\s+%])*)(?P<form>" + "|".join(re.escape(form) for form in _FORMS) + ")"
)  # what stands in brackets is looked over, as Korean does; "%" and "+" are read out
_FIRST, _LAST, _FINALS, _RIEUL = 0xAC00, 0xD7A3, 28, 8  # Hangul syllables; finals of one vowel; the final ㄹ
_DIGITS = {"0": 1, "1": _RIEUL, "3": 1, "6": 1, "7": _RIEUL, "8": _RIEUL}  # 영 일 삼 육 칠 팔; the others end in a vowel
_SPELT = {"L": _RIEUL, "R": _RIEUL, "M": 1, "N": 1}  # 엘 알 엠 엔; the names of the other letters end in a vowel
_ENDINGS = (
    (re.compile(r"le?$"), _RIEUL),  # 모델, 비글
    (re.compile(r"([mn]e?|ng)$"), 1),  # 캠, 베이스라인, 풀링
    (re.compile(r"([aeiou][bckpt]|ck)$"), 1),  # 웹, 맵, 넷, 블록; but 네트워크, 테스트
)  # the others end in a vowel: 리트리버, 하운드, 퍼그


def final_of(word: str) -> int:
    """The final consonant that a word, number or sign is read with: 0 for none, 8 for ㄹ, another for others."""
    last = word[-1]
    if _FIRST <= ord(last) <= _LAST:
        return (ord(last) - _FIRST) % _FINALS
    if last.isupper():
        return _SPELT.get(last, 0)
    return _DIGITS.get(last, next((final for ending, final in _ENDINGS if ending.search(word.lower())), 0))


def with_particles(text: str) -> str:
    """The text with every double form, such as "은(는)", resolved by the word before it; marks and brackets are looked over."""
    return _PATTERN.sub(_resolved, text)


def _resolved(found: re.Match[str]) -> str:
    word, between, form = found["word"], found["between"], found["form"]
    final, (after_consonant, after_vowel) = final_of(word), _FORMS[form]
    short = not final or (form == "으로(로)" and final == _RIEUL)
    return word + between + (after_vowel if short else after_consonant)
