"""How much a text reads like a person's name: its script, its letters, the beginnings of names.

The letters are in the order of how often names use them. The lists are short: they only have to tell right readings
of a few bytes from wrong ones.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

Score = Callable[[str], float]
"""From 0, nonsense, to 1: how much a text reads like a name in one script."""

REPLACED = "\N{REPLACEMENT CHARACTER}"
LOST = re.compile(r"\w\?|\?\w|\?\?")
SEPARATORS = re.compile(r"[\s^=\\\0,.()'’\-·・/]+")
EUROPEAN_LETTERS = ("Lu", "Ll", "Lt", "Lm", "Mn", "Mc")

LATIN = "äöüéèßáóíñçåøæðþêëïîôàâúûùãõìòýÿœšžłśćńżźąęčřěůňťďőűăşșţțğıđľĺŕā"
GREEK = "αοςσιντρεηλκπυμγδθβχφωζξψάίόήέύώϊϋΐΰ"
CYRILLIC = "аоеинврлктсмдуяпгйбьчхшзжюыфцщэёіїєґъ"
HEBREW = "יולמארנבדהשתחגקצפעסטזכםןךףץ"
ARABIC = "المينرحدعبسوتقةفهكطخجصشزغضىأإآؤئذثظ"
THAI = "านรมสวยชกตพดลทธศิี์ัุงปบจณะเอภไำูู่้ค"
CHINESE_FAMILIES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金"
    "韦贾夏付方邹熊白孟秦邱侯江尹薛闫雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤康易乔文施洪季温俞安梅章樊葛"
    "張劉陳楊黃趙吳孫馬羅鄭謝許韓馮鄧蕭蔣葉蘇呂盧鍾譚陸韋賈鄒龍賀顧龔萬錢戴嚴歐莊詹游柯簡翁連藍"
)
CHINESE_GIVEN = frozenset(
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂英华红玉建国文小东海春雪梅志秀生永德宝新晓家怡美雅淑惠"
    "偉靜麗強軍傑華國東曉寶"
)
JAPANESE_FAMILIES = frozenset(
    "佐鈴高田伊渡山中小加吉斎松井木林清石前藤岡長川近村坂青福西太三岩原上大野菊久工今酒内平新宮横神島河安北水武東本古市金"
    "杉増丸関森池橋阿和遠後竹桜柴荒服星浅飯秋土沢辻堀早永矢馬成須"
)
JAPANESE_GIVEN = frozenset("子郎太美一二三夫雄男江代香恵介也人之樹真由明智浩正和博隆健翔陽花愛結奈菜希里紀幸良次")
KOREAN_FAMILIES = frozenset(
    "김이박최정강조윤장임한오서신권황안송류유전홍고문양손배백허남심노하곽성차주우구민나진지엄채원천방공현함"
)


def is_broken(text: str) -> bool:
    """What no name has: replaced letters, control characters, ``?`` in the place of a letter."""
    if REPLACED in text or LOST.search(text):
        return True
    return any(unicodedata.category(letter) in ("Cc", "Co", "Cn", "Cs") for letter in text)


def is_odd(text: str) -> bool:
    """Whether this is unlike a name in any script: broken, signs within it, scripts mixed in a word, accents only."""
    return is_broken(text) or any(_is_odd_word(word) for word in words(text))


def words(text: str) -> list[str]:
    """What lies between the separators of a name and of its parts (PS3.5 6.2.1.1)."""
    return [word for word in SEPARATORS.split(text) if word]


def alphabet(letters: str, *, cased: bool = False) -> Score:
    """The score for a script of few letters, the usual ones first. ``cased``: wrong readings are in ``mIxEd`` case."""
    weights = {letter: 1 - 0.6 * rank / len(letters) for rank, letter in enumerate(letters)}

    def score(text: str) -> float:
        if is_odd(text):
            return 0.0
        foreign = _foreign(text)
        usual = sum(weights.get(letter.lower(), -1.0) for letter in foreign) / len(foreign)
        return max(0.0, usual) * (_usual_case(text) if cased else 1.0)

    return score


def chinese(text: str) -> float:
    """The score for names in hanzi, simplified or traditional."""
    return _east_asian(text, "[\u3400-\u9fff]", _usual_hanzi, CHINESE_FAMILIES, CHINESE_GIVEN)


def japanese(text: str) -> float:
    """The score for names in kanji and kana."""
    return _east_asian(
        text, "[\u3400-\u9fff々〆ヶ\u3041-\u30ff\uff66-\uff9f]", _usual_kanji, JAPANESE_FAMILIES, JAPANESE_GIVEN
    )


def half_width_kana(text: str) -> float:
    """The score for names in the half width katakana of JIS X 0201."""
    return 0.8 if not is_odd(text) and all("\uff66" <= letter <= "\uff9f" for letter in _foreign(text)) else 0.0


def korean(text: str) -> float:
    """The score for names in hangul, with hanja beside them."""
    return _east_asian(text, "[\uac00-\ud7a3\u4e00-\u9fff]", _is_hangul, KOREAN_FAMILIES, frozenset())


def _east_asian(
    text: str, letters: str, usual: Callable[[str], bool], families: frozenset[str], given: frozenset[str]
) -> float:
    """Letters of the script alone; the more, the more usual they are and the more words begin or go on as names do."""
    foreign = _foreign(text)
    if is_odd(text) or not all(re.fullmatch(letters, letter) for letter in foreign):
        return 0.0
    common = sum(map(usual, foreign)) / len(foreign)
    begins = any(word[0] in families for word in words(text))
    goes_on = any(letter in given for word in words(text) for letter in word)
    return 0.5 * common + 0.35 * begins + 0.15 * (goes_on or (begins and not given))


def _usual_hanzi(letter: str) -> bool:
    """The 3,755 characters of GB 2312's first level, or the 5,401 of Big5's."""
    return _lead(letter, "gb2312") in range(0xB0, 0xD8) or _lead(letter, "big5") in range(0xA4, 0xC7)


def _usual_kanji(letter: str) -> bool:
    """Kana, and the 2,965 kanji of JIS X 0208's first level."""
    return letter < "\u3400" or letter >= "\uff66" or _lead(letter, "euc_jp") in range(0xB0, 0xD0)


