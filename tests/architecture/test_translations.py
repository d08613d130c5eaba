"""The product speaks Chinese throughout: every text has its translation, and no page of a Chinese company shows English."""

import ast
import re
import shutil
from datetime import date, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
from django.template import engines
from django.utils import translation
from django.utils.translation import trans_real

from core import access, figures, kpi, passwords, periods, registry, structures, write
from core.models import User
from deploy import messages
from deploy.translations import LOCALES, compile_changed
from tests import people
from tests.architecture import sources

CATALOGUES = sorted(LOCALES.glob("*/LC_MESSAGES/*.po"))
HEAD = 'msgid ""\nmsgstr ""\n"Language: zh_Hans\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n"Plural-Forms: nplurals=1; plural=0;\\n"\n\n'

# The finder -----------------------------------------------------------------------------------------------------------

PLANTED = """
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy
from django.utils.translation import gettext as _

LABEL = gettext_lazy("Late")
ROLE = pgettext_lazy("role", "Owner")


def sentence(name, n):
    for _unused in range(n):
        print(_(name))
    return _("Two parts that "
             "make one of %(name)s.") % {"name": name}, ngettext("%(n)d leaf", "%(n)d leaves", n)
"""
PAGE = """
  <p title="{% translate 'Shown on hover' %}">{{ _("Said in braces") }}</p>
{% if plum %}
        {% blocktranslate trimmed with who=user.name %}
          Kept by
          {{ who }}, 100 %.
        {% endblocktranslate %}
{% endif %}
{% comment %}{% translate "Said by nobody" %}{% endcomment %}
{% blocktranslate count n=page.count context "tree" %}{{ n }} leaf{% plural %}{{ n }} leaves{% endblocktranslate %}
{% translate "Owner" %} {% translate "Open" context "door" as open %}
"""


@pytest.fixture
def room(tmp_path):
    (tmp_path / "planted.py").write_text(PLANTED, encoding="utf-8")
    (tmp_path / "page.html").write_text(PAGE, encoding="utf-8")
    return tmp_path


def catalogue(tmp_path, body):
    source = tmp_path / "zh_Hans" / "LC_MESSAGES" / "django.po"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(HEAD + body, encoding="utf-8")
    return source


def test_texts_are_found_in_python_and_in_templates(room):
    assert set(messages.collect([room])) == {
        ("", "Late"), ("role", "Owner"), ("", "Two parts that make one of %(name)s."), ("", "%(n)d leaf"), ("", "Shown on hover"),
        ("", "Said in braces"), ("", "Kept by %(who)s, 100 %%."), ("tree", "%(n)s leaf"), ("", "Owner"), ("door", "Open"),
    }  # fmt: skip


def test_a_text_is_asked_for_by_the_template_engine_as_it_is_found(room, tmp_path, monkeypatch):
    """Otherwise a translation would stand in the catalogue and never on the page."""
    asked = []
    monkeypatch.setattr("django.utils.translation._trans.gettext", lambda text: asked.append(text) or text)
    template = "{% translate '5 % more' %}{% blocktranslate trimmed %}\n  Half of\n  {{ n }}\n{% endblocktranslate %}"
    engines["django"].from_string(template).render({"n": 2})
    (tmp_path / "page.html").write_text(template, encoding="utf-8")
    assert {("", text) for text in asked} <= set(messages.collect([tmp_path]))
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("", "Not translated: 'Late'"),
        ('msgid "Late"\nmsgstr ""\n', "Not translated: 'Late'"),
        ('#, fuzzy\nmsgid "Late"\nmsgstr "迟"\n', "Marked as uncertain: 'Late'"),
        ('msgid "Late"\nmsgstr "%(name)s 迟到"\n', "Other placeholders: 'Late'"),
        ('msgid "Late"\nmsgstr "{name}迟到"\n', "Other placeholders: 'Late'"),
        ('msgid "Late"\nmsgstr "%s 迟到"\n', "Other placeholders: 'Late'"),
        ('msgid "Late"\nmsgstr "迟到"\n\nmsgid "Early"\nmsgstr "早"\n', "No longer used: 'Early'"),
        ('msgid "Late"\nmsgstr "迟到"\n\n#~ msgid "Early"\n#~ msgstr "早"\n', "Left as a comment: 'Early'"),
    ],
)
def test_each_fault_of_a_catalogue_is_named(tmp_path, body, fault):
    (tmp_path / "planted.py").write_text('LABEL = gettext("Late")\n', encoding="utf-8")
    said = messages.faults(messages.collect([tmp_path]), messages.read(catalogue(tmp_path, body)))
    assert len(said) == 1
    assert said[0].startswith(fault)


def test_a_translation_of_another_context_is_none(tmp_path):
    (tmp_path / "planted.py").write_text('LABEL = gettext("Late")\n', encoding="utf-8")
    body = 'msgctxt "train"\nmsgid "Late"\nmsgstr "晚点"\n'
    said = messages.faults(messages.collect([tmp_path]), messages.read(catalogue(tmp_path, body)))
    assert [sentence.split(" (")[0] for sentence in said] == ["Not translated: 'Late'", "No longer used: 'Late' as train"]


def test_a_lost_placeholder_and_a_missing_plural_are_faults(tmp_path):
    (tmp_path / "planted.py").write_text('A = gettext("Kept by %(who)s, at {place}")\nB = ngettext("%d leaf", "%d leaves", 2)\n', encoding="utf-8")
    body = 'msgid "Kept by %(who)s, at {place}"\nmsgstr "由%(whom)s保管于{place}"\n\nmsgid "%d leaf"\nmsgid_plural "%d leaves"\nmsgstr[0] ""\n'
    said = messages.faults(messages.collect([tmp_path]), messages.read(catalogue(tmp_path, body)))
    assert [sentence.split(":")[0] for sentence in said] == ["Other placeholders", "Not translated"]


