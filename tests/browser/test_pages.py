"""Every kind of page, wide and narrow, light and dark, in English and Chinese: accessible, inside its policy, inside its window."""

import os

import pytest

from core import access, door, kpi, registry, structures, write
from tests import people

# Each pair of width, theme and language is met once; the long run takes all eight.
VARIANTS = [(1440, "light", "en"), (1440, "dark", "zh-Hans"), (390, "dark", "en"), (390, "light", "zh-Hans")]
if os.environ.get("ODOS_LONG"):
    VARIANTS = [(width, theme, language) for width in (1440, 390) for theme in ("light", "dark") for language in ("en", "zh-Hans")]


@pytest.fixture(scope="module")
def shown(company, alice):
    """Addresses of pages with something on them."""
    actor, today = access.actor_for(alice), structures.today().isoformat()

    def make():
        account = write.create(actor, registry.get("accounts"), {"name": "华为技术有限公司", "roles": ["customer"], "country": "CN", "city": "深圳"})
        contact = write.create(actor, registry.get("contacts"), {"name": "Zoë Müller", "account": str(account.pk), "email": "zoe@example.com"})
        product = write.create(actor, registry.get("products"), {"sku": "P-1", "name": "Pump with a rather long name", "unit_price": "1234.56"})
        lines = [{"product": str(product.pk), "quantity": "3"}, {"product": str(product.pk), "quantity": "1", "discount": "0.1"}]
        charges = [{"name": "Freight", "amount": "12"}]
        about = {"type": "accounts", "id": str(account.pk)}
        task = {"kind": "task", "subject": "Send the samples", "due_at": f"{today}T08:00", "about": about}
        write.create(actor, registry.get("activities"), {**task, "owner": str(alice.pk)})
        order = write.create(actor, registry.get("orders"), {"account": str(account.pk), "contact": str(contact.pk), "lines": lines, "charges": charges})
        order = write.act(actor, registry.get("orders"), order.pk, "confirm", {"date": today})
        draft = write.create(actor, registry.get("orders"), {"account": str(account.pk), "lines": lines})
        return account, order, draft

    account, order, draft = door.writing(make)
    drill = door.reading(lambda: kpi.value(actor, kpi.definition("order-intake"), kpi.Question())).drill
    return [
        "/", "/kpis/", "/kpis/order-intake/?group_by=country", "/kpis/order-intake/?group_by=unit&rollup=true", f"/facts/?{drill}",
        "/accounts/?country=CN&q=hw", f"/accounts/{account.pk}/", f"/orders/{order.pk}/", f"/orders/{draft.pk}/edit/", "/orders/new/",
        "/search/?q=p", "/me/", "/accounts/import/",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def readers(company):
    """An owner for each language."""
    return {language: people.new_user(f"Reader{n}", "owner", language=language) for n, language in enumerate(("en", "zh-Hans"))}


@pytest.mark.parametrize("width, theme, language", VARIANTS)
def test_pages_of_signed_in_people(screen, company, shown, readers, width, theme, language):
    tab, problems = screen(company, readers[language], width, theme), []
    for path in shown:
        page = tab.open(path)
        if page.locator("[data-chart]").count():
            page.locator("[data-chart] svg").first.wait_for()
        problems += tab.problems()
    assert problems == []


@pytest.mark.parametrize("width, theme, language", VARIANTS[1:3])
def test_pages_of_strangers(screen, company, width, theme, language):
    tab, problems = screen(company, None, width, theme), []
    tab.page.context.add_cookies([{"name": "language", "value": language.lower(), "url": tab.origin}])
    public = screen(None, None, width, theme)
    for one, path in ((tab, "/sign-in/"), (tab, "/password/reset/"), (public, f"/?lang={language.lower()}"), (public, "/signup/")):
        one.open(path)
        problems += one.problems()
    assert problems == []


def test_a_menu_and_the_keys_are_accessible_too(screen, company, readers):
    tab = screen(company, readers["en"])
    page = tab.open("/accounts/")
    page.locator("[popovertarget=menu-new]").first.click()
    problems = tab.problems()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.locator("#keys").wait_for()
    assert problems + tab.problems() == []
