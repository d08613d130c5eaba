"""Random formulas that are well typed, and the rows they are worked out over: values at every edge a kind has."""

from random import Random

TEXTS = [
    None, "abc", "ABC", " a b ", "Straße", "İstanbul ıI", "ǅ ŉ ﬁ", "e\u0301te\u0301", "𝔘𐐨nicode", "华为技术", "12.50", " -7 ", "1e5", "it's \"q\"", "50% _x\\",
    "ΑΣ ας", "\u3000宽\u00a0", "ᾳ ᾼ ΐ", "x" * 300, "0", "TRUE", "ｆｕｌｌ", "{0} {1}", "%s %(x)s",
]  # fmt: skip
NUMBERS = [
    None, "0", "-1", "1", "2", "3", "7", "10", "-9.5", "0.000001", "-0.333333", "123456789012345678", "-999999999999999999.999999", "2.5", "0.5",
    "-2.5", "1000",
]  # fmt: skip
MONEY = [None, "0", "-1.50", "2", "10.25", "9.9999", "999999999999999.9999", "-0.0001"]
PERCENTS = [None, "0", "0.15", "1", "-0.5", "999.999999"]
INTEGERS = [None, 0, -5, 7, 10, 999, 12, 31, 999_999_999_999_999]
DAYS = [None, "2024-02-29", "1999-12-31", "2026-01-01", "0900-05-05", "0001-01-01", "9999-12-31", "2026-03-31", "2025-11-30"]
INSTANTS = [None, "2026-01-01T10:00:00Z", "2026-01-01T10:00:00.500000Z", "2026-03-29T23:30:00Z", "1999-12-31T16:00:00Z", "2026-07-01T15:59:59.999999Z"]
OWN = {
    "text": TEXTS, "longtext": [None, "one\ntwo", "abc", ""] * 15 + ["y" * 9_999 + "é", "z" * 12_000], "number": NUMBERS,
    "integer": INTEGERS, "money": MONEY, "percent": PERCENTS,
    "date": DAYS, "datetime": INSTANTS, "yesno": [None, True, False], "choice": [None, "a", "b", "c"],
}  # fmt: skip
FIELDS = {
    "number": [
        "own_number", "own_integer", "own_money", "own_percent", "payment_days", "own_ref.own_number", "parent.payment_days", "own_ref.parent.own_money",
    ],
    "text": ["own_text", "own_longtext", "name", "industry", "country", "own_ref.own_text", "own_choice", "parent.own_choice", "owner.name"],
    "date": ["own_date", "own_ref.own_date", "parent.own_date"],
    "datetime": ["own_datetime", "created_at", "own_ref.own_datetime"],
    "yesno": ["own_yesno", "parent.own_yesno"],
}  # fmt: skip


def row(draw: Random, near: list) -> dict:
    """What one account is made of; references to some of ``near``."""
    made = {f"own_{kind}": draw.choice(values) for kind, values in OWN.items()}
    made |= {
        "name": draw.choice([t for t in TEXTS if t and t.strip() and len(t) < 100]), "industry": draw.choice(["", "Metal", "metal", "纺织"]),
        "country": draw.choice(["", "DE", "CN", "US"]), "payment_days": draw.choice([None, 0, 7, 30, 3650]),
        "roles": draw.choice([[], ["customer"], ["supplier", "partner"]]),
        "own_ref": draw.choice([None, None, *near]), "parent": draw.choice([None, None, *near]),
    }  # fmt: skip
    return {n: str(v) if n in ("own_ref", "parent") else v for n, v in made.items() if v not in (None, "")}


ONE = ["parent", "own_ref"]


