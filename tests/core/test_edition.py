"""What is kept of a company's set-up is right: after changes by others, in a transaction that changes it, after one that was taken back, in an old snapshot."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import uuid4

from django.db import OperationalError, connection, connections, transaction
from django.http import HttpResponse
from psycopg.errors import DeadlockDetected

from core import access, context, door, edition, keys, registry, schema, sql, write
from core.models import CustomField, Grant, Role
from tests import factories, people
from tests.tenancy.conftest import beside

FIELD = "INSERT INTO {schema}.core_customfield (id, version, created_at, updated_at, custom, type, key, kind, label, required, \"unique\", fast, options, help, target, labels, helps, position, formula, returns, pattern, depends_on, personal, sensitive, seen_by, edited_by, fast_state) VALUES (gen_random_uuid(), 1, now(), now(), '{{}}', 'accounts', '{key}', 'text', 'Beside', false, false, false, '[]', '', '', '{{}}', '{{}}', 0, '', '', '', '', false, false, '[]', '[]', '')"  # noqa: E501 - one statement


def known() -> set[str]:
    """The company's own fields of accounts, as a request of its own finds them."""
    return door.reading(own)


def own() -> set[str]:
    return {f.name for f in schema.own_fields(registry.get("accounts"))}


def add(key: str) -> CustomField:
    return write.create(access.system("tests"), registry.get("custom-fields"), {"type": "accounts", "key": key, "kind": "text", "label": key})


def add_beside(company: context.Company, key: str) -> None:
    """Another process adds a field, without any of our code."""
    with beside() as other:
        other.execute(FIELD.format(schema=company.schema, key=key))


def elsewhere(work):
    """The work in a thread with a connection of its own, in the company that is bound here."""
    bound = context.company()

    def run():
        try:
            with context.bind(bound):
                return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(run).result()


def statements(work) -> list[str]:
    """What the work asks of the database."""
    seen = []

    def note(execute, text, params, many, told):
        seen.append(text)
        return execute(text, params, many, told)

    with connection.execute_wrapper(note):
        work()
    return seen


