"""A company comes to be as a whole or not at all, quickly, and exactly as its migrations say (I-11, I-29)."""

import re
import statistics
import subprocess
import sys
import time
from uuid import uuid4

import psutil
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import override_settings

from core import context, keys, registry, sessions
from core.errors import RuleError
from core.models import Dashboard, Kpi, OrgUnit, Role, User
from deploy import settings as installed
from deploy.home import PROJECT
from tenants import binding, directory, provision, versions
from tenants.backend import schemas
from tenants.models import Company, Domain, EmptySchema, PreparedCopy, SignInToken
from tests import people


@pytest.fixture(scope="module")
def made():
    return people.new_company(name="Blauer Hof GmbH", country="DE", currency="EUR", timezone="Europe/Berlin", language="zh-Hans")


def schema_names() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(r"SELECT nspname FROM pg_namespace WHERE nspname ~ '^(t|tpl)_'")
        return {name for (name,) in cursor.fetchall()}


def test_a_company_starts_with_what_it_was_told_and_what_everyone_starts_with(made):
    assert binding.COMPANY_SCHEMA.match(made.schema) and made.schema == binding.schema_of(made.id)
    assert (made.country, made.currency, made.timezone, made.language) == ("DE", "EUR", "Europe/Berlin", "zh-Hans")
    with context.bind(made):
        owner = User.objects.get()
        assert sessions.authenticate(owner.email, people.PASSWORD) == owner
        assert owner.roles.get().key == "owner"
        assert OrgUnit.objects.get().name == "Blauer Hof GmbH"
        roles = {"owner", "admin", "sales-manager", "sales", "operations", "finance", "read-only"}
        assert set(Role.objects.values_list("key", flat=True)) >= roles
        assert set(Kpi.objects.values_list("key", flat=True)) == set(registry.kpis)
        assert Dashboard.objects.filter(is_default=True).count() == 1
    with context.bind_public():
        assert list(Domain.objects.filter(tenant_id=made.id).values_list("domain", flat=True)) == [f"{made.subdomain}.localhost"]


def test_passwords_are_kept_by_a_slow_hash():
    """As the product is installed, not as the suite hurries it: a guess costs a hundred megabytes."""
    with override_settings(PASSWORD_HASHERS=installed.PASSWORD_HASHERS):
        company = people.new_company()
        with context.bind(company):
            owner = User.objects.get()
            assert sessions.authenticate(owner.email, people.PASSWORD) == owner
            assert sessions.authenticate(owner.email, people.PASSWORD + "!") is None
    costs = {name: int(number) for name, number in re.findall(r"([mtp])=([0-9]+)", owner.password)}
    assert owner.password.startswith("argon2$argon2id$") and costs["m"] >= 100_000 and costs["t"] >= 2


def dumped(schema: str) -> list[str]:
    """The schema's objects as sorted lines, its name taken out.

    PostgreSQL writes ``x IN ('a', 'b')`` in one way when it read it from SQL and in another when it read its own dump; both
    become the second here, element by element.
    """
    text = provision.dump(schema, rows=False).replace(schema, "schema")
    text = re.sub(r"\(ARRAY\[([^\]]*)\]\)::text\[\]", lambda found: f"ARRAY[{', '.join(f'({x})::text' for x in found[1].split(', '))}]", text)
    return sorted(line for line in text.splitlines() if line.strip() and not line.startswith("\\"))


def test_the_prepared_copy_equals_the_migrated_schema(made):
    """Not one line of difference between a schema from the copy and one from the migrations."""
    template = "tpl_" + binding.token_of(uuid4())
    with context.bind_public():
        schemas.create(template)
        try:
            with binding.schema(template):
                provision._migrate(versions.company_apps())
            migrated = dumped(template)
            recorded = schemas.applied([template, made.schema])
        finally:
            schemas.drop(template)
        assert len(migrated) > 500
        assert dumped(made.schema) == migrated
        assert recorded[template] == recorded[made.schema] == versions.known(versions.company_apps())


