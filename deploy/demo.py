"""The demo company of ``up --demo``: made once, found again later. What is in it is ``erp.demo``'s."""

from collections.abc import Callable, Iterator

from django.conf import settings

from core import context
from erp import demo
from tenants import provision
from tenants.models import Company

SUBDOMAIN = "demo"
NAME = "Harbour Instruments"
EMAIL = "owner@demo.example"
OWNER = "Morgan Hale"


def ensure(say: Callable[[str], None]) -> None:
    """Make the demo company where it does not exist; takes a while the first time and says so.

    A note in the data folder stands while it is being made: what an interrupted run has left is dropped and made anew.
    """
    unfinished = settings.HOME.run / "demo-unfinished"
    with context.bind_public():
        there = Company.objects.filter(subdomain=SUBDOMAIN).first()
        if there is not None and not unfinished.exists():
            return
        if there is not None:
            say("Removing the demo company that an interrupted start left half made ...")
            provision.drop_company(there.frozen())
    say("Making the demo company, twelve months of invented business. This takes about a minute, once ...")
    unfinished.touch()
    company = provision.create_company(
        subdomain=SUBDOMAIN, name=NAME, email=EMAIL, password=settings.HOME.secrets["demo"], user_name=OWNER, country="US", currency="USD",
        vouched=True,
    )
    demo.build(company.frozen(), settings.HOME.secrets["demo"], say)
    unfinished.unlink()


def sign_ins(address: str) -> Iterator[str]:
    """Where to go and what to type there, line by line. The password is this installation's own."""
    people = [(EMAIL, "owner"), *demo.sign_ins()]
    width = max(len(email) for email, _ in people)
    yield f"Demo company: {address.format(SUBDOMAIN)}   password for everyone: {settings.HOME.secrets['demo']}"
    for email, who in people:
        yield f"    {email:{width}}  {who}"
