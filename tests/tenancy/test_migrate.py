"""All companies are brought to the newest version, each by itself, and one that fails stops nobody (``migrate_companies``)."""

import threading
from io import StringIO

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.core.management import CommandError, call_command
from django.db import connection, connections, migrations, models, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from core import access, context, door, registry, write
from core.models import Role
from tenants import migrate, provision, versions
from tenants.backend import schemas
from tests import people


def add_score(apps, editor):
    role = apps.get_model("core", "Role")
    role.objects.update(score=7)


ADD = migrations.AddField("role", "score", models.IntegerField(null=True))
INDEX = migrations.AddIndex("role", models.Index(fields=["score"], name="role_score_of_tests"))
UNIQUE = migrations.AddConstraint("role", models.UniqueConstraint("score", name="role_score_is_unique_in_tests"))
FILL = migrations.RunPython(add_score)
NOTE = migrations.RunSQL("UPDATE core_role SET score = 100 WHERE name LIKE '100%'")


@pytest.fixture
def companies():
    made = [people.new_company() for _ in range(3)]
    yield made
    for company in made:
        provision.drop_company(company)


def run(companies) -> migrate.Report:
    return migrate.migrate_companies(only=[company.subdomain for company in companies])


@pytest.fixture
def newer(monkeypatch):
    """``newer(operation, ...)``: from now on core has one migration more, of these operations."""
    original = MigrationLoader.load_disk

    def declare(*operations, atomic=True, name="9999_tests"):
        def load(self):
            original(self)
            last = max(migration for app, migration in self.disk_migrations if app == "core")
            made = migrations.Migration(name, "core")
            made.dependencies, made.operations, made.atomic = [("core", last)], list(operations), atomic
            self.disk_migrations["core", name] = made

        monkeypatch.setattr(MigrationLoader, "load_disk", load)
        monkeypatch.setattr("tenants.provision.prepare", lambda *args: None)

    return declare


def has_score(company) -> bool:
    with context.bind(company), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM information_schema.columns WHERE table_schema = %s AND column_name = 'score'", [company.schema])
        return cursor.fetchone() is not None


def recorded(company) -> set[str]:
    with context.bind_public():
        return {name for app, name in schemas.applied([company.schema])[company.schema] if app == "core"}


def scores(company) -> set:
    with context.bind(company), connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT score FROM core_role")
        return {score for (score,) in cursor.fetchall()}


def told(report: migrate.Report, companies) -> tuple[list, list, list]:
    """Of these companies: migrated, current, failed."""
    names = [company.subdomain for company in companies]
    return tuple([name for name in names if name in group] for group in (report.migrated, report.current, report.failed))


def test_nothing_to_do_is_found_with_three_queries(companies):
    with context.bind_public(), connection.execute_wrapper(_count := Counter()):
        report = run(companies)
    assert told(report, companies) == ([], [c.subdomain for c in companies], [])
    assert _count.selects <= 4, "One look at all companies, not one for each."


class Counter:
    selects = 0

    def __call__(self, execute, sql, params, many, context):
        self.selects += "SELECT" in sql and "advisory" not in sql
        return execute(sql, params, many, context)


@pytest.mark.parametrize("operations", [[ADD, INDEX], [ADD, FILL, INDEX], [ADD, NOTE, UNIQUE]], ids=["sql", "python", "own sql"])
def test_every_company_gets_the_new_version_and_its_record(companies, newer, operations):
    """Pure SQL is replayed, Python runs for each; in the end all are alike, and a second run has nothing to do."""
    newer(*operations)
    report = run(companies)
    assert told(report, companies) == ([c.subdomain for c in companies], [], [])
    for company in companies:
        assert has_score(company) and "9999_tests" in recorded(company)
        assert scores(company) == ({7} if FILL in operations else {None})
    with context.bind_public(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_indexes WHERE indexname IN ('role_score_of_tests', 'role_score_is_unique_in_tests') "
                       "AND schemaname = ANY(%s)", [[c.schema for c in companies]])  # fmt: skip
        assert cursor.fetchone()[0] == len(companies)
    assert told(run(companies), companies)[1] == [c.subdomain for c in companies]


def test_a_company_that_fails_is_as_before_and_the_others_are_done(companies, newer):
    """Its own data refuses a new constraint: it is reported and rolled back, the first of its group included."""
    for broken in (companies[1], companies[0]):
        with context.bind(broken), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE core_role ADD COLUMN score integer")  # the migration's own column is already there
    newer(ADD, INDEX)
    report = run(companies)
    assert told(report, companies) == ([companies[2].subdomain], [], [companies[0].subdomain, companies[1].subdomain])
    assert "already exists" in report.failed[companies[0].subdomain]
    assert all("9999_tests" not in recorded(company) for company in companies[:2])
    assert "9999_tests" in recorded(companies[2])
    for repaired in companies[:2]:
        with context.bind(repaired), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE core_role DROP COLUMN score")
    report = run(companies)
    assert told(report, companies) == ([c.subdomain for c in companies[:2]], [companies[2].subdomain], [])
    assert all(has_score(company) for company in companies)