def _is_hangul(letter: str) -> bool:
    return "\uac00" <= letter <= "\ud7a3"


def _lead(letter: str, encoding: str) -> int:
    encoded = letter.encode(encoding, "ignore")
    return encoded[0] if len(encoded) == 2 else 0


def _foreign(text: str) -> list[str]:
    return [letter for letter in text if not letter.isascii()] or [REPLACED]


def _usual_case(text: str) -> float:
    """The share of words that are ``Title``, ``UPPER`` or, less usual, ``lower``."""
    cased = [word for word in words(text) if not word.isascii()]
    good = sum(word.istitle() or word.isupper() for word in cased)
    return (good + 0.6 * sum(word.islower() for word in cased)) / max(1, len(cased))


def _is_odd_word(word: str) -> bool:
    if any(not letter.isascii() and not _is_letter(letter) for letter in word):
        return True
    scripts = {_script(letter) for letter in word if letter.isalpha()}
    return len(scripts) > 1 or (scripts == {"latin"} and _is_accents_only(word))


def _is_accents_only(word: str) -> bool:
    """Between letters with accents stand plain ones: three in a row, or a word of them alone, are in no name."""
    letters = [letter for letter in word if letter.isalpha()]
    return (len(letters) > 1 and not any(map(str.isascii, letters))) or bool(re.search("[\u00c0-\u024f]{3}", word))


def _is_letter(sign: str) -> bool:
    category = unicodedata.category(sign)
    return category in EUROPEAN_LETTERS or (category == "Lo" and sign not in "ªº")


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    """The first word of a letter's Unicode name; scripts that one word may mix count as one."""
    first = re.split("[ -]", unicodedata.name(letter, "?"))[0].lower()
    return "east asian" if first in ("cjk", "hiragana", "katakana", "halfwidth", "fullwidth", "hangul") else first
