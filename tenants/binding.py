"""The schema that the running code may reach, derived from ``core.context``. Reads no table, so that the backend can import it.

Three answers only: the bound company's schema, the public one, or a schema that does not exist.
"""

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from core import context

EXTENSIONS = "extensions"
PUBLIC = "public"
NOWHERE = "no_tenant"  # never created: a forgotten binding is an error, not somebody's rows

COMPANY_SCHEMA = re.compile(r"t_[a-z0-9]{26}\Z")
TEMPLATE_SCHEMA = re.compile(r"tpl_[a-z0-9]{26}\Z")

_named: ContextVar[str | None] = ContextVar("odos_named_schema", default=None)


def token_of(value: UUID) -> str:
    """26 lower-case base32 characters, one to one with the id: what schema names are made of, never what someone typed."""
    return base64.b32encode(value.bytes).decode("ascii").rstrip("=").lower()


def schema_of(company_id: UUID) -> str:
    return "t_" + token_of(company_id)


def bound_schema() -> str:
    """The one schema that statements reach now. Raises Unbound when two bindings contradict each other."""
    named, company = _named.get(), context.company_or_none()
    if named is not None:
        if company is not None:
            raise context.Unbound(f"The schema {named} was entered by name: leave it before a company is bound.")
        return named
    if company is not None:
        if not COMPANY_SCHEMA.match(company.schema):
            raise context.Unbound(f"{company.schema!r} is not the name of a company's schema.")
        return company.schema
    return PUBLIC if context.public_is_bound() else NOWHERE


def search_path() -> str:
    """The search path in the spelling in which the server reports it back. A company's path has no public schema."""
    schema = bound_schema()
    return schema if schema == NOWHERE else f"{schema}, {EXTENSIONS}"


@contextmanager
def schema(name: str) -> Iterator[str]:
    """Reach one schema by its name, for migrations and provisioning only: requests and tasks bind a company.

    Inside it no company can be bound. Raises ValueError for a name that provisioning does not make.
    """
    if not (name == PUBLIC or COMPANY_SCHEMA.match(name) or TEMPLATE_SCHEMA.match(name)):
        raise ValueError(f"{name!r} is not the name of a schema of this product.")
    with context.bind_public():
        token = _named.set(name)
        try:
            yield name
        finally:
            _named.reset(token)
