"""Words of the templates that are about no type: a person's initials and colour, and an address with other words in it."""

from zlib import crc32

from django import template

from core.views.pages import initials as letters

register = template.Library()
HUES = 6


@register.filter
def initials(name: str) -> str:
    return letters(str(name))


@register.filter
def hue(name: str) -> int:
    """The same colour for the same name, everywhere and always."""
    return crc32(str(name).encode()) % HUES
