"""The active language and time zone, kept by the interpreter's own context variables.

A page asks some six hundred times which language is active, for each text and number of it. Django keeps it behind asgiref's ``Local``, whose answer
takes some microseconds and comes to a tenth of the time of a page; a context variable takes a fortieth of one, and is as much each thread's and task's own.
"""

from contextvars import ContextVar
from typing import Any

from django.utils import timezone
from django.utils.translation import trans_real

NOTHING = object()


class Active:
    """A place for one value, ``value``, of each thread and task its own. As of a ``Local``, it is an AttributeError where nothing was put."""

    def __init__(self, name: str):
        self._held: ContextVar[Any] = ContextVar(name, default=NOTHING)

    @property
    def value(self) -> Any:
        found = self._held.get()
        if found is NOTHING:
            raise AttributeError("value")
        return found

    @value.setter
    def value(self, new: Any) -> None:
        self._held.set(new)

    @value.deleter
    def value(self) -> None:
        self._held.set(NOTHING)


def install() -> None:
    """Django asks these from now on; what is active goes on."""
    for module in (trans_real, timezone):
        if not isinstance(module._active, Active):
            before, module._active = module._active, Active(f"odos_{module.__name__}")
            if hasattr(before, "value"):
                module._active.value = before.value
