"""Which company a host or an id belongs to, with a short memory in this process. What a host may do is the middleware's.

Only found companies are remembered, and by their id: a new company is served at once, a suspended one for at most TTL more
seconds by processes other than the one that suspended it, and one that was verified is so everywhere within the same time.
"""

import threading
import time
from uuid import UUID

from django.conf import settings

from core import context
from tenants.models import Company, Domain

TTL = 5.0  # seconds
MOST = 5000  # companies remembered; beyond it the memory starts anew

_lock = threading.Lock()
_ids: dict[str, tuple[float, UUID]] = {}
_companies: dict[UUID, tuple[float, context.Company]] = {}


def domain() -> str:
    """The host of the public site; companies are served one label below it."""
    return settings.DOMAIN


def public_hosts() -> frozenset[str]:
    return frozenset({domain(), "127.0.0.1", "[::1]"})


def host_of(subdomain: str) -> str:
    return f"{subdomain}.{domain()}"


def by_host(host: str) -> context.Company | None:
    """The active company served at exactly this host (lower case, no port), or None. Cost: one query, none within TTL."""
    known = _ids.get(host)
    if known and known[0] > time.monotonic():
        remembered = _remembered(known[1])
        if remembered is not None:
            return remembered
    with context.bind_public():
        found = Domain.objects.filter(domain=host, tenant__status=Company.Status.ACTIVE).select_related("tenant").first()
    if found is None:
        return None
    company = _remember(found.tenant.frozen())
    with _lock:
        _ids[host] = (time.monotonic() + TTL, company.id)
    return company


def by_id(company_id: UUID) -> context.Company:
    """The active company with this id; raises Unbound otherwise. Cost: one query, none within TTL."""
    remembered = _remembered(company_id)
    if remembered is not None:
        return remembered
    with context.bind_public():
        found = Company.objects.filter(id=company_id, status=Company.Status.ACTIVE).first()
    if found is None:
        raise context.Unbound(f"There is no active company with the id {company_id}.")
    return _remember(found.frozen())


def by_subdomain(subdomain: str) -> context.Company | None:
    """The active company of this subdomain, or None. Cost: one query."""
    with context.bind_public():
        found = Company.objects.filter(subdomain=subdomain, status=Company.Status.ACTIVE).first()
    return found.frozen() if found else None


def active() -> list[context.Company]:
    """All active companies, oldest first. Cost: one query."""
    with context.bind_public():
        return [company.frozen() for company in Company.objects.filter(status=Company.Status.ACTIVE).order_by("id")]


def subdomains() -> set[str]:
    """Those of all companies, suspended ones included. Cost: one query."""
    with context.bind_public():
        return set(Company.objects.values_list("subdomain", flat=True))


def forget() -> None:
    """Remember nothing: called where a company's row changes in this process."""
    with _lock:
        _ids.clear()
        _companies.clear()


def _remembered(company_id: UUID) -> context.Company | None:
    known = _companies.get(company_id)
    return known[1] if known and known[0] > time.monotonic() else None


def _remember(company: context.Company) -> context.Company:
    with _lock:
        if len(_companies) >= MOST or len(_ids) >= MOST:
            _companies.clear()
            _ids.clear()
        _companies[company.id] = (time.monotonic() + TTL, company)
    return company
