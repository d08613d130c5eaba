"""How modules and types are written: an opening that says what lives there, a length one can read, labels on every field; and few tables."""

import ast
import gc

import pytest
from django.apps import apps
from django.db import connection

from core import registry
from core.models import SealedModel
from tests import order
from tests.architecture import sources

LONGEST = 450
LONG_WITH_REASON = {"core/registry.py": "the one place that declares what a type is", "core/write.py": "one road of a write, from access to facts"}
OPENING_WORDS = 6
NAMES_OF_NOTHING = {"utils", "helpers", "common", "manager", "managers", "base_utils", "misc", "tools"}
TABLES, INDEXES = 120, 350


def test_every_module_opens_with_what_lives_there():
    found = []
    for name in [*sources.modules(), *sources.tests()]:
        if not name.endswith("__init__.py") or sources.text(name).strip():
            opening = ast.get_docstring(sources.tree(name)) or ""
            if len(opening.split()) < OPENING_WORDS and not (name.endswith("__init__.py") and opening):
                found.append(name)
    assert not found, found


def test_the_longest_tests_are_there():
    """A module that was renamed would quietly begin late."""
    assert set(order.LONGEST) <= set(sources.tests())


def test_no_module_is_too_long_to_read():
    found = {n: sources.text(n).count("\n") for n in [*sources.modules(), *sources.tests()]}
    long = {n: lines for n, lines in found.items() if lines > LONGEST and n not in LONG_WITH_REASON and not n.startswith("tests/tenancy/")}
    assert not long, long


def test_no_module_has_a_name_that_says_nothing():
    found = [n for n in sources.modules() if n.rpartition("/")[2].removesuffix(".py") in NAMES_OF_NOTHING]
    assert not found, found


def test_public_functions_of_core_say_what_they_mean():
    """Of the doors, every one: their callers are other people's code."""
    found = []
    doors = ("access", "query", "write", "facts", "read", "search", "structures", "jobs", "asof", "periods", "door")
    for name in (*doors, *(f"kpi/{room}" for room in ("answers", "definitions", "drills", "groups", "questions", "tally", "targets", "trees"))):
        for node in sources.tree(f"core/{name}.py").body:
            if (
                isinstance(node, ast.FunctionDef | ast.ClassDef)
                and not node.name.startswith("_")
                and not ast.get_docstring(node)
                and len(node.body) > 3
            ):
                found.append(f"{name}.{node.name}")
    assert not found, found


def test_every_field_of_every_type_has_a_label():
    found = []
    for object_type in registry.every():
        homes = {object_type.slug: object_type.fields, **{f"{object_type.slug}.{e.name}": e.fields for e in object_type.lines}}
        homes |= {f"{object_type.slug}/{act.name}": {f.name: f for f in act.fields} for act in object_type.acts}
        found += [f"{home}.{f.name}" for home, fields in homes.items() for f in fields.values() if not str(f.label).strip()]
        assert str(object_type.label).strip()
        assert str(object_type.plural).strip()
        assert all(str(act.label).strip() for act in object_type.acts)
        known = {*object_type.fields, "id", "unit", "version", "created_at", "updated_at"}
        assert set(object_type.columns) <= known
        assert set(object_type.search) <= known
        assert set(object_type.filters) <= known
        assert object_type.title in known
    assert not found, found


def test_every_type_says_who_may_see_its_rows():
    """Z-02: records are owned, or seen alike by all who may see the type, or follow a row rule of their own."""
    for object_type in registry.every():
        columns = {f.attname for f in object_type.model._meta.concrete_fields}
        assert object_type.owner is None or object_type.owner in columns or object_type.rows is not None, object_type.slug
        if object_type.owner is None and object_type.rows is None and object_type.personal is None:
            assert "owner_id" not in columns, f"{object_type.slug} has owners that no scope looks at"


def test_every_table_of_a_company_is_sealed():
    """Only the framework's own session and migration tables are not."""
    loose = [
        m._meta.label
        for m in apps.get_models()
        if m._meta.app_label in ("core", "crm", "erp") and not issubclass(m, SealedModel) and not m._meta.auto_created
    ]
    assert not loose, loose


@pytest.mark.usefixtures("company")
def test_a_company_has_few_tables_and_indexes():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')")
        (tables,) = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'i'")
        (indexes,) = cursor.fetchone()
        cursor.execute(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')"
        )
        (size,) = cursor.fetchone()
    assert 20 <= tables <= TABLES
    assert indexes <= INDEXES
    assert size <= 7 * 1024**2


def test_python_does_not_search_what_a_process_loaded_for_rings():
    assert gc.get_freeze_count() > 10_000 and gc.get_threshold()[0] >= 10_000
