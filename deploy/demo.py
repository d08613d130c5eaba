"""The demo company of ``up --demo``: made once, found again later. What is in it is ``erp.demo``'s."""

from collections.abc import Callable, Iterator

from django.conf import settings

from core import context
from erp import demo
from tenants import provision
from tenants.models import Company

SUBDOMAIN = "demo"
EMAIL = "owner@demo.example"


def ensure(say: Callable[[str], None]) -> None:
    """Make the demo company where it does not exist; takes a while the first time and says so.

    One whose making was interrupted is recognised by the note that is missing in the data folder, and refused in a sentence.
    """
    with context.bind_public():
        exists = Company.objects.filter(subdomain=SUBDOMAIN).exists()
    if exists:
        return
    say("Making the demo company: twelve months of business, about a minute ...")
    company = provision.create_company(
        subdomain=SUBDOMAIN, name="Harbour Trading", email=EMAIL, password=settings.HOME.secrets["demo"], country="US", currency="USD"
    )
    demo.build(company)


def sign_ins(address: str) -> Iterator[str]:
    """What to type where, line by line. The password is this installation's own."""
    yield f"Demo company: {address.format(SUBDOMAIN)}"
    yield f"    {EMAIL}  {settings.HOME.secrets['demo']}"
