"""How an account is written to: its address block, and the language it is likely to read."""

from django.utils.translation import get_language

from core import context
from core.codes import countries
from crm.models import Account, Contact

CHINESE = ("CN", "SG")  # where Simplified Chinese is read in business


def block(account: Account, contact: Contact | None = None) -> tuple[str, ...]:
    """The lines of an address in the active language's order; the country only where it is not the company's own. Cost: none."""
    abroad = countries().get(account.country, account.country) if account.country and account.country != context.company().country else ""
    town = " ".join(part for part in (account.postal_code, account.city) if part)
    place: tuple[str, ...]
    if (get_language() or "").startswith("zh") and account.country in ("CN", "TW", "HK", "MO"):
        parts = [part for part in (abroad, account.region, account.city, account.street) if part]
        place = ((" " if any(part.isascii() for part in parts) else "").join(parts), account.postal_code)
    else:
        place = (*account.street.splitlines(), ", ".join(part for part in (town, account.region) if part), abroad)
    return tuple(line for line in (account.name, contact.name if contact else "", *place) if line)


def language(account: Account) -> str:
    """``zh-Hans`` or ``en`` by the account's country; empty where it has none."""
    return ("zh-Hans" if account.country in CHINESE else "en") if account.country else ""


ADDRESS = ("name", "street", "city", "region", "postal_code", "country")
REVEALS = ("account", *(f"account.{name}" for name in ADDRESS))  # of a paper that has an address block
