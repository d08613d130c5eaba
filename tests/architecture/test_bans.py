"""What does not occur in Odos, looked for in the syntax of its modules: each ban with the few places that have a reason."""

import ast
import re

import pytest

from tests.architecture import sources

MODULES = sources.modules()
RAW_SQL = {  # room -> why it speaks SQL itself
    "core/sql.py": "the raw SQL of core",
    "core/batches.py": "rows as the database takes them fastest",
    "core/prepared.py": "what Django worded, sent again",
    "tenants/provision.py": "schemas are made by DDL",
    "tenants/versions.py": "reads the catalogue of schemas",
    "tenants/migrate.py": "moves from schema to schema",
    "tenants/backend/base.py": "the backend that guards the search path",
    "tenants/backend/plans.py": "what of a statement is its text and what its values",
    "tenants/backend/pool.py": "resets connections",
    "tenants/backend/schemas.py": "makes, copies and drops schemas",
    "deploy/health.py": "asks whether the database answers",
    "deploy/launcher/postgres.py": "prepares the embedded server",
    "deploy/launcher/database.py": "prepares a database for the product",
}
NAMED = {  # where statements hold names that cannot be parameters
    "tenants/backend/base.py": "the search path, of schema names checked when they are bound",
    "tenants/backend/schemas.py": "names of schemas, each checked against the one form it may have",
    "deploy/launcher/database.py": "rights of a role, in words of its own",
}
SEAL = {  # room -> what it writes besides records, which go through core.write
    "core/models/record.py": "where the seal is", "core/write.py": "records and their lines", "core/deleting.py": "records that go",
    "core/trail.py": "entries", "core/facts.py": "facts",
    "core/search.py": "search entries", "core/numbering.py": "sequences", "core/structures.py": "links of trees", "core/jobs.py": "jobs",
    "core/keys.py": "API keys", "core/sessions.py": "a stronger hash of the same password", "core/seeds.py": "keys of default roles and KPIs",
    "core/api/idempotency.py": "answers kept for repeated requests", "core/transfer/uploads.py": "uploaded files on their way in",
    "core/bulk.py": "runs over many records, and how far they are", "core/recovery.py": "a new password", "core/doctor.py": "what verifications found",
    "core/sharing.py": "when a shared record was first looked at", "core/files.py": "files that came, before a record names them",
    "core/own_fields.py": "the state of an index that is built", "core/own_values.py": "values that a new field starts with, of all records at once",
    "core/converting.py": "values of a field that becomes of another kind, all at once, with the field itself",
    "core/shaping_use.py": "a field's kind for a moment, taken back: what would then no longer work",
    "core/packs.py": "what a pack made, once it is installed", "core/yielding.py": "an object's key where a type ships under it",
    "core/watches.py": "notices, and on which side a watched figure was", "core/views/notices.py": "that a notice is read",
    "crm/rules/versions.py": "which version of a quote holds, under the lock of all",
    "crm/rules/leads.py": "the first response to a lead, and which lead an opportunity came of",
    "crm/rules/opportunities.py": "what opportunities weigh after their stage was changed",
    "erp/rules/orders.py": "revisions of orders", "erp/rules/stock.py": "levels, reservations and moves, under the lock of their level",
    "erp/rules/deliveries.py": "what was shipped of order lines, under the lock of their order",
    "erp/rules/invoices.py": "what was invoiced of order lines, under the lock of their order",
    "erp/rules/credits.py": "what was credited of order and invoice lines, under the lock of both",
    "erp/rules/settling.py": "allocations, and what is open of invoices, under their lock",
}  # fmt: skip
THREADS = {
    "core/api/throttle.py": "a lock around counts", "core/attempts.py": "a lock around counts",
    "core/edition.py": "a lock around this process's memory",
    "tenants/directory.py": "a lock around this process's memory", "tenants/backend/pool.py": "the pool of connections",
    "deploy/processes.py": "one for each child process's output", "deploy/up.py": "the supervisor",
    "deploy/warming.py": "what is read beside the first requests of a worker",
}  # fmt: skip