def test_a_catalogue_in_order_has_no_fault(tmp_path):
    (tmp_path / "planted.py").write_text('A = gettext("%(n)d of %(all)d, 100 %%")\nB = ngettext("One leaf", "%d leaves", 2)\n', encoding="utf-8")
    body = 'msgid "%(n)d of %(all)d, 100 %%"\nmsgstr "共 %(all)d 中的 %(n)d，100 %%"\n\nmsgid "One leaf"\nmsgid_plural "%d leaves"\nmsgstr[0] "%d 片叶子"\n'
    assert messages.faults(messages.collect([tmp_path]), messages.read(catalogue(tmp_path, body))) == []


def test_an_update_adds_what_is_new_keeps_what_is_said_and_drops_what_is_gone(room, tmp_path):
    body = 'msgid "Late"\nmsgstr "迟到"\n\nmsgid "Early"\nmsgstr "早"\n\nmsgctxt "role"\nmsgid "Owner"\nmsgstr "所有者"\n'
    source = catalogue(tmp_path, body)
    found = messages.collect([room])
    left = messages.update(source, found)
    kept = {messages.key(message): message.string for message in messages.read(source) if message.id}
    assert kept.keys() == found.keys()
    assert kept["", "Late"] == "迟到"
    assert kept["role", "Owner"] == "所有者"
    assert len(left) == len(found) - 2
    written = source.read_bytes()
    messages.update(source, found)
    assert source.read_bytes() == written  # neither times nor places: nothing to say, nothing changed
    assert b"planted.py" not in written
    assert b"POT-Creation-Date" not in written


# The product ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def compiled():
    """The catalogue as it stands, not as it was when it was last installed."""
    if compile_changed():
        trans_real._translations.clear()


@pytest.fixture(scope="module")
def found():
    return messages.collect()


def test_there_is_a_catalogue_for_each_language_but_english():
    assert [source.parent.parent.name for source in CATALOGUES] == ["zh_Hans"]


@pytest.mark.parametrize("source", CATALOGUES, ids=lambda source: source.parent.parent.name)
def test_every_text_has_its_translation(source, found):
    assert len(found) > 700
    assert messages.faults(found, messages.read(source)) == []


@pytest.mark.parametrize("source", CATALOGUES, ids=lambda source: source.parent.parent.name)
def test_the_catalogue_is_in_the_order_an_update_writes(source, found, tmp_path):
    copy = tmp_path / source.parent.parent.name / "LC_MESSAGES" / source.name
    copy.parent.mkdir(parents=True)
    shutil.copy(source, copy)
    messages.update(copy, found)
    assert copy.read_text(encoding="utf-8") == source.read_text(encoding="utf-8")


def test_chinese_sentences_end_as_they_do_in_english_and_use_full_width_marks(found):
    half_width = re.compile(r"[一-鿿][,;:!?](?!//)|[一-鿿]\.(?:\s|$)|[,;:!?][一-鿿]|\([一-鿿]")
    odd = []
    for message in messages.read(CATALOGUES[0]):
        forms = message.string if isinstance(message.string, tuple) else (message.string,)
        english = message.id if isinstance(message.id, str) else message.id[-1]
        odd += [form for form in forms if message.id and half_width.search(form)]
        odd += [form for form in forms if message.id and english.endswith(".") and re.search("[一-鿿]", form) and form[-1] not in "。；"]
    assert odd == []


def eager(tree: ast.AST) -> list[str]:
    """Texts translated while a module is imported, when nobody's language is known yet: they stay English for everybody."""
    named = {
        alias.asname or alias.name
        for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names if alias.name in ("gettext", "ngettext", "pgettext", "npgettext")
    }  # fmt: skip
    found, waiting = [], [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in named:
            found.append(ast.unparse(node))
        waiting += ast.iter_child_nodes(node)
    return found


def test_no_text_is_translated_before_its_reader_is_known():
    planted = 'from django.utils.translation import gettext as _\nA = {"a": _("Early")}\nB = lambda: _("Late")\ndef c(): return _("Late")\n'
    assert eager(ast.parse(planted)) == ["_('Early')"]
    assert {name: texts for name in sources.modules() if (texts := eager(sources.tree(name)))} == {}


# What people see ------------------------------------------------------------------------------------------------------

HAN = re.compile("[一-鿿]")
SAME_IN_BOTH = {"ID", "API", "KPI", "Odos"}  # labels that are the same word in Chinese


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
        if tag in self.SILENT or found.get("lang") == "en":  # the way back to English says so in English
            self._inside.append(tag)
        self.said += [found[name] for name in self.SPOKEN if found.get(name)]
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
DATA = re.compile(r"\S+@\S+|\[\{.*\}\]|^[A-Z][A-Za-z_]+/[\w/ -]+$|^[A-Z]{3} · (?:[A-Z]{3}$)?|\bSO-\d+-\d+\b|Asia/Shanghai")
KNOWN = {
    "Odos", "API", "CSV", "KPI", "ID", "JSON", "UTC", "UTF", "MB", "CRM", "Ctrl", "Enter", "Esc", "OpenAPI", "English", "CNY", "com", "example", "https",
    "localhost",
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
