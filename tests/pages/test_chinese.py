"""What a reader of Chinese sees: no page, label or refusal of a Chinese company is in English; numbers and days are written as in China."""

import re
from datetime import date, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
from django.utils import translation
from django.utils.translation import trans_real

from core import access, figures, kpi, passwords, periods, registry, structures, write
from core.models import User
from deploy.translations import compile_changed
from tests import people

HAN = re.compile("[一-鿿]")
OWN_PAGES = ("kpis", "dashboards", "packs", "custom-fields", "layouts")  # these are made on pages of their own, with tests of their own
SAME_IN_BOTH = {"ID", "API", "KPI", "Odos"}  # labels that are the same word in Chinese


@pytest.fixture(scope="module", autouse=True)
def compiled():
    """The catalogue as it stands, not as it was when it was last installed."""
    if compile_changed():
        trans_real._translations.clear()


def labels():
    """Every label of the registry, with where it stands."""
    for t in registry.every():
        yield t.slug, t.label
        yield t.slug, t.plural
        for home, fields in (
            ("", t.fields),
            *((lines.name, lines.fields) for lines in t.lines),
            *((a.name, {f.name: f for f in a.fields}) for a in t.acts),
        ):
            for name, f in fields.items():
                yield f"{t.slug} {home}.{name}", f.label
                if f.kind in ("choice", "choices"):
                    yield from ((f"{t.slug} {home}.{name} {key}", label) for key, label in f.choices().items())
        yield from ((f"{t.slug} {lines.name}", lines.label) for lines in t.lines)
        yield from ((f"{t.slug} {act.name}", act.label) for act in t.acts)
        yield from ((f"{t.slug} {key}", label) for key, label, _tone in t.statuses)
        yield from ((t.slug, word) for word in (t.group,) if word)
    for home in (registry.measures, registry.dimensions, registry.kpis):
        yield from ((key, one.label) for key, one in home.items())
    for key, one in registry.kpis.items():
        yield from ((key, one.formula), (key, one.date_basis))


@pytest.fixture(scope="module")
def chinese():
    """A company whose people and records have Chinese names, with something of each kind; its owner."""
    made = people.new_company(name="远景贸易", language="zh-Hans", user_name="王芳", currency="CNY", timezone="Asia/Shanghai", country="CN")
    with people.context.bind(made):
        yield made, people.owner_of(made)


def test_every_label_is_chinese_for_chinese_readers(company):
    with translation.override("zh-hans"):
        said = [(where, str(label)) for where, label in labels()]
    assert len(said) > 200
    assert [(where, label) for where, label in said if not HAN.search(label) and label not in SAME_IN_BOTH] == []


def test_numbers_days_and_periods_are_written_as_in_china(chinese):
    fields, lines = registry.get("orders").fields, registry.get("orders").lines[0].fields
    intake = kpi.definition("order-intake")
    with translation.override("zh-hans"):
        assert [figures.period_label(periods.parse(key, date(2026, 11, 21), 1)) for key in ("2026-07", "2026-Q3", "2026", "2026-07-01..2026-07-15")] == [
            "2026年7月", "2026年第3季度", "2026年", "2026年7月1日 至 2026年7月15日",
        ]  # fmt: skip
        assert fields["order_date"].rules.text(fields["order_date"], date(2026, 7, 1)) == "2026年7月1日"
        assert fields["total"].rules.text(fields["total"], Decimal("1234567.8"), "CNY") == "¥1,234,567.80"
        assert fields["total"].rules.text(fields["total"], Decimal("1234567.8"), "USD") == "US$1,234,567.80"
        assert lines["discount"].rules.text(lines["discount"], Decimal("0.125")) == "12.5%"
        assert [figures.short(intake, Decimal(n)) for n in (38420, 8_400_000, 123_456_789)] == ["¥38,420", "¥840万", "¥1.2亿"]
        assert figures.full(intake, Decimal("8400000.5")) == "¥8,400,000.50"


def test_a_refused_password_is_refused_in_the_readers_language(chinese):
    with translation.override("zh-hans"):
        assert passwords.faults("short") == ["密码至少需要 10 个字符。"]
        assert passwords.faults("password12") == ["该密码过于常见，请换一个。"]


class Reader(HTMLParser):
    """What a page says: its texts and spoken attributes, and its links."""

    SILENT = ("script", "style", "svg", "code", "kbd")
    SPOKEN = ("aria-label", "title", "placeholder", "alt", "data-confirm", "label")

    def __init__(self, page):
        super().__init__()
        self.said, self.links, self._inside = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        # The way back to English says so in English; what is a language of its own is not translated.
        if tag in self.SILENT or found.get("lang") == "en" or found.get("translate") == "no":
            self._inside.append(tag)
        self.said += [found[name] for name in self.SPOKEN if found.get(name) and found.get("translate") != "no"]
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])

    def handle_endtag(self, tag):
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data):
        if data.strip() and not self._inside:
            self.said.append(" ".join(data.split()))


# Words of the Latin alphabet that Chinese readers see: names of products, formats, units and codes, and what people typed.
LATIN = re.compile(r"[A-Za-z][A-Za-z'’]+")
DATA = re.compile(r"zh-Hans|[A-Z]*-?\{year\}|\S+@\S+|\[\{.*\}\]|YYYY[-DHMT:]*|^[A-Z][A-Za-z_]+/[\w/ -]+$|^[A-Z]{3}$|^[A-Z]{3} · (?:[A-Z]{3}$)?|https?://\S+|\bSO-\d+-\d+\b|Asia/Shanghai")
KNOWN = {
    "Odos", "API", "CSV", "XLSX", "Excel", "KPI", "ID", "JSON", "UTC", "UTF", "MB", "CRM", "Ctrl", "Enter", "Esc", "OpenAPI", "English", "CNY", "com",
    "example", "https", "localhost",
}  # fmt: skip


