"""How text is ordered and found: sort keys (Chinese by pinyin) and the grams of search. Pure functions over strings.

PostgreSQL here has no ICU, so a name carries its own key; trigrams do not reach one or two Chinese characters, so those
are found by grams.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache

HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0002ebef]")
SEARCH_CAP = 4000  # characters of a record that are searched
OTHER = "\0"  # stands before what of a text is not read as Chinese


def fold(text: str) -> str:
    """Text as it is compared: NFKC, case folded, white space collapsed."""
    if text.isascii():
        return " ".join(text.lower().split())
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@lru_cache(maxsize=4096)
def sort_key(name: str) -> str:
    """The key a name sorts by, at most 400 characters. Chinese names sort by pinyin, then by their characters."""
    folded = fold(name)
    if folded.isascii() or not HAN.search(folded):
        return folded[:400]
    return (" ".join(part.removeprefix(OTHER) for part in _read(folded[:100])) + "\u0001" + folded)[:400]


@cache
def prepare() -> tuple[Callable[..., list[str]], re.Pattern, Callable[[str], list[str]]]:
    """Reading Chinese: of a word, what is Chinese, where words part. Cost: a quarter of a second and 20 MB, once, for a process that meets Chinese."""
    from pypinyin import lazy_pinyin  # noqa: PLC0415 - the dictionary is most of what a command would take to start
    from pypinyin.constants import RE_HANS  # noqa: PLC0415 - as above
    from pypinyin.seg.simpleseg import seg  # noqa: PLC0415 - as above

    return lazy_pinyin, RE_HANS, seg


def _read(text: str) -> list[str]:
    """The syllables of a text; what is not Chinese stands among them after a mark."""
    _lazy_pinyin, chinese, parted = prepare()
    return [part for word in parted(text) for part in (_spell(word) if chinese.match(word) else (OTHER + word,))]


@lru_cache(maxsize=20_000)
def _spell(word: str) -> tuple[str, ...]:
    """The syllables of a character, or of a word whose characters are read together. The words of names come again and again."""
    return tuple(prepare()[0](word, errors=lambda rest: [OTHER + rest]))


def key_of(text: str, joint: str = "-") -> str:
    """The text in plain lower-case letters and digits, words joined: 试驾 is shi-jia, “Größe (cm)” is grosse-cm. May be empty."""
    folded = fold(text[:200])
    spelt = " ".join(prepare()[0](folded, errors=lambda rest: [f" {rest} "])) if not folded.isascii() else folded
    plain = unicodedata.normalize("NFKD", spelt).encode("ascii", "ignore").decode()
    return joint.join(re.findall("[a-z0-9]+", plain))


def _initials(text: str) -> str:
    return "".join(part[0] for part in _read(text) if not part.startswith(OTHER))


def search_text(parts: list[str]) -> str:
    """What trigrams are made of: the folded texts and, for Chinese, the initials of their pinyin."""
    folded = [fold(part)[:SEARCH_CAP] for part in parts if part]
    initials = [_initials(part[:200]) for part in folded if not part.isascii() and HAN.search(part)]
    return "\n".join([*folded, *initials])[: 2 * SEARCH_CAP]


def grams(text: str) -> list[str]:
    """Single Chinese characters, pairs that hold one, and the one or two letters words begin with."""
    words = text[:SEARCH_CAP].split()
    if text.isascii():
        return sorted({word[:n] for word in words for n in (1, 2)})
    found: set[str] = set()
    for word in words:
        if not HAN.search(word):
            found.update((word[:1], word[:2]))
            continue
        for i, letter in enumerate(word[:400]):
            if HAN.match(letter):
                found.add(letter)
                if i + 1 < len(word):
                    found.add(word[i : i + 2])
            elif i == 0:
                found.update({word[:1], word[:2]})
    return sorted(found)
