"""What a file's records are found by has an index, in every type, and finding many of them at once uses it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import access, constraints, door, registry
from core.models.record import permit
from core.transfer import loading
from core.transfer.mapping import Mapping
from core.transfer.reading import read
from crm.models import Account, Contact

MANY = 20_000
AT_ONCE = 300  # more than the hundred up to which PostgreSQL looks at each value


@pytest.fixture(scope="module")
def owner(alice):
    return access.actor_for(alice)


def test_every_field_that_records_are_found_by_begins_an_index(company):
    missing = []
    for slug, object_type in registry.types.items():
        together = constraints.unique_sets(object_type)
        for name in object_type.keys:
            f = object_type.fields[name]
            starts = {names[0] for names in together if name in names}  # a set of fields is found by its first
            held = {"email": "upper(email::text)"}.get(f.kind, f.sort_path or f.path)
            if not ({held} | starts) & indexed(object_type.model._meta.db_table):
                missing.append(f"{slug}.{name}")
    assert not missing


def indexed(table: str) -> set[str]:
    """What the indexes of a table begin with, as PostgreSQL words it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef(indexrelid, 1, true) FROM pg_index WHERE indrelid = %s::regclass AND indisvalid", [table])
        return {row[0] for row in cursor.fetchall()}


@pytest.fixture(scope="module")
def many(owner):
    """So many accounts and contacts of which half have no external id and no e-mail."""
    made = {Account: [], Contact: []}
    for model, rows in made.items():
        for n in range(MANY):
            row = model.blank()
            row.name = row.sort_key = f"{model.__name__.lower()} {n}"
            row.external_id, row.email = (f"E-{n}", f"Somebody.{n}@example.com") if n % 2 else ("", "")
            rows.append(row)
    with permit():
        door.writing(lambda: [model.objects.add(rows) for model, rows in made.items()])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE crm_account; ANALYZE crm_contact")


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(("slug", "key", "spelled"), [
    ("contacts", "external_id", "E-{}"), ("contacts", "email", "SOMEBODY.{}@Example.com"), ("contacts", "id", None),
    ("accounts", "external_id", "E-{}"), ("accounts", "name", "account {}"),
])  # fmt: skip
def test_many_records_are_found_by_an_index(owner, slug, key, spelled):
    object_type = registry.get(slug)
    known = list(object_type.model.objects.exclude(external_id="").order_by("sort_key").values_list("pk", flat=True)[:AT_ONCE])
    named = known if spelled is None else [spelled.format(2 * n + 1) for n in range(AT_ONCE)]
    table = read((f"{key},phone\n" + "".join(f"{one},+49 30 901820\n" for one in named)).encode())
    with CaptureQueriesContext(connection) as sent:
        report = door.writing(lambda: loading.load(owner, object_type, table, Mapping({0: key, 1: "phone"}, key, mode="update"), keep=False))
    assert (report.changed, report.errors) == (AT_ONCE, 0)
    assert_no_scan(sent, object_type.model)


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("spelled", ["E-{}", "Account {}"])
def test_many_references_are_found_by_an_index(owner, spelled):
    table = read(("name,account\n" + "".join(f"Somebody new {n},{spelled.format(2 * n + 1)}\n" for n in range(AT_ONCE))).encode())
    with CaptureQueriesContext(connection) as sent:
        report = door.writing(lambda: loading.load(owner, registry.get("contacts"), table, Mapping({0: "name", 1: "account"}), keep=False))
    assert (report.new, report.errors) == (AT_ONCE, 0)
    assert_no_scan(sent, Account)


def assert_no_scan(sent: CaptureQueriesContext, model) -> None:
    """None of the queries of this table reads all of it."""
    asked = [one["sql"] for one in sent.captured_queries if one["sql"].startswith("SELECT") and f'FROM "{model._meta.db_table}"' in one["sql"]]
    assert asked
    with connection.cursor() as cursor:
        for query in asked:
            cursor.execute(f"EXPLAIN {query}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert f"Seq Scan on {model._meta.db_table}" not in plan, f"{query[:400]}\n{plan}"
