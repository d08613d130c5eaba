"""Which migrations a schema must have: those of the shared apps for public, those of a company's apps for every company.

Reads the disk, never the database; runs nothing.
"""

import hashlib
import inspect
from functools import cache

from django.apps import apps
from django.conf import settings
from django.db.migrations.loader import MigrationLoader

Key = tuple[str, str]  # an app's label and a migration's name


def shared_apps() -> frozenset[str]:
    return _labels(settings.SHARED_APPS)


def company_apps() -> frozenset[str]:
    return _labels(settings.TENANT_APPS)


def _labels(names: list[str]) -> frozenset[str]:
    return frozenset(config.label for config in apps.get_app_configs() if config.name in names)


def known(labels: frozenset[str]) -> frozenset[Key]:
    """All migrations that these apps have on disk."""
    return frozenset(key for key in MigrationLoader(None).disk_migrations if key[0] in labels)


def targets(loader: MigrationLoader, labels: frozenset[str]) -> list[Key]:
    """The newest migration of each of these apps."""
    return [key for key in loader.graph.leaf_nodes() if key[0] in labels]


@cache
def fingerprint() -> str:
    """One value for the names and the text of all of a company's migrations: what a prepared copy is made for."""
    total = hashlib.sha256()
    migrations = MigrationLoader(None).disk_migrations
    for key in sorted(known(company_apps())):
        total.update(f"{key}\n{inspect.getsource(inspect.getmodule(type(migrations[key])))}".encode())
    return total.hexdigest()