def setup_tables() -> set[str]:
    """The tables whose changes renew the edition."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'renews_edition' AND tgrelid::regclass::text NOT LIKE '%.%'")
        return {name for (name,) in cursor.fetchall()}


# Seen by others -----------------------------------------------------------------------------------------------------


def test_the_second_request_asks_for_no_setup(company):
    known()
    assert [s for s in statements(known) if not s.startswith("SET TRANSACTION")] == []


def test_what_another_process_changed_is_seen_by_the_next_request(company):
    """It is the trigger that says so: nothing of ours hears of it."""
    known()
    add_beside(company, "by_another")
    assert "by_another" in known()


def test_without_the_trigger_nobody_would_hear_of_it(company):
    """A control: that what is kept is used at all, and that the mark alone ends its time."""
    known()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_customfield DISABLE TRIGGER renews_edition")
    try:
        add_beside(company, "unheard")
        assert "unheard" not in known()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE core_customfield ENABLE TRIGGER renews_edition; UPDATE core_customfield SET label = label")
    assert "unheard" in known()


def test_a_right_that_is_taken_away_is_gone_with_the_next_request(company, bob, api_for):
    api = api_for(bob)
    assert api.get("accounts/").status_code == 200
    with beside() as other:
        other.execute(f"DELETE FROM {company.schema}.core_user_roles WHERE user_id = %s", [bob.pk])
    assert api.get("accounts/").status_code == 403


def test_two_threads_see_what_either_changes(company):
    elsewhere(known)
    people.writing(lambda: add("from_here"))
    assert "from_here" in elsewhere(known)
    elsewhere(lambda: people.writing(lambda: add("from_there")))
    assert "from_there" in known()


def test_another_company_keeps_its_edition(company, other_company):
    with context.bind(other_company):
        before, mark = known(), sql.edition()
    people.writing(lambda: add("only_here"))
    with context.bind(other_company):
        assert (known(), sql.edition()) == (before, mark)
        assert [s for s in statements(known) if not s.startswith("SET TRANSACTION")] == []
    assert "only_here" in known()


# In a transaction ---------------------------------------------------------------------------------------------------


def test_a_transaction_sees_its_own_change_and_nobody_else_does_before_it_ends(company):
    def work():
        assert "mine" not in own()
        add("mine")
        assert "mine" in own()
        assert "mine" not in elsewhere(known)
        own()

    people.writing(work)
    assert "mine" in known() and "mine" in elsewhere(known)


def test_what_was_taken_back_was_never_there(company):
    def work():
        add("taken_back")
        assert "taken_back" in own()
        edition.publish()  # even where it was shown to all before
        raise ZeroDivisionError

    with suppress(ZeroDivisionError):
        people.writing(work)
    assert "taken_back" not in known() and "taken_back" not in elsewhere(known)
    people.writing(lambda: add("after_it"))
    assert "taken_back" not in known() and "after_it" in known()


def test_what_a_savepoint_took_back_is_not_given_to_others(company):
    def work():
        with suppress(ZeroDivisionError), transaction.atomic():
            add("in_a_savepoint")
            assert "in_a_savepoint" in own()
            raise ZeroDivisionError

    people.writing(work)
    assert "in_a_savepoint" not in known()


def test_a_write_that_met_a_newer_setup_gives_nothing_to_others(company):
    """It looked at the mark, another committed, it read: what it made is of two editions, and stays its own."""
    edition._shelves.clear()
    marks = []

    def work():
        marks.append(edition._reading().mark)
        add_beside(company, "meanwhile")
        assert "meanwhile" in own()

    people.writing(work)
    assert "own fields" not in edition._shelves.get((company.id, marks[0]), {})
    assert "meanwhile" in known()


def test_what_a_write_made_is_there_for_the_next_one(company, alice, api_for):
    api, name = api_for(alice), iter("abc")
    api.post("accounts/", {"name": next(name)})
    people.writing(lambda: add("a_new_edition"))
    api.post("accounts/", {"name": next(name)})
    asked = statements(lambda: api.post("accounts/", {"name": next(name)}))
    named = {t.model._meta.db_table for t in registry.every() if t.settled}  # what these are called, who writes reads anew: he may have changed it
    assert [s for s in asked for table in setup_tables() - named - {"core_user_roles"} if f'FROM "{table}"' in s] == []


def test_a_snapshot_reads_the_setup_as_it_was(company):
    """The request began before the change: it neither sees it nor tells others what it saw under the new mark."""

    def work():
        add_beside(company, "too_late")
        seen = own()
        assert "too_late" in elsewhere(known)
        return seen

    edition._shelves.clear()
    assert "too_late" not in door.reading(work)
    assert "too_late" in known()


# Whole, and within bounds -------------------------------------------------------------------------------------------


def test_every_change_of_the_setup_renews_the_mark(company):
    tables = setup_tables()
    assert {"core_customfield", "core_customobject", "core_grant", "core_layout", "core_role", "core_rule", "core_user_roles"} <= tables
    for table in sorted(tables):
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET id = id")
        before = sql.edition()
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table} WHERE false")
        assert sql.edition() != before, table


def test_what_settled_records_are_called_renews_the_mark(company):
    """Names of these are kept for each edition, so none may change within one; that somebody signs in is none of it."""
    settled = [t for t in registry.every() if t.settled]
    assert {t.model._meta.db_table for t in settled} <= setup_tables() and len(settled) > 5
    for object_type in settled:
        for name in filter(None, (object_type.title, object_type.title_else)):
            before = sql.edition()
            with connection.cursor() as cursor:
                cursor.execute(f'UPDATE {object_type.model._meta.db_table} SET "{name}" = "{name}"')
            assert sql.edition() != before, (object_type.slug, name)
    before = sql.edition()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE core_user SET last_login = now()")
    assert sql.edition() == before


def test_names_of_settled_records_are_asked_once_and_are_new_when_another_changes_them(company, alice, api_for):
    api = api_for(alice)
    made = factories.make("opportunities", api)
    stage = api.get(made["url"]).json()["stage"]
    asked = statements(lambda: api.get(made["url"]))
    assert asked and not [s for s in asked if re.search(r'FROM "(crm_stage|crm_pipeline|core_orgunit)"', s)]
    with beside() as other:
        other.execute(f"UPDATE {company.schema}.crm_stage SET name = 'Renamed' WHERE id = %s", [stage["id"]])
    assert api.get(made["url"]).json()["stage"] == {**stage, "label": "Renamed"}


def test_a_name_that_is_kept_is_told_only_to_who_may_see_it(company, alice, api_for):
    factories.make("opportunities", api_for(alice))
    grants = [{"type": "opportunities", "actions": ["view"], "scope": "all"}]
    role = people.writing(lambda: write.create(access.system("tests"), registry.get("roles"), {"name": "Narrow", "grants": grants}))
    for _turn in range(2):  # the second time from what is kept
        one = api_for(people.new_user("Narrow", roles=[str(role.pk)])).get("opportunities/?limit=1").json()["results"][0]
        assert one["stage"]["label"] == "" and one["stage"]["url"] is None and one["pipeline"]["label"] == ""
        assert api_for(alice).get(one["url"]).json()["stage"]["label"]


def test_only_what_renews_the_mark_is_kept(company, alice, api_for, client_for, monkeypatch):
    """What is made of any other table would stay as it was when that table changes."""
    kept, of_a_day, asked = edition.keep, edition.keep_today, set()

    def noted(make):
        def made():
            def note(execute, text, params, many, told):
                asked.update(re.findall(r'(?:FROM|JOIN) "(\w+)"', text))
                return execute(text, params, many, told)

            with connection.execute_wrapper(note):
                return make()

        return made

    monkeypatch.setattr(edition, "keep", lambda key, make: kept(key, noted(make)))
    monkeypatch.setattr(edition, "keep_today", lambda key, day, make: of_a_day(key, day, noted(make)))
    edition._shelves.clear()
    api, browser = api_for(alice), client_for(alice)
    made = api.post("accounts/", {"name": "Any"}).json()
    whole = ("opportunities/?count=exact&sum=amount", "opportunities/?group_by=stage&sum=amount", "kpis/order-intake/value/", "kpis/")
    for path in ("accounts/", f"accounts/{made['id']}/", *whole):
        assert api.get(path).status_code == 200
    for path in ("/accounts/", f"/accounts/{made['id']}/", "/opportunities/?view=board", "/"):
        assert browser.get(path).status_code == 200
    for role in ("sales", "sales-manager"):  # who sees what is his, and what is his team's
        narrow = client_for(people.new_user("Narrow", role))
        assert {narrow.get(path).status_code for path in ("/", "/opportunities/?view=board", "/kpis/order-intake/")} == {200}
    assert asked and asked <= setup_tables(), asked - setup_tables()


def test_whose_a_key_is_is_asked_once_and_a_key_that_ends_ends_at_once(company, alice, api_for):
    """For reads and for writes; another process that puts its user away, or ends the key, is heard of by the next request (A-12)."""
    api = api_for(alice)

    def answers() -> list[int]:
        return [api.get("accounts/?limit=1").status_code, api.post("accounts/", {"name": "Any"}).status_code]

    def beside_us(change: str) -> None:
        with beside() as other:
            other.execute(f"UPDATE {company.schema}.{change}", [alice.pk])

    assert answers() == [200, 201]
    assert not [text for text in statements(answers) if "core_apikey" in text]
    beside_us("core_user SET archived_at = now() WHERE id = %s")
    assert answers() == [401, 401]
    beside_us("core_user SET archived_at = NULL WHERE id = %s")
    assert answers() == [200, 201]
    beside_us("core_apikey SET revoked_at = now() WHERE user_id = %s")
    assert answers() == [401, 401]


def test_who_writes_begins_with_the_edition_he_was_found_by_unless_that_is_long_ago(company, alice, api_for, monkeypatch):
    """What is sent slowly is written with the rights of its end; a try that met others begins anew."""
    api, mark = api_for(alice), re.compile("SELECT mark")
    api.get("accounts/?limit=1"), api.post("accounts/", {"name": "Any"})

    def marks() -> int:
        return len([text for text in statements(lambda: api.post("accounts/", {"name": "Any"})) if mark.search(text)])

    before = marks()
    monkeypatch.setattr(edition, "JUST_NOW", 0.0)
    assert marks() == before + 1

    tried = iter((True, False))

    def work() -> set[str]:
        if next(tried):
            add_beside(company, "again")
            raise OperationalError from DeadlockDetected()
        return own()

    def asks() -> set[str]:
        with context.remembering():
            assert "again" not in own()
            monkeypatch.setattr(edition, "JUST_NOW", 1.0)
            return door.writing(work, edition.begun())

    assert "again" in asks()


def test_whether_there_is_a_stage_is_asked_once_and_anew_when_it_is_gone(company, alice, api_for):
    """Who writes asks for none that somebody named in this edition; another process that takes one away is heard of."""
    api = api_for(alice)
    made = factories.make("opportunities", api)
    stage, present = made["stage"]["id"], re.compile('SELECT "crm_stage"."id" AS "pk" FROM "crm_stage"')

    def move() -> HttpResponse:
        return api.post(f"{made['url']}move/", {"stage": stage})

    assert move().status_code == 200
    assert not [text for text in statements(move) if present.search(text)]
    unknown = api.post(f"{made['url']}move/", {"stage": str(uuid4())})
    assert unknown.status_code == 422 and "stage" in unknown.json()["errors"]
    with beside() as other:
        spare = other.execute(
            f"INSERT INTO {company.schema}.crm_stage SELECT (jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid(), 'name', 'Spare'))).* "
            f"FROM {company.schema}.crm_stage s WHERE id = %s RETURNING id", [stage]
        ).fetchone()[0]
    for _turn in range(2):
        assert api.post(f"{made['url']}move/", {"stage": str(spare)}).status_code == 200
    assert move().status_code == 200
    with beside() as other:
        other.execute(f"DELETE FROM {company.schema}.crm_stage WHERE id = %s", [spare])
    assert api.post(f"{made['url']}move/", {"stage": str(spare)}).status_code == 422


def test_all_that_is_kept_of_who_holds_a_key_renews_the_mark(company):
    """Each column of a user that is kept with a key is one whose change the trigger sees; when he came last is nobody's right."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT event_object_column FROM information_schema.triggered_update_columns WHERE trigger_schema = %s", [company.schema])
        seen = {column for (column,) in cursor.fetchall()}
    assert set(keys.COLUMNS) - seen == {"id", "version", "created_at", "updated_at", "sort_key", "last_login"}


def test_nothing_is_kept_of_keys_that_are_tried(company, alice, api_for):
    api_for(alice).get("accounts/?limit=1")
    shelf = door.reading(lambda: edition._reading().shared)
    before = len(shelf)
    for n in range(3):
        assert door.reading(lambda n=n: keys.holder(f"ok_tried00{n}_x")) is None
    assert len(shelf) == before


def test_no_more_editions_are_kept_than_there_is_room_for(company, other_company, monkeypatch):
    monkeypatch.setattr(edition, "MOST", 2)
    for n in range(3):
        people.writing(lambda n=n: add(f"room_{n}"))
        known()
    with context.bind(other_company):
        known()
    assert len(edition._shelves) <= 2
    assert "room_2" in known()


def test_the_mark_is_one_row_that_is_always_there(company):
    """Also in a company without any role: nothing depends on what seeds there are."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM core_edition")
        assert cursor.fetchone() == (1,)
    assert Role.objects.exists() and Grant.objects.exists()
