"""Bringing the companies that exist to the newest version of their tables. New ones are born with it: ``tenants.provision``.

One query finds who lags behind. The first of each group that stands at the same version runs the migrations; where these are
nothing but SQL, the others get the very statements it ran, so that no model is rendered a second time.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from django.db import OperationalError, connection, transaction
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState
from django.utils import timezone

from core import access, context, door, registry, yielding
from core.models import CustomObject
from tenants import binding, versions
from tenants.backend import schemas
from tenants.models import Company

ATTEMPTS = 4  # at a lock that someone holds longer than schemas.run waits
FIRST_PAUSE = 0.5  # seconds; doubled after each attempt


@dataclass
class Report:
    """What became of each company, by its subdomain."""

    current: list[str] = field(default_factory=list)
    migrated: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Step:
    """One operation with the states before and after it, rendered once for all companies of a group."""

    migration: Migration
    operation: Operation
    before: ProjectState
    after: ProjectState


@dataclass
class _Plan:
    migrations: list[Migration]
    steps: list[_Step]
    statements: str | None = None  # what the first company ran, where that is all there is to do

    @property
    def is_only_sql(self) -> bool:
        return all(_is_only_sql(operation) for m in self.migrations for operation in m.operations)

    @property
    def fits_one_transaction(self) -> bool:
        return all(m.atomic for m in self.migrations)


def migrate_companies(progress: Callable[[str], None] = lambda sentence: None, only: Collection[str] = ()) -> Report:
    """Bring every company to this version, each in its own transaction; one that fails is reported and does not stop the rest.

    ``only`` names subdomains to begin with, for instance one's own company before the customers'.
    Can be stopped and started again at any moment: who is done is not touched again. Migrations that say ``atomic = False``
    run outside of a transaction, as they ask. Cost: some milliseconds for each company that lags behind.
    """
    report = Report()
    with context.bind_public(), schemas.locked("migrate companies"):
        chosen = Company.objects.filter(subdomain__in=only) if only else Company.objects.all()
        names = dict(chosen.order_by("id").values_list("schema_name", "subdomain"))
        standing = schemas.applied(names)
        for lost in names.keys() - standing.keys():
            report.failed[names[lost]] = "It has no schema, or one without a table of migrations."
        known = versions.known(versions.company_apps())
        groups = defaultdict(list)
        for schema in names:
            if schema in standing:
                if known <= standing[schema]:
                    report.current.append(names[schema])
                else:
                    groups[standing[schema]].append(schema)
        for applied, members in groups.items():
            _migrate_group(applied, {schema: names[schema] for schema in members}, report, progress)
    return report


def _migrate_group(applied: frozenset, members: dict[str, str], report: Report, progress: Callable[[str], None]) -> None:
    with binding.schema(next(iter(members))):
        plan = _plan(applied)
    giving_way = schemas.holding(members, CustomObject._meta.db_table, "key", registry.types)
    for schema, subdomain in members.items():
        try:
            with binding.schema(schema):
                _with_patience(lambda: _migrate_one(plan))
            if schema in giving_way:
                _settle(schema)
        except Exception as error:  # whatever one company's data does to a migration, the others go on
            report.failed[subdomain] = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            progress(f"{subdomain}: failed. {report.failed[subdomain]}")
            connection.close_if_unusable_or_obsolete()
        else:
            report.migrated.append(subdomain)
            progress(f"{subdomain}: migrated.")


def _settle(schema: str) -> None:
    """What the company set up for itself gives way, since this version ships a type of that name."""
    with context.bind(Company.objects.get(schema_name=schema).frozen()):
        door.writing(lambda: yielding.give_way(access.system("upgrade")))


def _plan(applied: frozenset) -> _Plan:
    """The migrations that a company standing at ``applied`` lacks, with their states rendered. Asks the bound schema for squashed ones."""
    loader = MigrationLoader(connection)
    migrations, seen = [], {key for key in applied if key in loader.graph.nodes}
    state = loader.project_state(sorted(seen)) if seen else ProjectState(real_apps=loader.unmigrated_apps)
    for target in versions.targets(loader, versions.company_apps()):
        for key in loader.graph.forwards_plan(target):
            if key not in seen and key[0] in versions.company_apps():
                seen.add(key)
                migrations.append(loader.graph.nodes[key])
    steps = []
    for migration in migrations:
        for operation in migration.operations:
            before, state = state, state.clone()
            operation.state_forwards(migration.app_label, state)
            steps.append(_Step(migration, operation, before, state))
    return _Plan(migrations, steps)


def _migrate_one(plan: _Plan) -> None:
    """Migrate the bound schema: all of the plan or nothing, unless a migration asks to run outside of a transaction."""
    if not plan.fits_one_transaction:
        for migration in plan.migrations:
            _run_steps(plan, migration)
            _record([migration])
        return
    with transaction.atomic():
        if plan.statements is not None:
            schemas.run(plan.statements, notes=[(m.app_label, m.name) for m in plan.migrations])
            return
        schemas.run("")
        ran = [statement for migration in plan.migrations for statement in _run_steps(plan, migration)]
        _record(plan.migrations)
    if plan.is_only_sql:
        plan.statements = "\n".join(ran)


def _run_steps(plan: _Plan, migration: Migration) -> list[str]:
    """Run one migration's operations as Django does; answers with the statements it ran."""
    with _recording_editor()(connection, atomic=False) as editor:  # the transaction, where there is one, is the caller's
        for step in plan.steps:
            if step.migration is migration:
                operation = step.operation
                if not migration.atomic and operation.atomic:
                    with transaction.atomic():
                        operation.database_forwards(migration.app_label, editor, step.before, step.after)
                else:
                    operation.database_forwards(migration.app_label, editor, step.before, step.after)
    connection.check_constraints()  # rows checked only at commit would keep the next migration from altering their table
    return editor.ran


def _recording_editor() -> type:
    """The backend's schema editor that also writes down what it executes, deferred statements included."""

    class RecordingEditor(connection.SchemaEditorClass):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.ran: list[str] = []

        def execute(self, sql, params=()):
            text = str(sql) if params is None else self.connection.ops.compose_sql(str(sql), params)
            self.ran.append(text.rstrip().rstrip(";") + ";")
            return super().execute(sql, params)

    return RecordingEditor


def _record(migrations: Iterable[Migration]) -> None:
    """Note migrations as applied, without the recorder's look at every table of the database."""
    rows = MigrationRecorder(connection).migration_qs
    for migration in migrations:
        rows.create(app=migration.app_label, name=migration.name, applied=timezone.now())


def _is_only_sql(operation: Operation) -> bool:
    return operation.reduces_to_sql and all(_is_only_sql(inner) for inner in getattr(operation, "database_operations", ()))


def _with_patience(act: Callable[[], None]) -> None:
    """Try again where a lock was not to be had: a table that is in use is waited for briefly, so that nobody queues behind us."""
    pauses = [FIRST_PAUSE * 2**attempt for attempt in range(ATTEMPTS - 1)]
    while True:
        try:
            act()
            break
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") not in ("55P03", "40P01") or not pauses:
                raise
        time.sleep(pauses.pop(0))
