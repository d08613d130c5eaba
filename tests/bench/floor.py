"""The floor: the same results by hand-written SQL, one connection, prepared statements; what no product on this database can be faster than.

It has tables of its own, filled with the company's rows when a run begins, with exactly the indexes that these statements want.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import uuid4

import psutil
import psycopg
from psycopg import sql

SCHEMA = "bench_floor"
COPIED = (
    "crm_opportunity", "crm_account", "crm_contact", "crm_activity", "erp_salesorder", "erp_orderline", "erp_orderrevision", "erp_stocklevel",
    "erp_reservation", "core_fact", "core_trailentry", "core_searchentry", "core_taxcode",
)  # fmt: skip
FOUND = ("accounts", "contacts", "opportunities", "orders")  # whose search texts it has
INDEXES = (
    "CREATE INDEX ON crm_opportunity (stage_id, owner_id, amount DESC NULLS LAST, id) WHERE archived_at IS NULL",
    "CREATE INDEX ON crm_opportunity (stage_id, created_at DESC, id DESC) INCLUDE (amount) WHERE status = 'open' AND archived_at IS NULL",
    "CREATE INDEX ON crm_opportunity (owner_id, stage_id, created_at DESC, id DESC) INCLUDE (amount) WHERE status = 'open' AND archived_at IS NULL",
    "CREATE INDEX ON crm_opportunity (account_id) INCLUDE (amount) WHERE status = 'open' AND archived_at IS NULL",
    "CREATE INDEX ON crm_account USING gin (name extensions.gin_trgm_ops)",
    "CREATE INDEX ON crm_contact (account_id)",
    "CREATE INDEX ON crm_activity (about_id, created_at DESC)",
    "CREATE INDEX ON erp_salesorder (account_id) INCLUDE (total)",
    "CREATE INDEX ON erp_orderline (order_id)",
    "CREATE INDEX ON core_fact (measure, business_date) INCLUDE (person, value)",
    "CREATE INDEX ON core_trailentry (about_id, id DESC)",
    "CREATE INDEX ON core_searchentry USING gin (text extensions.gin_trgm_ops) WHERE about_type = 'accounts'",
    "CREATE INDEX ON core_searchentry USING gin (text extensions.gin_trgm_ops)",
)
LIST = """
SELECT id, name, account_id, amount, currency, probability, close_date, status, stage_id, owner_id, created_at, updated_at
  FROM crm_opportunity WHERE stage_id = %s AND owner_id = %s AND archived_at IS NULL ORDER BY amount DESC NULLS LAST, id LIMIT 50
"""
LIST_COUNT = "SELECT count(*) FROM crm_opportunity WHERE stage_id = %s AND owner_id = %s AND archived_at IS NULL"
SUMS = "SELECT stage_id, count(*), sum(amount) FROM crm_opportunity WHERE stage_id = ANY(%s) AND status = 'open' AND archived_at IS NULL GROUP BY stage_id"
CARDS = """
SELECT c.* FROM unnest(%s::uuid[]) WITH ORDINALITY s(id, n) CROSS JOIN LATERAL (
    SELECT id, stage_id, name, account_id, amount, currency, close_date, owner_id, created_at FROM crm_opportunity
     WHERE stage_id = s.id AND status = 'open' AND archived_at IS NULL ORDER BY created_at DESC, id DESC LIMIT 20) c ORDER BY s.n, c.created_at DESC, c.id DESC
