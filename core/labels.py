"""What a company calls its own things, in the language of whoever reads it."""

from typing import Any

from django.utils.functional import lazy
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from core.codes import LANGUAGES

LONGEST = 500


def in_language(text: str, others: dict[str, str] | None) -> Any:
    """The text, read as that of the reader's language where the company gave one; decided when it is read. Cost: none."""
    return _lazy(text, others) if others else text


def wording_errors(**words: Any) -> dict[str, list[str]]:
    """What is wrong with names in further languages, by the field that holds them."""
    problems = {name: wording_problem(said) for name, said in words.items()}
    return {name: [sentence] for name, sentence in problems.items() if sentence}


def wording_problem(value: Any) -> str | None:
    """Why this says no thing's name in further languages; None where it does."""
    if not isinstance(value, dict) or not all(isinstance(k, str) and isinstance(v, str) and len(v) <= LONGEST for k, v in value.items()):
        return _("Names in other languages are written as {\"zh-Hans\": \"…\"}.")
    unknown = next((key for key in value if not any(_speaks(key, language) for language in LANGUAGES)), None)
    if unknown is None:
        return None
    return _("“%(language)s” is none of the languages there are: %(known)s.") % {"language": unknown[:20], "known": ", ".join(LANGUAGES)}


def is_wording(value: Any) -> bool:
    """Whether this says a thing's name in further languages."""
    return wording_problem(value) is None


def _speaks(key: str, language: str) -> bool:
    """Whether words under this key are for readers of that language: ``zh`` and ``zh-CN`` are read where Chinese is."""
    return key.lower().partition("-")[0] == language.lower().partition("-")[0]


def _pick(text: str, others: dict[str, str]) -> str:
    language = get_language() or "en"
    exact = next((other for key, other in others.items() if other and key.lower() == language.lower()), "")
    return exact or next((other for key, other in others.items() if other and _speaks(key, language)), text)


_lazy = lazy(_pick, str)