class Author:
    """Writes formulas of a type, at most so deep."""

    def __init__(self, draw: Random):
        self.draw = draw

    def write(self, type_: str, depth: int) -> str:
        if depth <= 0 or self.draw.random() < 0.15:
            return self.leaf(type_)
        options = getattr(self, f"_{type_}")(depth - 1)
        return self.draw.choice(options)()

    def leaf(self, type_: str) -> str:
        roll = self.draw.random()
        if roll < 0.65:
            return self.draw.choice(FIELDS[type_])
        if roll < 0.7:
            return "EMPTY" if type_ in ("number", "text", "yesno") else FIELDS[type_][0]
        return self.draw.choice({
            "number": ["0", "1", "2", "0.1", "3.3333333333", "99999999999999999999", "15%", "1000000", ".5", "-1"],
            "text": ["'a'", "'ß'", "\"it's\"", "'İ'", "'é'", "' '", "''", "'x'", "'华'", "'𐐨'", "'1'", "'{0}%s'"],
            "date": ["TODAY()", "DATE(2024,2,29)", "DATE(2026,1,31)", "DATE(1,1,1)", "DATE(9999,12,31)"],
            "datetime": ["NOW()"], "yesno": ["TRUE", "FALSE"],
        }[type_])  # fmt: skip

    def _any(self, depth: int, type_: str) -> list:
        w = self.write
        of = lambda: w(type_, depth)  # noqa: E731
        return [
            lambda: f"IF({w('yesno', depth)}, {of()}, {of()})", lambda: f"COALESCE({of()}, {of()})",
            lambda: f"CASE({w('yesno', depth)}, {of()}, {w('yesno', depth)}, {of()}, {of()})",
            lambda: f"SWITCH({w('text', depth)}, {w('text', 0)}, {of()}, 'a', {of()}, {of()})",
            lambda: f"SWITCH(own_choice, 'a', {of()}, 'B', {of()})", lambda: f"SWITCH({w('number', depth)}, 1, {of()}, {w('number', 0)}, {of()})",
        ]  # fmt: skip

    def _number(self, depth: int) -> list:
        w, n = self.write, lambda: self.write("number", depth)
        k = self.draw.randint
        made = [
            lambda: f"({n()} + {n()} - {n()})", lambda: f"({n()} - {n()})", lambda: f"({n()} * {n()})", lambda: f"({n()} / {n()})",
            lambda: f"{n()} * {n()} / {n()}", lambda: f"-({n()})", lambda: f"ROUND({n()}, {k(-18, 10)})", lambda: f"ROUNDUP({n()}, {k(-18, 10)})",
            lambda: f"ROUNDDOWN({n()}, {k(-3, 10)})", lambda: f"FLOOR({n()})", lambda: f"CEILING({n()})", lambda: f"ABS({n()})",
            lambda: f"MIN({n()}, {n()}, {n()})", lambda: f"MAX({n()}, {n()})", lambda: f"SUM({n()}, {n()})", lambda: f"POWER({n()}, {k(-60, 60)})",
            lambda: f"POWER({n()}, {k(-4, 4)})", lambda: f"POWER({n()}, 2)", lambda: f"MOD({n()}, {n()})", lambda: f"LEN({w('text', depth)})",
            lambda: f"VALUE({w('text', depth)})", lambda: f"{self.draw.choice(['YEAR', 'MONTH', 'DAY', 'WEEKDAY'])}({w('date', depth)})",
            lambda: f"YEAR({w('datetime', depth)})", lambda: f"DAYS({w('date', depth)}, {w('date', depth)})",
            lambda: f"({w('date', depth)} - {w('date', depth)})",
        ]  # fmt: skip
        return made * 2 + self._any(depth, "number")

    def _text(self, depth: int) -> list:
        w, t, n = self.write, lambda: self.write("text", depth), lambda: self.write("number", depth)
        made = [
            lambda: f"({t()} & {t()})", lambda: f"({n()} & {t()})", lambda: f"CONCAT({t()}, {t()}, {w('yesno', depth)})", lambda: f"LEFT({t()}, {n()})",
            lambda: f"RIGHT({t()}, {n()})", lambda: f"MID({t()}, {n()}, {n()})", lambda: f"UPPER({t()})", lambda: f"LOWER({t()})", lambda: f"TRIM({t()})",
            lambda: f"REPLACE({t()}, {self.draw.choice(self.SMALL)}, {self.draw.choice(self.SMALL)})", lambda: f"TEXT({n()})",
            lambda: f"TEXT({n()}, {self.draw.randint(0, 10)})", lambda: f"TEXT({w('date', depth)})", lambda: f"TEXT({w('datetime', depth)})",
            lambda: f"TEXT({w('yesno', depth)})",
        ]  # fmt: skip
        return made * 2 + self._any(depth, "text")

    SMALL = ["'a'", "''", "'x'", "'ß'", "'xy'", "'为'", "EMPTY", "'%'", "'\\'"]

    def _date(self, depth: int) -> list:
        w, d, n = self.write, lambda: self.write("date", depth), lambda: self.write("number", depth)
        made = [
            lambda: f"ADDDAYS({d()}, {n()})", lambda: f"ADDMONTHS({d()}, {n()})", lambda: f"DATE({n()}, {n()}, {n()})", lambda: f"({d()} + {n()})",
            lambda: f"({d()} - {n()})", lambda: f"DATE({w('datetime', depth)})", lambda: f"ADDMONTHS({d()}, {self.draw.randint(-30, 30)})",
            lambda: f"MIN({d()}, {d()})", lambda: f"DATE(2026, {self.draw.randint(-20, 30)}, {self.draw.randint(-40, 70)})",
        ]  # fmt: skip
        return made * 2 + self._any(depth, "date")

    def _datetime(self, depth: int) -> list:
        return [*self._any(depth, "datetime"), lambda: f"MAX({self.write('datetime', depth)}, {self.write('datetime', depth)})"]

    def _yesno(self, depth: int) -> list:
        w, y = self.write, lambda: self.write("yesno", depth)
        order = lambda: self.draw.choice(["=", "<>", "<", "<=", ">", ">="])  # noqa: E731
        plain = lambda t: self.pair(t, depth, order())  # noqa: E731
        made = [
            lambda: plain("number"), lambda: plain("text"), lambda: plain("date"), lambda: plain("datetime"), lambda: f"({y()} = {y()})",
            lambda: f"({y()} AND {y()} AND {y()})", lambda: f"({y()} OR {y()})", lambda: f"NOT {y()}", lambda: f"ISEMPTY({w('text', depth)})",
            lambda: f"ISEMPTY({w('number', depth)})", lambda: f"({w('number', depth)} IN (1, {w('number', 0)}, EMPTY))",
            lambda: f"({w('text', depth)} NOT IN ({w('text', 0)}, 'a'))", lambda: f"CONTAINS({w('text', depth)}, {w('text', 0)})",
            lambda: f"STARTS({w('text', depth)}, {w('text', 0)})", lambda: "CONTAINS(roles, 'customer')", lambda: "ISEMPTY(roles)",
            lambda: f"(own_choice {self.draw.choice(['=', '<>'])} {self.draw.choice(['EMPTY', repr('a'), repr('B')])})", lambda: "(own_choice IN ('a', 'C'))",
            lambda: f"({self.draw.choice(ONE)} {self.draw.choice(['=', '<>'])} {self.draw.choice([*ONE, 'EMPTY', 'parent.parent'])})",
            lambda: "ISEMPTY(own_ref)", lambda: f"({w('date', depth)} >= '2026-01-01')",
        ]  # fmt: skip
        return made * 2 + self._any(depth, "yesno")

    def pair(self, type_: str, depth: int, order: str) -> str:
        a, b = self.write(type_, depth), self.write(type_, depth)
        if "EMPTY" in (a, b) or "''" in (a, b):
            order = "="
        for one, other in ((a, b), (b, a)):  # a choice is compared with its options, and not by order
            if one in ("own_choice", "parent.own_choice", "country"):
                order = "=" if order not in ("=", "<>") else order
                if other.startswith(("'", '"')):
                    a, b = one, "EMPTY"
        return f"({a} {order} {b})"