"""
MY_SUMS = SUMS.replace("WHERE ", "WHERE owner_id = %s AND ")
MY_CARDS = CARDS.replace("WHERE stage_id", "WHERE owner_id = %s AND stage_id")
CUSTOMER = "SELECT * FROM crm_account WHERE id = %s"
PEOPLE = "SELECT id, name, email, phone FROM crm_contact WHERE account_id = %s AND archived_at IS NULL LIMIT 50"
DEALS = "SELECT count(*), coalesce(sum(amount), 0) FROM crm_opportunity WHERE account_id = %s AND status = 'open' AND archived_at IS NULL"
ORDERS = "SELECT count(*), coalesce(sum(total), 0) FROM erp_salesorder WHERE account_id = %s AND archived_at IS NULL"
SAID = """
SELECT id, kind, subject, body, owner_id, created_at FROM crm_activity WHERE about_id = %s AND archived_at IS NULL ORDER BY created_at DESC, id DESC LIMIT 30
"""
CONTAINS = """
SELECT id, name, city, country, owner_id FROM crm_account WHERE name ILIKE %s AND archived_at IS NULL ORDER BY created_at DESC, id DESC LIMIT 80
"""
CONTAINS_COUNT = "SELECT count(*) FROM crm_account WHERE name ILIKE %s AND archived_at IS NULL"
HITS = """
SELECT a.id, a.name, a.city, a.country, a.owner_id FROM crm_account a JOIN core_searchentry e ON e.about_id = a.id
 WHERE e.about_type = 'accounts' AND e.text LIKE %s AND a.archived_at IS NULL ORDER BY a.created_at DESC, a.id DESC LIMIT %s
"""
HITS_COUNT = """
SELECT count(*) FROM crm_account a JOIN core_searchentry e ON e.about_id = a.id
 WHERE e.about_type = 'accounts' AND e.text LIKE %s AND a.archived_at IS NULL
"""
ANYTHING = "SELECT about_type, about_id FROM core_searchentry WHERE text LIKE %s LIMIT 60"
KPI = """
SELECT date_trunc('month', business_date), person, sum(value) FROM core_fact
 WHERE measure = 'ordered' AND business_date >= %s AND business_date < %s GROUP BY 1, 2
"""
TELL = """
INSERT INTO core_trailentry (about_type, about_id, act, changes, version, channel, request_id, address)
SELECT %s, unnest(%s::uuid[]), %s, '{}', 1, 'api', '', ''
"""
FIND = "INSERT INTO core_searchentry (about_id, about_type, text, grams) VALUES (%s, %s, %s, %s)"
STATE = """
INSERT INTO core_fact (measure, value, business_date, person, account, product, source_type, source_id, source_line)
SELECT m, v, %s, %s, %s, p, %s, %s, l FROM unnest(%s::text[], %s::numeric[], %s::uuid[], %s::uuid[]) _(m, v, p, l)
"""
MOVE = """
UPDATE crm_opportunity SET stage_id = %s, version = version + 1, updated_at = now(), stage_since = now() WHERE id = %s RETURNING amount, owner_id, account_id
"""
KEEP = "UPDATE erp_stocklevel l SET reserved = l.reserved + q FROM unnest(%s::uuid[], %s::numeric[]) _(p, q) WHERE l.product_id = p RETURNING l.id"
RESERVE = "INSERT INTO erp_reservation (id, order_line_id, level_id, quantity) SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::numeric[])"
REVISE = "INSERT INTO erp_orderrevision (id, order_id, revision, date, lines) VALUES (%s, %s, 1, %s, %s)"


@dataclass(frozen=True)
class Spent:
    """Milliseconds of one operation: by the clock, and of processor time, this process and the database's together."""

    p50: float
    p95: float
    cpu: float


