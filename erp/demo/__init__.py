"""The demo company: invented people, products and customers, and twelve months of their business."""

from collections.abc import Callable

from core import access, context
from core.models import User
from erp.demo import world
from erp.demo.story import Story

DOMAIN = "demo.example"


def build(company: context.Company, password: str, say: Callable[[str], None] = lambda sentence: None) -> None:
    """Fill a new company that has nothing but its owner. Its people sign in with the password. Takes about a minute."""
    with context.bind(company), context.calling(context.Call(channel="command")):
        owner = User.objects.get(roles__key="owner")
        Story(access.actor_for(owner), password, DOMAIN, say).tell()


def sign_ins() -> list[tuple[str, str]]:
    """E-mail address and role of some of its people, one of each way to look at the company."""
    wanted = ("ingrid", "claire", "liwei", "amara")
    return [(f"{mail}@{DOMAIN}", f"{name}, {role}, {unit}") for name, mail, unit, role, _language in world.PEOPLE if mail in wanted]
