"""Kinds of field: what goes in comes out the same on every way, what cannot be is refused in a sentence, money rounds as PostgreSQL does (M-04)."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from babel.dates import format_date, format_time
from babel.numbers import format_currency, list_currencies
from django.db import connection
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from core import access, money, registry, totals, write
from core.errors import RuleError
from core.models.setup import FIELD_KINDS
from core.registry import KINDS, Field
from tests import people

pytestmark = pytest.mark.usefixtures("company")
OPTIONS = (("a", "Alpha"), ("b", "贝塔"), ("c", "Gamma"))
words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(lambda s: s.strip())
decimals = st.decimals(min_value=-(10**14), max_value=10**14, places=4)
structures = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | words,
    lambda i: st.lists(i, max_size=3) | st.dictionaries(words, i, max_size=3),
    max_leaves=6,
)
VALUES = {
    "text": words,
    "longtext": words.map(lambda s: f"{s}\n\t{s}"),
    "number": st.decimals(-(10**17), 10**17, places=6),
    "integer": st.integers(-(10**14), 10**14),
    "money": decimals,
    "percent": st.decimals(-99, 99, places=6),
    "date": st.dates(),
    "datetime": st.timedeltas(timedelta(0), timedelta(9990 * 365)).map(lambda d: datetime(2, 1, 2, tzinfo=UTC) + d),
    "yesno": st.booleans(),
    "choice": st.sampled_from("abc"),
    "choices": st.lists(st.sampled_from("abc"), min_size=1, unique=True),
    "ref": st.uuids(),
    "user": st.uuids(),
    "refs": st.lists(st.uuids(), min_size=1, max_size=3, unique=True),
    "words": st.lists(st.from_regex(r"\A[a-z]{1,9}\Z"), min_size=1, max_size=3, unique=True),
    "email": st.from_regex(r"\A[a-z]{1,9}@[a-z]{1,9}\.example\Z"),
    "phone": st.sampled_from(["+16502530000", "ring twice", "020 7183 8750"]),
    "url": st.sampled_from(["https://a.example", "http://b.example:8080/x?y=1#z"]),
    "anyref": st.uuids().map(lambda u: ("accounts", u)),
    "json": st.lists(structures, max_size=3)
    | st.dictionaries(words, structures, max_size=3)
    | words.filter(lambda s: s.lstrip()[:1] not in "[{" and s == s.strip()),
}
CUSTOM = {kind for kind, _label in FIELD_KINDS}


def field_of(kind: str, custom: bool = False, **more) -> Field:
    return Field("x", kind, "X", options=OPTIONS, custom=custom, path="x", target="accounts", **more)


@pytest.mark.parametrize("kind", sorted(VALUES))
def test_values_come_back_the_same(kind):
    rules = KINDS[kind]

    @given(value=VALUES[kind], own=st.booleans())
    def check(value, own):
        f = field_of(kind, custom=own)
        clean = rules.clean(f, value)
        assert rules.clean(f, clean) == clean, "cleaning twice is cleaning once"
        written = json.loads(json.dumps(rules.to_json(f, clean)))
        if written is not None:
            assert rules.clean(f, written) == clean
        if kind in CUSTOM:
            assert rules.from_json(f, written) == clean
            holder = SimpleNamespace(custom={})
            f.put(holder, clean)
            assert f.value(holder) == clean
            json.dumps(holder.custom)
        shown = rules.to_form(f, clean)
        assert isinstance(shown, str)
        if kind == "datetime":
            clean = clean.replace(second=0, microsecond=0)  # a form shows minutes
        if kind not in ("longtext", "json") or shown:
            assert rules.clean(f, rules.from_form(f, shown)) == clean
        for language in ("en", "zh-hans"):
            with translation.override(language):
                assert isinstance(rules.text(f, clean, "EUR"), str)

    check()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_nothing_is_written_and_shown_as_nothing(kind):
    rules, f = KINDS[kind], field_of(kind)
    assert rules.is_empty(rules.empty)
    assert rules.to_form(f, rules.empty) == ""
    if kind != "secret":
        assert rules.text(f, rules.empty) == ""
        json.dumps(rules.to_json(f, rules.empty))


HOSTILE = [
    "\x00",
    "a\x00b",
    "\x1b[31m",
    "\ud800",
    "\x7f",
    "NaN",
    "-Infinity",
    "1e999999999",
    float("nan"),
    float("inf"),
    10**30,
    10**5000,
    -(10**30),
    True,
    False,
    0.1 + 0.2,
    [],
    {},
    [[]],
    [None],
    {"id": []},
    {"id": None, "type": "\x00"},
    "x" * 200_000,
    "9" * 5000,
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-02-30",
    "١٢٣",
    "1_000",
    "0x10",
    "''; DROP TABLE x",
    "javascript:alert(1)",
    "http://[::1",
    "a@b",
    "@",
    b"bytes",
    object(),
    date(1, 1, 1),
    Decimal("NaN"),
    uuid4(),
    "{" * 5000,
    "%",
    "%%",
    "1e-30%",
    "data:text/html,x",
    "+" * 100,
]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_hostile_values_are_refused_in_a_sentence_or_fit(kind):
    """Whatever is taken can be written as JSON that PostgreSQL stores, and shown."""
    rules = KINDS[kind]
    for value in HOSTILE:
        f = field_of(kind, max_length=300)
        try:
            clean = rules.clean(f, value)
        except ValueError as error:
            assert str(error).strip()
            continue
        except TypeError:
            assert kind == "json", (kind, value)  # no JSON ever holds such an object
            assert isinstance(value, bytes | date | UUID | Decimal) or type(value) is object
            continue
        if kind in ("within",):
            continue
        written = json.dumps(rules.to_json(f, clean), ensure_ascii=False, allow_nan=False)
        assert "\x00" not in written
        assert "\\u0000" not in written
        written.encode()
        assert isinstance(rules.text(f, clean), str)
        assert isinstance(rules.to_form(f, clean), str)
        if isinstance(clean, str) and kind not in ("json", "secret"):
            assert len(clean) <= 300, (kind, value)


@pytest.mark.parametrize("kind", ["number", "integer", "money", "percent"])
def test_a_truth_value_is_no_number(kind):
    for value in (True, False):
        with pytest.raises(ValueError):
            KINDS[kind].clean(field_of(kind), value)


def test_a_web_address_that_grows_past_its_column_is_refused():
    f = field_of("url", max_length=30)
    assert KINDS["url"].clean(f, "a.example") == "https://a.example"
    with pytest.raises(ValueError):
        KINDS["url"].clean(f, "a" * 15 + ".example/abc")


def test_texts_speak_the_readers_language():
    cases = [
        ("number", Decimal("1234567.5"), "1,234,567.5", "1,234,567.5"),
        ("percent", Decimal("0.155"), "15.5%", "15.5%"),
        ("date", date(2026, 3, 5), "Mar 5, 2026", "2026年3月5日"),
        ("yesno", True, "Yes", None),
        ("choice", "b", "贝塔", "贝塔"),
        ("money", Decimal("1234.5"), "€1,234.50", "€1,234.50"),
    ]
    for kind, value, english, chinese in cases:
        with translation.override("en"):
            assert KINDS[kind].text(field_of(kind), value, "EUR") == english
        if chinese:
            with translation.override("zh-hans"):
                assert KINDS[kind].text(field_of(kind), value, "EUR") == chinese


@pytest.mark.parametrize("language, locale", [("en", "en"), ("zh-hans", "zh_Hans_CN")])
def test_every_currency_is_written_as_cldr_writes_it(language, locale):
    texts = ("0", "-0.00", "1234567.8", "-1234.5", "999.99", "1E+3", "12.345", "-0.004", "5", "0.1")
    with translation.override(language):
        for currency in list_currencies():
            for amount in map(Decimal, texts):
                wanted = format_currency(amount, currency, locale=locale, decimal_quantization=amount == round(amount, 2))
                assert KINDS["money"].text(field_of("money"), amount, currency) == wanted
        at = datetime(2026, 3, 5, 13, 7, 59, 5, tzinfo=UTC)
        assert KINDS["datetime"].text(None, at) == f"{format_date(at, 'medium', locale=locale)} {format_time(at, 'short', locale=locale)}"


def test_an_instant_without_an_offset_is_in_the_companys_zone(new_company):
    from core import context  # noqa: PLC0415 - only this test binds

    with context.bind(new_company(timezone="Asia/Shanghai")):
        clean = KINDS["datetime"].clean(field_of("datetime"), "2026-03-05T09:30")
        assert clean == datetime(2026, 3, 5, 1, 30, tzinfo=UTC)
        assert KINDS["datetime"].to_form(field_of("datetime"), clean) == "2026-03-05T09:30"


def test_a_percent_is_typed_in_percent_and_sent_as_a_fraction():
    rules, f = KINDS["percent"], field_of("percent")
    assert rules.clean(f, rules.from_form(f, "15")) == rules.clean(f, "0.15") == rules.clean(f, "15%") == Decimal("0.15")
    assert (rules.to_form(f, Decimal("0.15")), rules.to_json(f, Decimal("0.15"))) == ("15", "0.15")


# Money (M-04)


@pytest.mark.parametrize("currency,places", [("JPY", 0), ("USD", 2), ("CNY", 2), ("KWD", 3)])
def test_money_rounds_half_up_in_python_and_in_postgresql(currency, places):
    @given(
        amounts=st.lists(st.decimals(-(10**9), 10**9, places=6) | st.integers(-9999, 9999).map(lambda n: Decimal(n) / 2000), min_size=1, max_size=40)
    )
    def check(amounts):
        rounded = [money.round_money(a, currency) for a in amounts]
        assert rounded == [a.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) for a in amounts]
        with connection.cursor() as cursor:
            cursor.execute("SELECT array_agg(round(x, %s) ORDER BY i) FROM unnest(%s::numeric[]) WITH ORDINALITY AS t(x, i)", [places, amounts])
            assert cursor.fetchone()[0] == rounded
        assert [money.round_money(r, currency) for r in rounded] == rounded

    check()


@given(
    lines=st.lists(
        st.tuples(st.decimals("0.001", 999, places=3), st.decimals(0, 9999, places=4), st.sampled_from(["0", "0.1", "0.333333", "1"]).map(Decimal)),
        max_size=12,
    ),
    charges=st.lists(st.decimals(0, 99, places=2), max_size=3),
    rate=st.decimals("0.01", 99, places=4),
    currency=st.sampled_from(["JPY", "USD", "KWD"]),
    draw=st.randoms(),
)
def test_totals_are_the_sums_of_their_parts_in_any_order(lines, charges, rate, currency, draw):
    rates = {"A": Decimal("0.19"), "B": Decimal("0.07"), None: Decimal(0)}
    taxed = [(totals.line_net(*line, currency), key := draw.choice([*rates]), rates[key]) for line in lines]
    charged = [(money.round_money(c, currency), "A", rates["A"]) for c in charges]
    found = totals.add_up(taxed, charged, currency, "USD", rate)
    assert found.net == sum((n for n, _k, _r in taxed), Decimal(0))
    assert found.total == found.net + found.tax + found.charges_total
    assert found.base_net == money.round_money(found.net * rate, "USD")
    draw.shuffle(taxed)
    assert totals.add_up(taxed, charged, currency, "USD", rate) == found
    unit = money.minor_unit(currency)
    exact = sum((n * r for n, k, r in [*taxed, *charged] if k), Decimal(0))
    assert abs(found.tax - exact) <= unit * 2 / 2, "each tax code rounds once"
    for (quantity, price, discount), net in zip(lines, (totals.line_net(*line, currency) for line in lines), strict=True):
        assert abs(net - quantity * price * (1 - discount)) <= unit / 2
        assert totals.line_discount(quantity, price, net, currency) >= 0


@given(value=st.decimals(-(10**12), 10**12, places=6), places=st.integers(0, 4))
def test_numbers_are_written_without_exponent(value, places):
    text = money.plain(value, places)
    assert Decimal(text) == value
    assert "E" not in text.upper()
    assert not text.startswith("-0") or Decimal(text) != 0


def test_every_kind_of_own_fields_is_a_kind_and_every_kind_is_used():
    assert set(KINDS) >= CUSTOM
    used = {f.kind for t in registry.every() for home in (t.fields, *(e.fields for e in t.lines)) for f in home.values()}
    used |= {f.kind for t in registry.every() for act in t.acts for f in act.fields}
    assert set(KINDS) <= used | CUSTOM | {"within", "integer", "ref", "anyref", "refs"}


def test_own_fields_take_plain_defaults_and_refuse_options_of_no_shape(alice):
    actor, fields = access.actor_for(alice), registry.get("custom-fields")
    for kind, given_, wanted in (
        ("text", "abc", "abc"),
        ("text", "15", "15"),
        ("text", "true", "true"),
        ("number", "1.50", "1.5"),
        ("yesno", True, True),
        ("date", "2026-03-05", "2026-03-05"),
    ):
        made = people.writing(
            lambda kind=kind, given_=given_: write.create(
                actor, fields, {"type": "contacts", "key": f"d_{kind}_{uuid4().hex[:6]}", "kind": kind, "label": "D", "default": given_}
            )
        )
        assert made.default == wanted
    for kind, options in (
        ("text", "abc"),
        ("text", [1]),
        ("number", {"a": 1}),
        ("choice", "abc"),
        ("choice", [1]),
        ("choice", [{"key": "a"}, {"key": "a"}]),
        ("choice", []),
    ):
        with pytest.raises(RuleError) as refused:
            people.writing(
                lambda kind=kind, options=options: write.create(
                    actor, fields, {"type": "contacts", "key": f"o_{uuid4().hex[:6]}", "kind": kind, "label": "O", "options": options}
                )
            )
        assert set(refused.value.errors) == {"options"}, (kind, options)
    contact = people.writing(lambda: write.create(actor, registry.get("contacts"), {"name": "With defaults"}))
    assert len(contact.custom) == 6


@pytest.mark.parametrize("name", sorted(KINDS))
def test_texts_up_to_the_length_that_a_kind_leaves_alone_are_stored_as_they_stand(name):
    """Rows of a file are taken so, without asking the kind."""
    for limit in (None, 5):
        f = Field("some", kind=name, max_length=limit)
        longest = f.rules.longest(f)
        assert longest in (0, limit or float("inf"))
        for text in ("a", "=1+1", "Größe", "王 伟", "12345", "1" * 5000):
            if len(text) <= longest:
                assert f.rules.clean(f, text) == text
    assert KINDS["text"].longest(Field("some", max_length=5)) == 5
    assert not KINDS["phone"].longest(Field("some", kind="phone", max_length=5)), "it looks at more"