class Floor:
    """Hand-written statements over tables of its own. Each method named by a letter is one operation; those that read answer as a workload does."""

    def __init__(self, address: dict[str, Any], company: str):
        self.wire = psycopg.connect(**address, prepare_threshold=1, autocommit=True)
        self.company, self.columns, self.likes = company, {}, {}

    def close(self) -> None:
        self._leave()
        self.wire.close()

    def _leave(self) -> None:
        self.wire.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(SCHEMA)))

    def fill(self) -> None:
        """The company's rows as they are now, and the indexes. Cost: some tens of seconds for the whole company."""
        self.wire.execute("SET statement_timeout = 0")
        self._leave()
        self.wire.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
        self.wire.execute(sql.SQL("SET search_path = {}, {}, extensions").format(sql.Identifier(SCHEMA), sql.Identifier(self.company)))
        self.wire.execute("SET maintenance_work_mem = '256MB'")
        for name in COPIED:
            here, there = sql.Identifier(SCHEMA, name), sql.Identifier(self.company, name)
            self.wire.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING IDENTITY)").format(here, there))
            key = self._key(name)
            if name == "core_trailentry":
                pass  # nothing of it is read here
            elif name == "core_searchentry":
                self.wire.execute(sql.SQL("INSERT INTO {} SELECT * FROM {} WHERE about_type = ANY(%s)").format(here, there), [list(FOUND)])
            else:
                self.wire.execute(sql.SQL("INSERT INTO {} OVERRIDING SYSTEM VALUE SELECT * FROM {}").format(here, there))
            self.wire.execute(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(here, sql.Identifier(key)))
            rows = self.wire.execute("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped", [f"{SCHEMA}.{name}"])
            self.columns[name] = [column for (column,) in rows]
        for name in ("core_fact", "core_trailentry"):  # numbers go on behind those that are there
            self.wire.execute(sql.SQL("ALTER TABLE {} ALTER COLUMN id RESTART WITH 1000000000").format(sql.Identifier(name)))
        for statement in INDEXES:
            self.wire.execute(statement)
        for name in COPIED:
            self.wire.execute(sql.SQL("VACUUM ANALYZE {}").format(sql.Identifier(SCHEMA, name)))

    def _key(self, name: str) -> str:
        return "about_id" if name == "core_searchentry" else "id"

    def _all(self, statement: str, *values: Any) -> list[tuple]:
        return self.wire.execute(statement, values).fetchall()

    # Reading --------------------------------------------------------------------------------------------------------

    def ping(self, w: dict[str, Any]) -> Any:
        return self._all("SELECT rate FROM core_taxcode WHERE id = %s", w["tax"])[0][0]

    def a(self, w: dict[str, Any]) -> Any:
        rows = self._all(LIST, w["stage"], w["owner"])
        return self._all(LIST_COUNT, w["stage"], w["owner"])[0][0], _ids(rows)

    def b(self, w: dict[str, Any]) -> Any:
        mine = "owner" in w
        sums = self._all(MY_SUMS, w["owner"], w["stages"]) if mine else self._all(SUMS, w["stages"])
        cards = self._all(MY_CARDS, w["stages"], w["owner"]) if mine else self._all(CARDS, w["stages"])
        found = {str(stage): (count, total) for stage, count, total in sums}
        return [(*found.get(stage, (0, 0)), [str(c[0]) for c in cards if str(c[1]) == stage]) for stage in w["stages"]]

    def c(self, w: dict[str, Any]) -> Any:
        with self.wire.pipeline():
            asked = [self.wire.execute(statement, [w["account"]]) for statement in (CUSTOMER, PEOPLE, DEALS, ORDERS, SAID)]
        record, people, deals, orders, said = [cursor.fetchall() for cursor in asked]
        name = record[0][self.columns["crm_account"].index("name")]
        return name, len(people), sorted(_ids(people)), *deals[0], *orders[0], sorted(_ids(said))

    def d(self, w: dict[str, Any]) -> Any:
        rows = self._all(CONTAINS, f"%{w['term']}%")
        return self._all(CONTAINS_COUNT, f"%{w['term']}%")[0][0], _ids(rows)

    def d2(self, w: dict[str, Any]) -> Any:
        rows = self._all(HITS, f"%{w['term']}%", 80)
        return self._all(HITS_COUNT, f"%{w['term']}%")[0][0], _ids(rows)

    def d3(self, w: dict[str, Any]) -> Any:
        return _ids(self._all(HITS, f"%{w['term']}%", 8))

    def found(self, w: dict[str, Any]) -> Any:
        """All whose name holds the letters: nothing that is measured."""
        return _ids(self._all(HITS, f"%{w['term']}%", None))

    def s(self, w: dict[str, Any]) -> Any:
        return self._all(ANYTHING, f"%{w['term']}%")

    def h(self, w: dict[str, Any]) -> Any:
        rows = self._all(KPI, date(w["year"], 1, 1), date(w["year"] + 1, 1, 1))
        return {(f"{month:%Y-%m}", str(person) if person else None): value for month, person, value in rows if value}

    # Writing: the rows a product keeps for it, in one transaction, and nothing asked but what they need ---------------

    def e(self, w: dict[str, Any]) -> None:
        ident, amount = uuid4(), w["amount"]
        with self.wire.transaction(), self.wire.pipeline():
            self._like("crm_opportunity", "(SELECT id FROM crm_opportunity LIMIT 1)", id=ident, account_id=w["account"], owner_id=w["owner"], amount=amount)
            self.wire.execute(FIND, [ident, "opportunities", "measured deal", []])
            self._state("opportunities", ident, w["owner"], w["account"], [("pipeline", amount), ("weighted-pipeline", amount)])
            self.wire.execute(TELL, ["opportunities", [ident], "add"])

    def f(self, w: dict[str, Any]) -> None:
        with self.wire.transaction():
            amount, owner, account = self.wire.execute(MOVE, [w["stage"], w["deal"]]).fetchone()
            self._state("opportunities", w["deal"], owner, account, [("weighted-pipeline", amount)])
            self.wire.execute(TELL, ["opportunities", [w["deal"]], "move"])

    def g(self, w: dict[str, Any]) -> None:
        order, lines, products = uuid4(), [uuid4() for _ in w["lines"]], [line["product"] for line in w["lines"]]
        quantities = [line["quantity"] for line in w["lines"]]
        facts = [(measure, 100, product, line) for product, line in zip(products, lines, strict=True) for measure in ("ordered",)]
        with self.wire.transaction():
            self._like("erp_salesorder", "(SELECT id FROM erp_salesorder LIMIT 1)", id=order, account_id=w["account"], number=str(order)[:20])
            for place, line in enumerate(lines):
                self._like("erp_orderline", "(SELECT id FROM erp_orderline LIMIT 1)", id=line, order_id=order, product_id=products[place],
                           quantity=quantities[place], position=place)  # fmt: skip
            levels = [ident for (ident,) in self.wire.execute(KEEP, [products, quantities]).fetchall()]
            self.wire.execute(RESERVE, [[uuid4() for _ in levels], lines[: len(levels)], levels, quantities[: len(levels)]])
            self.wire.execute(REVISE, [uuid4(), order, date.today(), "[]"])  # noqa: DTZ011 - any day will do
            self.wire.execute(FIND, [order, "orders", str(order)[:20], []])
            self._state("orders", order, None, w["account"], [("orders", 1), *facts])
            self.wire.execute(TELL, ["orders", [order, order], "confirm"])

    def _like(self, table: str, which: str, **own: Any) -> None:
        """One more row, like another but for some columns."""
        statement = self.likes.get(table)
        if statement is None:
            columns = self.columns[table]
            statement = self.likes[table] = sql.SQL("INSERT INTO {t} ({columns}) SELECT {values} FROM {t} WHERE id = {which}").format(
                t=sql.Identifier(table), columns=sql.SQL(", ").join(map(sql.Identifier, columns)), which=sql.SQL(which),
                values=sql.SQL(", ").join(sql.Placeholder(name) if name in own else sql.Identifier(name) for name in columns),
            ).as_string(self.wire)  # fmt: skip
        self.wire.execute(statement, own)

    def _state(self, slug: str, ident: Any, person: Any, account: Any, facts: Iterable[tuple]) -> None:
        rows = [(*fact, None, None)[:4] for fact in facts]
        measures, values, products, lines = ([row[place] for row in rows] for place in range(4))
        self.wire.execute(STATE, [date.today(), person, account, slug, ident, measures, values, products, lines])  # noqa: DTZ011 - any day will do

    # Measuring ------------------------------------------------------------------------------------------------------

    def measure(self, operation: Callable[[], Any], seconds: float = 1.0, least: int = 20) -> Spent:
        """Again and again, for so long and at least so often."""
        backend, took = psutil.Process(self.wire.info.backend_pid), []
        before, here, end = backend.cpu_times(), time.process_time(), time.perf_counter() + seconds
        while time.perf_counter() < end or len(took) < least:
            start = time.perf_counter()
            operation()
            took.append(time.perf_counter() - start)
        after, here = backend.cpu_times(), time.process_time() - here
        took.sort()
        cpu = here + after.user + after.system - before.user - before.system
        return Spent(1000 * took[len(took) // 2], 1000 * took[int(len(took) * 0.95)], 1000 * cpu / len(took))


def _ids(rows: Iterable[tuple]) -> list[str]:
    return [str(row[0]) for row in rows]
