"""What a company calls its own things, in the language of whoever reads it."""

from typing import Any

from django.utils.functional import lazy
from django.utils.translation import get_language


def in_language(text: str, others: dict[str, str] | None) -> Any:
    """The text, read as that of the reader's language where the company gave one; decided when it is read. Cost: none."""
    return _lazy(text, others) if others else text


def _pick(text: str, others: dict[str, str]) -> str:
    language = (get_language() or "en").lower()
    for key, other in others.items():
        if other and (key.lower() == language or key.lower().partition("-")[0] == language.partition("-")[0]):
            return other
    return text


_lazy = lazy(_pick, str)

