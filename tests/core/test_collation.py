"""The short ways in which texts are spelt, divided and dialled say exactly what the long ways say."""

import os
import re
from random import Random

import phonenumbers
import pytest
from pypinyin import Style, lazy_pinyin
from pypinyin.phrases_dict import phrases_dict

from core import collation
from core.kinds.digits import automaton, matches
from core.kinds.text import _international

MANY = 60_000 if os.environ.get("ODOS_LONG") else 1_500
HAN = [*map(chr, range(0x3400, 0x4DC0)), *map(chr, range(0x4E00, 0xA000)), *map(chr, range(0x20000, 0x20100))]
ODD = ["gmbh ", "(", "）", "〇", "々", "a", " ", "\u1680", "éß", "\x1d", "\ufe00", "\u00a0x", "\0"]


def drawn(draw: Random, words: list[str]) -> str:
    ways = (words, HAN, ODD)
    return "".join(draw.choice(draw.choice(ways)) for _ in range(draw.randint(1, 40)))


def test_chinese_is_spelt_as_the_library_spells_it():
    draw, words = Random(1), list(phrases_dict)
    for text in (collation.fold(drawn(draw, words)) for _ in range(MANY)):
        spelt = " ".join(lazy_pinyin(text[:100], errors=lambda rest: [rest])) + "\u0001" + text
        assert collation.sort_key(text) == (spelt if collation.HAN.search(text) else text)[:400], repr(text)
        assert collation._initials(text) == "".join(lazy_pinyin(text, style=Style.FIRST_LETTER, errors="ignore")), repr(text)


def test_grams_are_letters_and_pairs_of_chinese_and_the_beginnings_of_other_words():
    draw, words = Random(2), list(phrases_dict)
    for text in (drawn(draw, words) for _ in range(MANY)):
        found = set()
        for word in re.split(r"\s+", text):
            found |= {word[:1], word[:2]} if word and not collation.HAN.match(word) else set()
            found |= {word[i : i + n] for i, letter in enumerate(word) if collation.HAN.match(letter) for n in (1, 2)}
        assert collation.grams(text) == sorted(found), repr(text)


def test_a_number_with_its_countrys_code_is_read_as_the_library_reads_it():
    draw, codes, examples, short, kept = Random(3), list(phonenumbers.COUNTRY_CODE_TO_REGION_CODE), [], 0, 0
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        found = (phonenumbers.example_number_for_type(region, sort) for sort in range(11))
        examples += [phonenumbers.format_number(number, draw.choice((0, 1))) for number in found if number]
    for _ in range(MANY):
        if draw.random() < 0.5:
            letters = list(draw.choice(examples))
            for _ in range(draw.randint(0, 3)):
                letters[draw.randrange(1, len(letters))] = draw.choice("0123456789 -().")
            text = "".join(letters)
        else:
            rest = "".join(draw.choice("0123456789" * 3 + " -.()") for _ in range(draw.randint(4, 13)))
            text = f"+{draw.choice(codes)}{draw.choice(('', ' ', '-', ' (0)'))}{rest}"
        plain = _international(text)
        if plain:
            short += 1
            assert plain == _as_the_library_has_it(text, draw.choice(("US", "CN", "DE"))), text
            kept += plain == text
    assert short > MANY / 3 and kept > MANY / 10


def _as_the_library_has_it(text, country):
    """E.164 of what is a number, the text of what is none."""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return text
    assert number.extension is None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if phonenumbers.is_valid_number(number) else text


def test_automata_match_what_their_patterns_match():
    draw, met = Random(5), 0
    plans = [phonenumbers.PhoneMetadata.metadata_for_region(region, None) for region in sorted(phonenumbers.SUPPORTED_REGIONS)]
    patterns = sorted({sort.national_number_pattern for plan in plans for sort in (plan.general_desc, plan.fixed_line, plan.mobile) if sort is not None})
    patterns = [pattern for pattern in patterns if pattern] + ["1|23?(?:4{2}|[5-7]{1,3})?8", "(?:0|[1-3]|)9{0}", ""]
    for pattern in patterns:
        start = automaton([pattern, "77"])
        for _ in range(max(MANY // len(patterns), 20)):
            text = "".join(draw.choice("0123456789") for _ in range(draw.randint(0, 11)))
            assert matches(start, text) == bool(re.fullmatch(f"{pattern}|77", text)), (pattern, text)
            met += matches(start, text)
    assert met > 50
    for strange in ("1+", "(2)", "[^1]", "(?:1", "x", "[1", "1{"):
        with pytest.raises(ValueError):
            automaton([strange])