def test_preparing_again_changes_nothing_and_two_at_once_agree():
    with context.bind_public():
        before = list(PreparedCopy.objects.values_list("fingerprint", "made_at"))
    assert provision.is_prepared()
    provision.prepare(lambda sentence: pytest.fail(f"There was something to do: {sentence}"))
    with context.bind_public():
        PreparedCopy.objects.all().delete()
    connection.close()
    code = "import django; django.setup(); from tenants import provision; provision.prepare()"
    both = [subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
    with context.bind_public():
        after = list(PreparedCopy.objects.values_list("fingerprint", flat=True))
        assert after == [fingerprint for fingerprint, _ in before]
        assert not schemas.leftover_templates()


def test_what_killed_runs_and_older_versions_left_behind_is_removed():
    template = "tpl_" + binding.token_of(uuid4())
    with context.bind_public():
        schemas.create(template)
        old = EmptySchema.objects.create(fingerprint="of an older version").id
        schemas.create(binding.schema_of(old))
        PreparedCopy.objects.all().delete()
        provision.prepare()
        assert template not in schemas.leftover_templates()
        assert not EmptySchema.objects.filter(id=old).exists() and binding.schema_of(old) not in schema_names()
    assert provision.is_prepared()


def test_a_dump_keeps_lines_of_functions_that_look_like_the_dumps_own_frame():
    body = (
        "SET statement_timeout = 0;\n--\n-- Name: f(); Type: FUNCTION; Schema: s; Owner: -\n--\nCREATE FUNCTION s.f() RETURNS void\n"
        "    AS $$BEGIN\nUPDATE x\nSET y = 1;\n-- a remark\n\nEND$$;\nALTER TABLE ONLY s.x\n    ADD CONSTRAINT k PRIMARY KEY (y);\n"
        "ALTER TABLE ONLY s.x\n    ADD CONSTRAINT u UNIQUE (z);\nCREATE INDEX i ON s.x USING btree (z);\n"
        "ALTER TABLE ONLY s.x\n    ADD CONSTRAINT r FOREIGN KEY (z) REFERENCES s.w(y);\n\\unrestrict abc\n"
    )
    condensed = schemas.condense(body)
    assert "UPDATE x\nSET y = 1;\n-- a remark\n\nEND$$;" in condensed
    assert "statement_timeout" not in condensed and "restrict" not in condensed and "-- Name" not in condensed
    assert condensed.count("ALTER TABLE") == 2
    places = [condensed.index(word) for word in ("PRIMARY KEY", "UNIQUE", "CREATE INDEX", "FOREIGN KEY")]
    assert places == sorted(places)


def test_a_failure_leaves_nothing(monkeypatch):
    """The schema, the company, its host and its people are one transaction."""
    before = schema_names()

    def break_down(*args):
        assert User.objects.count() == 0
        raise ZeroDivisionError

    monkeypatch.setattr(provision.seeds, "plant", break_down)
    with pytest.raises(ZeroDivisionError):
        people.new_company(subdomain="broken-off")
    assert schema_names() == before
    with context.bind_public():
        assert not Company.objects.filter(subdomain="broken-off").exists()
        assert not Domain.objects.filter(domain="broken-off.localhost").exists()
    assert directory.by_host("broken-off.localhost") is None


def test_of_two_companies_with_one_subdomain_the_second_is_refused(made):
    before = schema_names()
    with pytest.raises(RuleError) as caught:
        people.new_company(subdomain=made.subdomain.upper())
    assert list(caught.value.errors) == ["subdomain"]
    assert schema_names() == before


def test_a_race_for_a_subdomain_has_one_winner(made, monkeypatch):
    """The look beforehand does not see the other's row; the constraint does."""
    monkeypatch.setattr(provision.Company.objects, "filter", _blind_once(provision.Company.objects.filter))
    with pytest.raises(RuleError) as caught:
        people.new_company(subdomain=made.subdomain)
    assert list(caught.value.errors) == ["subdomain"]


def _blind_once(look):
    looks = []

    def see(*args, **kwargs):
        looks.append(1)
        return look(*args, **kwargs) if len(looks) > 1 else look(pk=uuid4())

    return see


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("subdomain", text) for text in ("", "ab", "a" * 41, "-abc", "abc-", "a_b_c", "a.b.c", "www", "xn--abc", "münchen", "ab c", "abс", "a'b;--")],
        *[("name", text) for text in ("", "   ", "x" * 201, "a\x00b", "a\u202eb")],
        *[("email", text) for text in ("", "nobody", "a@b", "a b@example.com", "a\x00@example.com")],
        *[("password", text) for text in ("", "short", "1234567890", "x" * 129, "plum\x00orchard-lantern")],
        *[("country", text) for text in ("XX", "usa", "'")],
        *[("currency", text) for text in ("XXX", "DEM")],
        *[("timezone", text) for text in ("Mars/Base", "UTC'; --", "../../etc/passwd")],
        *[("language", text) for text in ("fr", "zh")],
        ("user_name", "\x07"),
    ],
)
def test_what_breaks_a_rule_is_refused_at_its_field(field, value):
    with pytest.raises(RuleError) as caught:
        people.new_company(**{field: value})
    assert field in caught.value.errors
    assert all(sentence.endswith(".") for sentence in caught.value.errors[field])


def test_names_in_any_script_are_kept(monkeypatch):
    company = people.new_company(name="  蓝色  山丘有限公司 ", user_name="李伟")
    assert company.name == "蓝色 山丘有限公司"
    with context.bind(company):
        assert User.objects.get().name == "李伟"


# The catalog ----------------------------------------------------------------------------------------------------------


def test_a_new_companys_catalog_is_bound_to_nothing_outside(made):
    """I-29."""
    assert provision.catalog_problems(made.schema) == []


