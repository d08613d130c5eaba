"""The tables of the public schema: companies, their hosts, one-use sign-in tokens, the prepared copies of a company's schema and the empty ones.

Nothing of what a company keeps about its business is here. How a company comes to be is ``tenants.provision``.
"""

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

import uuid_utils.compat
from django.db import models
from django.db.models import Q
from django.utils.timezone import now
from django_tenants.models import DomainMixin, TenantMixin

from core import context
from tenants.binding import schema_of


class Company(TenantMixin):
    """One customer of Odos. Its schema's name is made from its id, so no name, case or alphabet typed by someone reaches SQL.

    ``subdomain`` is public by nature; an id and a schema name are never used again.
    """

    class Status(models.TextChoices):
        ACTIVE = "active"
        SUSPENDED = "suspended"  # its host answers 404 and its tasks do not run

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    name = models.CharField(max_length=200)
    subdomain = models.CharField(max_length=40, unique=True)
    country = models.CharField(max_length=2)
    currency = models.CharField(max_length=3)  # the base currency, fixed for good
    timezone = models.CharField(max_length=64)
    language = models.CharField(max_length=20)
    fiscal_year_start = models.PositiveSmallIntegerField(default=1)  # a month, 1 to 12
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    created_at = models.DateTimeField(default=now, editable=False)
    verified_at = models.DateTimeField(null=True, blank=True)  # when an address of its owners was proved, or an operator vouched

    auto_create_schema = False  # tenants.provision makes it from the prepared copy
    auto_drop_schema = False

    class Meta:
        ordering = ["subdomain"]
        constraints = [
            models.CheckConstraint(condition=Q(schema_name__regex=r"^t_[a-z0-9]{26}$"), name="company_schema_name"),
            models.CheckConstraint(condition=Q(subdomain__regex=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"), name="company_subdomain"),
            models.CheckConstraint(condition=Q(fiscal_year_start__range=(1, 12)), name="company_fiscal_year_start"),
        ]

    def __str__(self):
        return self.name

    def save(self, *args, **kwargs):
        self.schema_name = schema_of(self.id)
        super().save(*args, **kwargs)

    def frozen(self) -> context.Company:
        """This company as requests and tasks see it."""
        return context.Company(
            id=self.id,
            schema=self.schema_name,
            name=self.name,
            subdomain=self.subdomain,
            country=self.country,
            currency=self.currency,
            timezone=self.timezone,
            language=self.language,
            fiscal_year_start=self.fiscal_year_start,
            verified=self.verified_at is not None,
        )


class Domain(DomainMixin):
    """A host name, without port and in lower case, at which a company is served: matched as a whole, never by its ending."""


class SignInToken(models.Model):
    """Leads from the public site to the company's own host once: who bears it there within five minutes is signed in.

    Only a hash is kept, and it covers purpose and company: at another company, or for another purpose, a token matches nothing (I-21).
    No foreign key, so that nothing of a company hangs on a row here.
    """

    LIFETIME = timedelta(minutes=5)

    hash = models.CharField(max_length=64, primary_key=True)
    company = models.UUIDField()
    user = models.UUIDField()
    expires_at = models.DateTimeField(db_index=True)

    @staticmethod
    def digest(purpose: str, company: UUID, token: str) -> str:
        return hashlib.sha256(f"{purpose}\n{company}\n{token}".encode("utf-8", "replace")).hexdigest()

    @classmethod
    def issue(cls, purpose: str, company: UUID, user: UUID) -> str:
        """A new token, to be shown once. Cost: two statements; those that have expired are removed."""
        cls.objects.filter(expires_at__lt=now()).delete()
        token = secrets.token_urlsafe(32)
        cls.objects.create(hash=cls.digest(purpose, company, token), company=company, user=user, expires_at=now() + cls.LIFETIME)
        return token

    @classmethod
    def redeem(cls, purpose: str, company: UUID, token: str) -> UUID | None:
        """The user the token signs in, or None; of two that come at once with the same token one gets None. Cost: two statements."""
        mine = cls.objects.filter(hash=cls.digest(purpose, company, token), company=company)
        user = mine.filter(expires_at__gte=now()).values_list("user", flat=True).first()
        deleted, _ = mine.delete()
        return user if deleted else None


class PreparedCopy(models.Model):
    """The SQL that makes a new company's schema, for one state of the migrations.."""

    fingerprint = models.CharField(max_length=64, primary_key=True)
    template = models.CharField(max_length=63)  # the name that stands for the new schema's in ``sql``
    sql = models.TextField()
    made_at = models.DateTimeField(default=now)


class EmptySchema(models.Model):
    """A schema made ahead for a company that has yet to come: it will get this id, from which the schema's name is made."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    fingerprint = models.CharField(max_length=64)  # of the migrations it was made by
