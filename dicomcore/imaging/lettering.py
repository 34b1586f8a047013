"""Text of any script in matplotlib's figures, with the fonts that are installed."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

LATIN = "DejaVu Sans"
"""Comes with matplotlib."""

OTHER_SCRIPTS = (
    "Noto Sans CJK JP",
    "Noto Sans JP",
    "IPAexGothic",
    "TakaoPGothic",
    "VL PGothic",
    "Hiragino Sans",
    "Yu Gothic",
    "Meiryo",
    "MS Gothic",
    "Noto Sans CJK SC",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "WenQuanYi Zen Hei",
    "Noto Sans CJK KR",
    "Apple SD Gothic Neo",
    "Malgun Gothic",
    "NanumGothic",
    "Noto Sans Thai",
    "Arial Unicode MS",
    "Droid Sans Fallback",
)
"""Fonts of Debian, macOS and Windows for names that the Latin one does not cover."""

NO_GLYPH = "□"


@lru_cache(maxsize=1)
def families() -> list[str]:
    """Those of the fonts that are installed, in the order in which a letter is looked for."""
    installed = set(fontManager.get_font_names())
    return [LATIN, *(name for name in OTHER_SCRIPTS if name in installed)]


@lru_cache(maxsize=1)
def _letters() -> frozenset[int]:
    fonts = (get_font(findfont(FontProperties(family=[name]))) for name in families())
    return frozenset().union(*(font.get_charmap() for font in fonts))


def drawable(text: str) -> str:
    """The text with □ for letters that no installed font has; control characters become spaces."""
    composed = unicodedata.normalize("NFC", text)
    spaced = (" " if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") else letter for letter in composed)
    return "".join(letter if ord(letter) in _letters() else NO_GLYPH for letter in spaced)


def shortened(text: str, width: int) -> str:
    """The text cut with an … where it is wider than ``width`` Latin letters; ideographs count twice."""
    used = 0
    for at, letter in enumerate(text):
        used += 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        if used > width:
            return text[: max(0, at - 1)].rstrip() + "…"
    return text
