"""What can go wrong, as values every channel (page, API, import, task) shows in its own way. No HTTP here.

Every message is a full sentence its reader can act on, already translated when raised.
"""

from collections.abc import Mapping


class OdosError(Exception):
    """A refusal the reader can understand; anything else that escapes is a defect."""

    @property
    def sentences(self) -> list[str]:
        """All that it says, whatever it belongs to."""
        return [str(self)] if str(self) else []


def speakable(text: object) -> str:
    """What can be written as UTF-8: an error may quote what somebody sent, and half a surrogate pair is no text."""
    return str(text).encode("utf-8", "replace").decode().replace("\x00", "")


class RuleError(OdosError):
    """Input that breaks a rule. ``errors`` maps a field's name to its sentences; ``_`` holds what belongs to no field.

    A line's field is ``lines.0.quantity``, a batch's ``3.name`` (contract, Errors). Pages show it at the field, the API as 422.
    """

    def __init__(self, errors: Mapping[str, list[str]] | str):
        named = {"_": [errors]} if isinstance(errors, str) else errors
        self.errors = {speakable(name): [speakable(s) for s in sentences] for name, sentences in named.items()}
        super().__init__("; ".join(f"{k}: {' '.join(map(str, v))}" for k, v in self.errors.items()))

    @property
    def sentences(self) -> list[str]:
        return [sentence for found in self.errors.values() for sentence in found]


class Unparsable(OdosError):
    """Bytes that are not what they claim to be: broken JSON, broken CSV. 400."""


class Missing(OdosError):
    """There is no such thing, or the actor may not know that there is. 404, always the same answer for both."""


class Denied(OdosError):
    """An act that the actor may not do on what the actor can see. 403."""


class Stale(OdosError):
    """The record changed since the actor read it. ``record`` is the present one. 412, or side by side on a page."""

    def __init__(self, record):
        self.record = record
        super().__init__("The record has changed since you opened it.")


class VersionRequired(OdosError):
    """A change without the version it was made against. 428."""


class WrongState(OdosError):
    """The act is not possible from the record's present state. 409."""