def test_a_migration_is_whole_or_not_there(companies, newer):
    def break_down(apps, editor):
        raise ZeroDivisionError("no such luck")

    newer(ADD, migrations.RunPython(break_down))
    report = run(companies)
    assert told(report, companies)[2] == [c.subdomain for c in companies]
    assert not any(has_score(company) for company in companies)
    assert {report.failed[c.subdomain] for c in companies} == {"no such luck"}
    with context.bind(companies[0]):
        assert Role.objects.exists(), "The connection is usable afterwards."
    assert not connection.in_atomic_block


def test_another_company_with_the_same_step_costs_two_statements_more(companies, newer):
    """The first makes the SQL; the others get it, and the note that they have it, at once. Nobody is asked for an object that would be in the way."""
    newer(ADD, INDEX)
    costs = {}
    for some in (companies[:1], companies[1:]):
        with context.bind_public(), connection.execute_wrapper(every := Every()):
            assert told(run(some), some)[0] == [c.subdomain for c in some]
        costs[len(some)] = every.statements
    assert costs[2] - costs[1] <= 2
    assert "9999_tests" in recorded(companies[2])


class Every:
    """How many statements were sent but for where the connection looks."""

    statements = 0

    def __call__(self, execute, sql, params, many, context):
        self.statements += "search_path" not in str(sql)
        return execute(sql, params, many, context)


def test_an_object_in_the_way_of_a_new_type_is_found_among_all_companies(companies):
    with context.bind(companies[1]):
        actor = access.actor_for(people.owner_of(companies[1]))
        door.writing(lambda: write.create(actor, registry.get("custom-objects"), {"key": "robots", "label": "Robot", "plural": "Robots"}))
    names = [c.schema for c in companies]
    with context.bind_public():
        assert schemas.holding(names, "core_customobject", "key", ["robots", "accounts"]) == {companies[1].schema}
        assert schemas.holding(names, "core_customobject", "key", ["accounts"]) == schemas.holding(names, "no_such_table", "key", ["robots"]) == frozenset()


def test_a_table_in_use_is_waited_for_and_tried_again(companies, newer, monkeypatch):
    monkeypatch.setattr(migrate, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(migrate.schemas, "run", lambda text, lock_timeout="200ms", run=schemas.run, **more: run(text, lock_timeout, **more))
    holds, ends = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with context.bind(companies[1]), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("LOCK TABLE core_role IN ACCESS SHARE MODE")
                holds.set()
                ends.wait(30)
        finally:
            connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    assert holds.wait(30)
    threading.Timer(0.4, ends.set).start()
    newer(ADD)
    report = run(companies)
    thread.join()
    assert told(report, companies)[0] == [c.subdomain for c in companies]


def test_an_index_built_beside_traffic_runs_outside_of_a_transaction(companies, newer):
    newer(AddIndexConcurrently("role", models.Index(fields=["key"], name="role_key_of_tests")), atomic=False)
    report = run(companies)
    assert told(report, companies) == ([c.subdomain for c in companies], [], [])


def test_a_company_without_a_schema_is_reported(companies, newer):
    with context.bind_public():
        schemas.drop(companies[0].schema)
    report = run(companies)
    assert "no schema" in report.failed[companies[0].subdomain]


def test_the_command_reports_and_fails_where_a_company_failed(companies, newer):
    out, only = StringIO(), [f"--company={company.subdomain}" for company in companies]
    call_command("migrate_companies", *only, stdout=out, stderr=StringIO())
    assert "0 failed" in out.getvalue()
    with context.bind(companies[0]), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_role ADD COLUMN score integer")
    newer(ADD)
    out = StringIO()
    with pytest.raises(CommandError, match="run the command again"):
        call_command("migrate_companies", *only, stdout=out, stderr=StringIO())
    assert f"{companies[0].subdomain}: " in out.getvalue() and "1 failed" in out.getvalue()
    with context.bind(companies[0]), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_role DROP COLUMN score")


def test_what_django_records_and_what_we_record_are_one_table(companies):
    with context.bind(companies[0]):
        found = set(MigrationRecorder(connection).applied_migrations())
    assert found == versions.known(versions.company_apps())