_KEY = "ADD CONSTRAINT strange FOREIGN KEY (id) REFERENCES"
PLANTED = {
    "foreign key": (f"ALTER TABLE {{a}}.core_role {_KEY} {{b}}.core_role (id) NOT VALID", "foreign key strange"),
    "foreign key from elsewhere": (f"ALTER TABLE {{b}}.core_role {_KEY} {{a}}.core_role (id) NOT VALID", "foreign key strange"),
    "sequence": (
        "CREATE SEQUENCE {b}.strange; ALTER TABLE {a}.core_role ALTER COLUMN version SET DEFAULT nextval('{b}.strange')",
        "default of",
    ),
    "trigger": (
        "CREATE FUNCTION {b}.strange() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
        "CREATE TRIGGER strange BEFORE UPDATE ON {a}.core_role FOR EACH ROW EXECUTE FUNCTION {b}.strange()",
        "trigger strange",
    ),
    "view": ("CREATE VIEW {a}.strange AS SELECT id FROM {b}.core_role", "view"),
    "heir": ("CREATE TABLE {a}.strange () INHERITS ({b}.core_role)", "inherits"),
    "type": ("CREATE TYPE {b}.strange AS ENUM ('x'); ALTER TABLE {a}.core_role ADD COLUMN strange {b}.strange", "is of type"),
    "function": ("CREATE FUNCTION {a}.strange() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM {b}.core_role'", "speaks of another"),
    "missing table": ("DROP TABLE {a}.core_dashboard CASCADE", "table core_dashboard is missing"),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_the_audit_of_the_catalog_finds_what_a_bad_copy_would_do(made, company, fault):
    """I-29: each kind of tie to another schema is planted, seen and undone."""
    statement, expected = PLANTED[fault]
    with transaction.atomic():
        with context.bind_public(), connection.cursor() as cursor:
            cursor.execute(statement.format(a=made.schema, b=company.schema))
        problems = provision.catalog_problems(made.schema)
        transaction.set_rollback(True)
    assert any(expected in problem for problem in problems), problems
    assert provision.catalog_problems(made.schema) == []


# Ends -----------------------------------------------------------------------------------------------------------------


def test_a_company_that_follows_another_at_its_subdomain_inherits_nothing():
    """I-11: cookie, key, token, cached lookup and task of the first mean nothing to the second."""
    first = people.new_company(subdomain="follow-up")
    owner = people.owner_of(first)
    browser = people.signed_in(owner, first)
    cookie = browser.cookies[settings.SESSION_COOKIE_NAME].value
    key = people.api(owner, first).key
    with context.bind_public():
        token = SignInToken.issue("welcome", first.id, owner.pk)
    assert directory.by_host("follow-up.localhost").id == first.id
    provision.drop_company(first)
    assert directory.by_host("follow-up.localhost") is None
    assert first.schema not in schema_names()
    second = people.new_company(subdomain="follow-up")
    assert second.id != first.id and second.schema != first.schema
    stale = people.browser(second)
    stale.cookies[settings.SESSION_COOKIE_NAME] = cookie
    assert stale.get("/welcome/", {"token": token}).status_code == 410
    with context.bind(second):
        assert keys.holder(key) is None
    with pytest.raises(context.Unbound):
        context.find(first.id)


def test_with_fifty_companies_a_new_one_takes_less_than_a_second():
    """Counted is the processor time of this process and of its database process, which take turns.

    That is how long it takes where nobody else uses the processors; the clock would measure the suite's neighbours too.
    """
    with context.bind_public():
        there = Company.objects.count()
    for _ in range(max(0, 50 - there)):
        people.new_company()
    taken, waited = [], []
    for _ in range(7):
        connection.ensure_connection()
        database = psutil.Process(connection.connection.info.backend_pid)
        with override_settings(PASSWORD_HASHERS=installed.PASSWORD_HASHERS):
            start, clock = _busy(database), time.perf_counter()
            people.new_company()
            taken.append(_busy(database) - start)
            waited.append(time.perf_counter() - clock)
    print("seconds of work:", *(f"{seconds:.2f}" for seconds in taken), "by the clock:", *(f"{seconds:.2f}" for seconds in waited))
    assert statistics.median(taken) < 1.0


def _busy(database: psutil.Process) -> float:
    times = database.cpu_times()
    return time.process_time() + times.user + times.system


def test_a_companys_schema_stays_within_its_budget(made):
    """At most 120 tables, 350 indexes and 7 MB empty: what a server with a thousand companies can bear."""
    with context.bind_public(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE relkind = 'r'), count(*) FILTER (WHERE relkind = 'i'), "
            "sum(pg_total_relation_size(c.oid)) FILTER (WHERE relkind = 'r') FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
            "WHERE nspname = %s",
            [made.schema],
        )
        tables, indexes, size = cursor.fetchone()
    assert tables <= 120 and indexes <= 350
    assert size <= 7 * 1024 * 1024
