"""The tables of core, one module for each idea. What may happen to them lives in the rooms above."""

from core.models.document import Document, DocumentCharge, DocumentLine
from core.models.facts import Fact
from core.models.people import ApiKey, Grant, Role, User
from core.models.performance import Dashboard, Kpi, Target
from core.models.record import Line, OwnedRecord, Record, Rows, SealedModel, permit
from core.models.setup import Currency, CustomField, ExchangeRate, Sequence, TaxCode
from core.models.structure import Link, Node, OrgUnit, OrgUnitLink
from core.models.trail import TrailEntry
from core.models.work import Checkup, IdempotencyKey, Import, Job, SearchEntry

__all__ = [
    "ApiKey", "Checkup", "Currency", "CustomField", "Dashboard", "Document", "DocumentCharge", "DocumentLine", "ExchangeRate", "Fact", "Grant",
    "IdempotencyKey", "Import", "Job", "Kpi", "Line", "Link", "Node", "OrgUnit", "OrgUnitLink", "OwnedRecord", "Record", "Role", "Rows",
    "SealedModel", "SearchEntry", "Sequence", "Target", "TaxCode", "TrailEntry", "User", "permit",
]  # fmt: skip
