"""What a formula gives in SQL it gives in Python: random formulas over rows with values at every edge, and each letter's capital (N-05)."""

import os
from random import Random

import pytest
from django.db.models import TextField, Value
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from core import access, conditions, context, door, formulas, registry, write
from core.formulas import operations
from core.formulas.tree import FormulaError
from core.formulas.values import TEXT, Typed, Written
from core.models.record import permit
from tests import people
from tests.formulas.programs import OWN, Author, row

LONG = bool(os.environ.get("ODOS_LONG"))
ROWS = 20_000 if LONG else 400
REFUSED = ("too large", "nested too deeply", "more than", "at most", "compared", "choices of", "both be the result")


@pytest.fixture(scope="module")
def rows():
    """The records, and what ``get`` answers of each."""
    company = people.new_company(timezone="Asia/Shanghai")
    with context.bind(company):
        actor, draw = access.actor_for(people.owner_of(company)), Random(11)

        def define():
            for kind in OWN:
                more = {"options": [{"key": k, "label": f"Option {k.upper()}" if k == "a" else k.upper()} for k in "abc"]} if kind == "choice" else {}
                write.create(actor, registry.get("custom-fields"), {"type": "accounts", "key": f"own_{kind}", "kind": kind, "label": kind, **more})
            own = {"type": "accounts", "key": "own_ref", "kind": "ref", "label": "ref", "target": "accounts"}
            write.create(actor, registry.get("custom-fields"), own)

        people.writing(define)
        made = _records(draw)
        with permit():  # by the thousand, and nothing but the rows: what is compared are formulas
            registry.get("accounts").model.objects.bulk_create(made, batch_size=1000)
        yield door.reading(Held)


def _records(draw: Random) -> list:
    accounts, owner = registry.get("accounts"), registry.get("users").all()[0]
    fields = conditions.EVERYTHING.fields(accounts)
    made: list = []
    for _i in range(ROWS):
        record = accounts.new(owner_id=owner.pk)
        for name, value in row(draw, [r.pk for r in made[-40:]]).items():
            fields[name].put(record, fields[name].rules.clean(fields[name], value))
        made.append(record)
    return made


class Held:
    """Answers ``get`` for every record, from what was read once."""

    def __init__(self):
        self.accounts = registry.get("accounts")
        self.records = {r.pk: r for r in self.accounts.all()}
        self.folk = {u.pk: u for u in registry.get("users").all()}
        self.fields = conditions.EVERYTHING.fields(self.accounts)

    def of(self, record):
        def get(path):
            found = record
            for name in path[:-1]:
                ident = self.fields[name].value(found)
                if ident is None:
                    return None
                found = self.folk[ident] if name == "owner" else self.records[ident]
            return found.name if path[:-1] == ("owner",) else self.fields[path[-1]].value(found)

        return get


def differences(held: Held, texts: list[str]) -> list:
    """Where SQL and Python do not agree: (formula, row, SQL's value, Python's). Python works after the snapshot, which waits for nobody."""
    accounts = registry.get("accounts")
    scope, resolve, at = formulas.scope(accounts, conditions.EVERYTHING), formulas.resolver(accounts, conditions.EVERYTHING), formulas.moment()
    made = {}

    def asked():
        for text in texts:
            try:
                made[f"f{len(made)}"] = formulas.made(text, scope)
            except FormulaError as error:
                assert texts is not EDGES and any(word in error.sentence for word in REFUSED), (text, error.sentence)
        return list(accounts.all().annotate(**{name: formula.sql(resolve, at) for name, formula in made.items()}).values_list("pk", *made))

    wrong = []
    for pk, *found in door.reading(asked):
        get = held.of(held.records[pk])
        for formula, value in zip(made.values(), found, strict=True):
            own = formula.value(get, at)
            if own != value or type(own) is not type(value):
                wrong.append((formula.tree.text, pk, value, own))
    return wrong


@given(seed=st.integers(0, 2**32), type_=st.sampled_from(["number", "text", "date", "yesno", "datetime"]), depth=st.integers(1, 4))
@settings(max_examples=60, deadline=None, phases=(Phase.explicit, Phase.generate))
def test_random_formulas_give_the_same_in_sql_and_in_python(rows, seed, type_, depth):
    author = Author(Random(seed))
    texts = [author.write(type_, depth) for _i in range(3)]
    found = differences(rows, texts)
    assert not found, found[0]