def offences(found: dict[str, list[int]]) -> str:
    return "; ".join(f"{name}:{','.join(map(str, lines))}" for name, lines in sorted(found.items()))


def collect(check, names=MODULES) -> dict[str, list[int]]:
    """Module -> lines on which ``check(module)`` finds nodes."""
    found = {name: sorted({node.lineno for node in check(name)}) for name in names}
    return {name: lines for name, lines in found.items() if lines}


@pytest.mark.parametrize("banned", [
    "django.dispatch", "django.db.models.signals", "django.core.signals", "django.contrib.contenttypes", "django.contrib.admin", "django.contrib.auth.models",
    "django.contrib.auth.decorators", "django.contrib.messages", "django.forms.models", "rest_framework.serializers", "rest_framework.viewsets",
    "rest_framework.generics", "pickle", "marshal", "shelve", "requests", "tenant_schemas_celery", "django_tenants.utils", "django_filters",
])  # fmt: skip
def test_nobody_imports(banned):
    found = collect(lambda m: [node for name, node in sources.imports(m) if name == banned or name.startswith(f"{banned}.")])
    assert not found, offences(found)


@pytest.mark.parametrize(
    "banned", ["eval", "exec", "compile", "__import__", "GenericForeignKey", "GenericRelation", "receiver", "mark_safe", "print_exc"]
)
def test_nobody_calls(banned):
    found = collect(lambda m: [node for name, node in sources.calls(m) if name == banned])
    assert not found, offences(found)


def test_no_clock_without_a_zone():
    def naive(module):
        for name, node in sources.calls(module):
            if name.endswith(("datetime.utcnow", "datetime.utcfromtimestamp", "date.today")) or (
                name.endswith("datetime.now") and not node.args and not node.keywords
            ):
                yield node

    found = collect(naive)
    assert not found, offences(found)


def test_imports_inside_functions_say_why():
    def inner(module):
        for function in ast.walk(sources.tree(module)):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.Import | ast.ImportFrom) and not re.search(r"#.*( - |as above|as below)", sources.line(module, node)):
                        yield node

    found = collect(inner, [*MODULES, *sources.tests()])
    assert not found, offences(found)


def test_raw_sql_stays_in_its_rooms():
    def speaks(module):
        for name, node in sources.calls(module):
            last = name.rpartition(".")[2]
            if (name != "execute" and last in ("cursor", "RawSQL", "RunSQL", "execute", "executemany")) or (
                last in ("extra", "raw") and "objects" in name
            ):
                yield node

    found = collect(speaks)
    assert not {m: lines for m, lines in found.items() if m not in RAW_SQL and "/management/" not in m}, offences(found)
    psycopg = collect(lambda m: [node for name, node in sources.imports(m) if name.split(".")[0] == "psycopg"])
    assert not {m for m in psycopg if m not in RAW_SQL}, offences(psycopg)