def english(page):
    """Texts of a page with a word that no Chinese reader expects. Addresses, time zones, numbers of orders and codes before their names are data."""
    odd = set()
    for text in Reader(page).said:
        rest = DATA.sub(" ", text)
        if set(LATIN.findall(rest)) - KNOWN:
            odd.add(text)
    return odd


def test_a_text_left_in_english_is_noticed():
    page = '<title>订单</title><a title="Open it">打开</a><code>curl</code><p>客户 Odos</p><p>Owner</p><option>Draft</option>'
    assert english(page) == {"Open it", "Owner", "Draft"}


def make(owner, slug, **data):
    return people.writing(lambda: write.create(access.actor_for(owner), registry.get(slug), data))


def fill(owner: User) -> list[str]:
    """Records of each type; returns addresses that no page leads to first."""
    today = structures.today()
    account = make(owner, "accounts", name="深圳华为", roles=["customer"], country="CN")
    make(owner, "contacts", name="曾国藩", account=str(account.pk))
    category = make(owner, "product-categories", name="工具")
    product = make(owner, "products", sku="1001", name="锤子", category=str(category.pk), unit_price="100")
    make(owner, "activities", kind="email", subject="跟进报价", about={"type": "accounts", "id": str(account.pk)})
    make(owner, "tax-codes", code="13%", rate="0.13")
    make(owner, "custom-fields", type="accounts", key="k1", kind="text", label="等级")
    lines = [{"product": str(product.pk), "quantity": "3", "discount": "0.1"}]
    for day in (today - timedelta(days=40), today):
        order = make(owner, "orders", account=str(account.pk), lines=lines)
        people.writing(
            lambda order=order, day=day: write.act(access.actor_for(owner), registry.get("orders"), order.pk, "confirm", {"date": day.isoformat()})
        )
    make(owner, "orders", account=str(account.pk), lines=lines)
    return [f"/orders/{order.pk}/{act}" for act in ("", "?tab=history", "amend/", "close/", "cancel/")]


def shape(address: str) -> str:
    """Addresses of one shape are pages of one kind: ids differ, and which way a list is narrowed."""
    parts = urlsplit(address)
    kinds = [word for word in parts.query.split("&") if word.startswith("tab=") or word.split("=")[0] in ("rollup", "group_by")]
    return f"{re.sub(r'[0-9a-f-]{36}', '*', parts.path)}?{'&'.join(sorted(kinds))}"


def test_no_page_of_a_chinese_company_shows_english(chinese):
    """Every kind of page that can be reached by links from the start, and the pages of those who are not signed in."""
    company, owner = chinese
    seldom = fill(owner)
    client = people.signed_in(owner, company)
    waiting = [*seldom, "/", "/kpis/order-intake/?group_by=unit&rollup=true", "/search/?q=%E5%8D%8E%E4%B8%BA", "/search/?q=zzz", "/nowhere/"]
    seen, odd = set(), {}
    while waiting:
        address = waiting.pop(0)
        if shape(address) in seen or "format=csv" in address or address.startswith(("/api/", "/static/", "/sign-out")):
            continue
        seen.add(shape(address))
        answer = client.get(address, headers={"Accept": "text/html"})
        if "text/html" not in answer.headers.get("Content-Type", ""):
            continue
        page = answer.content.decode()
        assert answer.status_code in (200, 404, 302), (address, answer.status_code)
        for text in english(page):
            odd.setdefault(text, address)
        waiting += [link for href in Reader(page).links if (link := urljoin(address, href)).startswith("/")]
    guest = people.browser(company, HTTP_ACCEPT_LANGUAGE="zh-CN")
    for address in ("/sign-in/", "/password/reset/", "/password/new/?token=none"):
        for text in english(guest.get(address).content.decode()):
            odd.setdefault(text, address)
    public = people.browser(HTTP_ACCEPT_LANGUAGE="zh-CN")
    for address in ("/", "/signup/"):
        for text in english(public.get(address).content.decode()):
            odd.setdefault(text, address)
    assert odd == {}
    assert len(seen) > 60


def test_refused_forms_are_refused_in_chinese(chinese):
    company, owner = chinese
    client = people.signed_in(owner, company)
    said, odd = 0, {}
    for t in [t for t in registry.every() if t.writable and not t.rows and t.slug not in OWN_PAGES]:
        nonsense = dict.fromkeys(t.fields, "？") | {f"{lines.name}.0.{name}": "？" for lines in t.lines for name in lines.fields}
        for values in ({}, nonsense):
            answer = client.post(f"/{t.slug}/new/", {"whole": "1", **values})
            if values and answer.status_code == 302 and t.fields.keys() <= {"name", "allow_negative"}:
                continue  # nothing about it can be wrong: “？” is a name
            assert answer.status_code == 422, (t.slug, values)
            page = answer.content.decode()
            said += page.count('class="error"')
            odd |= dict.fromkeys(english(page), t.slug)
    wrong = people.browser(company, HTTP_ACCEPT_LANGUAGE="zh-CN").post("/sign-in/", {"email": owner.email, "password": "no-such-password"})
    odd |= dict.fromkeys(english(wrong.content.decode()), "sign-in")
    assert odd == {}
    assert said > 20