EDGES = [
    "99999999999999999999 + 0.4", "99999999999999999999 + 1", "99999999999999999999.9999999999 - 0.0000000001", "POWER(99999999999999999999, 60)",
    "POWER(0, 0)", "POWER(0, -1)", "POWER(1.0000000001, 60)", "POWER(0.0000000001, 60)", "1 / 3 * 3", "0.0000000001 / 2",
    "-0.0000000001 / 2", "1 / 0.0000000001 / 0.0000000001", "ROUND(2.5) & ROUND(-2.5) & ROUNDUP(-2.1) & ROUNDDOWN(-2.9)", "TEXT(-0.001, 2)", "TEXT(0 * -1)",
    "ADDMONTHS(DATE(2024, 1, 31), 1)", "ADDMONTHS(DATE(2024, 3, 31), -1)", "ADDMONTHS(DATE(1, 1, 1), -1)", "ADDDAYS(DATE(9999, 12, 31), 1)",
    "DATE(2026, 14, -5)", "DATE(0, 12, 31)", "DATE(0, 13, 1)", "ADDDAYS(TODAY, 1000000000000)", "LEN('𝔘e\u0301')", "UPPER('ß ŉ ǆ ﬁ ı')", "LOWER('İ Σ ẞ')",
    "MID('abc', -5, 2)", "MID('abc', 2.9, 1.9)", "RIGHT('abc', -1) & '|'", "LEFT('abc', EMPTY) & '|'", "'a' & EMPTY & 1.50", "EMPTY = ''", "'' & ''",
    "NOT EMPTY", "EMPTY AND TRUE", "ISEMPTY(1/0)", "VALUE('1.') & VALUE('+1.5') & VALUE('１')", "TRIM('\u3000 x\u00a0')", "1 IN (2, EMPTY)", "EMPTY IN (1)",
    "own_date IN ('2026-01-01', EMPTY)", "SUM(EMPTY, EMPTY)", "MIN(EMPTY, own_number)", "SWITCH(own_yesno, TRUE, 'y', FALSE, 'n', '?')",
    "TEXT(own_choice) & own_choice", "own_choice = TEXT(own_choice)", "own_datetime > NOW()", "DATE(own_datetime) & own_datetime",
    "own_percent * own_money", "owner = parent.owner", "REPLACE(own_longtext, 'y', 'yyyyyyyyyyyyyyyyyyyyyyyy')",
]  # fmt: skip


def test_edges_give_the_same_and_what_they_should(rows):
    assert differences(rows, EDGES) == []
    scope = formulas.scope(registry.get("accounts"), conditions.EVERYTHING)

    def value(text):
        return formulas.made(text, scope).value(lambda path: None)

    for text, wanted in {
        "1 / 0": None, "99999999999999999999 + 1": None, "TEXT(1 / 3)": "0.3333333333", "TEXT(2 / 3)": "0.6666666667", "TEXT(0.0000000001 / 2)": "0.0000000001",
        "TEXT(-0.0000000001 / 2)": "-0.0000000001", "'a' & EMPTY & 1.50": "a1.5", "TEXT(ADDMONTHS(DATE(2024, 1, 31), 1))": "2024-02-29",
        "TEXT(DATE(2026, 14, 1))": "2027-02-01", "EMPTY = ''": True, "UPPER('ß')": "ß", "TEXT(-0.001, 2)": "0.00", "ROUND(2.5) = 3 AND ROUND(-2.5) = -3": True,
        "WEEKDAY(DATE(2026, 11, 22)) = 7": True, "1 IN (2, EMPTY)": False, "EMPTY < 1": "!", "NOT EMPTY": True,
    }.items():  # fmt: skip
        if wanted == "!":
            with pytest.raises(FormulaError):
                value(text)
        else:
            assert value(text) == wanted, text


def test_every_letter_has_the_same_capital_and_small_form(company):
    """All of Unicode, in pieces."""
    wrong = []
    letters = [chr(c) for c in range(1, 0x110000) if not 0xD800 <= c < 0xE000]

    def asked(piece, make):
        typed = make(Typed(TEXT, "text"))
        written = Written(typed.pattern, Written("{0}::text", Value(piece), output_field=TextField()), output_field=TextField())
        return registry.get("users").all().annotate(_x=written).values_list("_x", flat=True)[0], typed.work(piece)

    def compare():
        for start in range(0, len(letters), 4000):
            piece = "".join(letters[start : start + 4000])
            for make in (operations.upper, operations.lower):
                found, own = asked(piece, make)
                wrong.extend(a for a, b, c in zip(piece, found, own, strict=True) if b != c)

    door.reading(compare)
    assert [f"{ord(letter):04X}" for letter in wrong] == []
