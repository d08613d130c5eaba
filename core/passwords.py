"""What is wrong with a password somebody wants to take, in sentences of our own. Stores and compares none."""

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


def faults(password: str, user: Any = None) -> list[str]:
    """Sentences, none where the password is good. Reads no table."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        return [_sentence(reason) for reason in error.error_list]
    return []


def _sentence(reason: ValidationError) -> str:
    """The framework's own words stay untranslated, as its app of accounts is not installed."""
    if reason.code == "password_too_short":
        return _("A password needs at least %(least)d characters.") % {"least": reason.params["min_length"]}
    if reason.code == "password_too_common":
        return _("This password is too common. Please choose another one.")
    return " ".join(reason.messages)