def test_statements_are_named_in_one_room():
    """I-31: a connection goes back with the plans of its statements, so the server keeps none but those that room knows of."""

    def names(module):
        for node in ast.walk(sources.tree(module)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(r"\b(PREPARE|DEALLOCATE) ", node.value):
                yield node
        yield from (node for name, node in sources.calls(module) for word in node.keywords if word.arg == "prepare_threshold")

    found = collect(names)
    assert set(found) == {"tenants/backend/plans.py"}, offences(found)


def test_the_seal_opens_where_it_is_known_why():
    found = collect(lambda m: [node for name, node in sources.calls(m) if name.rpartition(".")[2] == "permit"])
    assert set(found) <= set(SEAL), offences({m: lines for m, lines in found.items() if m not in SEAL})


def test_no_sql_is_made_of_formatted_text():
    """Raw SQL is a constant or composed by psycopg.sql, but for names of schemas that were checked."""

    def formatted(module):
        for name, node in sources.calls(module):
            if name.rpartition(".")[2] in ("execute", "executemany", "SQL", "RawSQL") and node.args:
                first = node.args[0]
                if isinstance(first, ast.JoinedStr) or (isinstance(first, ast.BinOp) and isinstance(first.op, ast.Mod | ast.Add)):
                    yield node

    found = collect(formatted)
    assert set(found) <= set(NAMED), offences({m: lines for m, lines in found.items() if m not in NAMED})


def test_threads_and_locks_are_where_it_is_known_why():
    found = collect(
        lambda m: [node for name, node in sources.imports(m) if name.split(".")[0] in ("threading", "_thread", "multiprocessing", "concurrent")]
    )
    assert set(found) <= set(THREADS), offences({m: lines for m, lines in found.items() if m not in THREADS})


def test_the_user_is_never_a_global():
    def hidden(module):
        for name, node in sources.calls(module):
            if name.rpartition(".")[2] in ("ContextVar", "local") and node.args and "user" in ast.dump(node.args[0]).lower():
                yield node

    found = collect(hidden)
    assert not found, offences(found)


def test_crm_and_erp_hold_no_pages():
    assert not [m for m in MODULES if m.split("/")[0] in ("crm", "erp") and re.search(r"/(views|urls|forms|serializers|admin|signals)\b", m)]


NOTES = re.compile(r"#\s*(type:\s*ignore|TODO|FIXME|XXX|HACK)\b")


def test_nothing_is_left_undone_or_silenced():
    found = {}
    for name in [*MODULES, *sources.tests()]:
        lines = [i for i, text in enumerate(sources.text(name).split("\n"), 1) if NOTES.search(text)]
        if lines and name != "tests/architecture/test_bans.py":
            found[name] = lines
    assert not found, offences(found)


def test_a_lint_rule_is_silenced_with_its_name_and_reason():
    found = {}
    for name in MODULES:
        lines = [
            i for i, text in enumerate(sources.text(name).split("\n"), 1) if "# noqa" in text and not re.search(r"# noqa: [A-Z0-9, ]+ - .+", text)
        ]
        if lines:
            found[name] = lines
    assert not found, offences(found)


# An address a lock file would hold, an option that names a registry, a home folder, or where this very checkout lies.
FOREIGN = re.compile(rf'("resolved":\s*"http|#\s*from https?:|/home/\w+/|/root/|/Users/\w+/|index-url|--extra-index|(?<![\w.]){re.escape(str(sources.ROOT))}/)')
BINARY = (".png", ".jpg", ".ico", ".woff2", ".mo", ".gz", ".zip", ".pdf", ".xlsx", ".db")


def test_no_file_names_a_registry_or_a_machine():
    found = {}
    for name in sources.tracked():
        if not name.endswith(BINARY) and name not in ("tests/architecture/test_bans.py", "LICENSE"):
            try:
                lines = [i for i, text in enumerate(sources.text(name).split("\n"), 1) if FOREIGN.search(text)]
            except UnicodeDecodeError:
                continue
            if lines:
                found[name] = lines
    found = {
        n: lines for n, lines in found.items() if n != "Makefile" or not all("no-emit-index-url" in sources.text(n).split("\n")[i - 1] for i in lines)
    }
    assert not found, offences(found)


def test_who_looks_at_a_page_waits_for_what_it_is_to_show():
    """Whether something is seen or ticked is asked by ``expect``, which waits: a bare answer is that of a page that still comes."""
    named = ("is_visible", "is_hidden", "is_checked", "is_enabled", "is_disabled")
    browser = [n for n in sources.tests() if n.startswith("tests/browser/")]
    assert browser
    found = collect(lambda m: [node for name, node in sources.calls(m) if name.split(".")[-1] in named], browser)
    assert not found, offences(found)
