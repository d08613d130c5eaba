"""What a company calls its own things, in the language of whoever reads it."""

from typing import Any

from django.utils.functional import lazy
from django.utils.translation import get_language
from django.utils.translation import gettext as _


def in_language(text: str, others: dict[str, str] | None) -> Any:
    """The text, read as that of the reader's language where the company gave one; decided when it is read. Cost: none."""
    return _lazy(text, others) if others else text


def wording_errors(**words: Any) -> dict[str, list[str]]:
    """What is wrong with names in further languages, by the field that holds them."""
    sentence = _("Names in other languages are written as {\"zh-Hans\": \"…\"}.")
    return {name: [sentence] for name, said in words.items() if not is_wording(said)}


def is_wording(value: Any) -> bool:
    """Whether this says a thing's name in further languages."""
    return isinstance(value, dict) and all(isinstance(k, str) and 2 <= len(k) <= 10 and isinstance(v, str) and len(v) <= 500 for k, v in value.items())


def _pick(text: str, others: dict[str, str]) -> str:
    language = (get_language() or "en").lower()
    for key, other in others.items():
        if other and (key.lower() == language or key.lower().partition("-")[0] == language.partition("-")[0]):
            return other
    return text


_lazy = lazy(_pick, str)

