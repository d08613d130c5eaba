"""Which company the running code serves, and which request. The only state that is not an argument; the user never is here.

``core`` owns the binding, the floors above fill it: ``tenants`` opens it for a host or a task, its database backend reads it
before every statement. Unbound code reaches no company's table. Holds no database access and imports nothing of Odos.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType
from uuid import UUID
from zoneinfo import ZoneInfo


class Unbound(RuntimeError):
    """Code that needs a company ran outside of one: a defect, never a person's mistake."""


class CompanyMismatch(RuntimeError):
    """A query or record made while bound to one company was used while bound to another (I-07, I-08)."""


@dataclass(frozen=True)
class Company:
    """A company as a request sees it: read once from public, frozen, so that a request never looks there again."""

    id: UUID
    schema: str
    name: str
    subdomain: str
    country: str = "US"
    currency: str = "USD"
    timezone: str = "UTC"
    language: str = "en"
    fiscal_year_start: int = 1  # month, 1 to 12
    verified: bool = False  # somebody proved to be who signed it up: only then mails go to people outside
    limits: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


@dataclass(frozen=True)
class Call:
    """Where a write came from, for the trail only: nothing decides by it."""

    request_id: str = ""
    address: str = ""
    channel: str = ""  # page, api, import, task, command, public
    origin: str = ""  # scheme and host the request was sent to, for links in what it makes
    agent: str = ""  # what the browser or program calls itself
    batch: UUID | None = None  # what is written together and undone together


_company: ContextVar[Company | None] = ContextVar("odos_company", default=None)
_public: ContextVar[bool] = ContextVar("odos_public", default=False)
NOWHERE = Call()
_call: ContextVar[Call] = ContextVar("odos_call", default=NOWHERE)


def company() -> Company:
    """The bound company; raises Unbound where there is none."""
    bound = _company.get()
    if bound is None:
        raise Unbound("No company is bound here: enter one with context.bind(company).")
    return bound


def company_or_none() -> Company | None:
    return _company.get()


def public_is_bound() -> bool:
    """True where the code serves the public site: the database backend then opens the public schema and nothing else."""
    return _public.get()


def call() -> Call:
    return _call.get()


@contextmanager
def bind(bound: Company) -> Iterator[Company]:
    """Serve this company inside the block; whatever was bound before is bound again after it, also after an exception."""
    company_token, public_token = _company.set(bound), _public.set(False)
    memo_token = _memo.set(None if _memo.get() is None else {})  # what was read of another company is not remembered in this one
    try:
        yield bound
    finally:
        _memo.reset(memo_token)
        _public.reset(public_token)
        _company.reset(company_token)


@contextmanager
def bind_public() -> Iterator[None]:
    """Serve the public site inside the block: no company is bound."""
    company_token, public_token = _company.set(None), _public.set(True)
    memo_token = _memo.set(None if _memo.get() is None else {})
    try:
        yield
    finally:
        _memo.reset(memo_token)
        _public.reset(public_token)
        _company.reset(company_token)


@contextmanager
def calling(call: Call) -> Iterator[None]:
    token = _call.set(call)
    try:
        yield
    finally:
        _call.reset(token)


_rehearsal: ContextVar[bool] = ContextVar("odos_rehearsal", default=False)


def is_rehearsal() -> bool:
    """Whether all that is written now is taken back in the end: then nobody ever reads its trail, or looks for it."""
    return _rehearsal.get()


@contextmanager
def rehearsing(really: bool = True) -> Iterator[None]:
    """Try the writes inside, which the caller rolls back. Whatever may refuse them is done; what could only be read afterwards is not."""
    token = _rehearsal.set(really)
    try:
        yield
    finally:
        _rehearsal.reset(token)


_providers: list[Callable[[UUID], Company]] = []


def provide(find: Callable[[UUID], Company]) -> None:
    """Called once by ``tenants``: how a company is found by its id (active ones only; it raises Unbound otherwise)."""
    _providers[:] = [find]


def find(company_id: UUID) -> Company:
    """The company with this id, from the floor above. Cost: at most one query, usually none."""
    if not _providers:
        raise Unbound("No provider of companies is installed.")
    return _providers[0](company_id)


_memo: ContextVar[dict | None] = ContextVar("odos_memo", default=None)


def memo() -> dict:
    """What the running use-case has already read and may read again (a type's fields, a tree). Outside one it remembers nothing."""
    remembered = _memo.get()
    return {} if remembered is None else remembered


def is_remembering() -> bool:
    """Whether a use-case runs, so that what ``memo`` is given stays until its end."""
    return _memo.get() is not None


@contextmanager
def remembering() -> Iterator[None]:
    """Remember inside the block only: one request, one job. Nothing outlives the snapshot it was read in."""
    token = _memo.set({})
    try:
        yield
    finally:
        _memo.reset(token)
