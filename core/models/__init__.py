"""The tables of core, one module for each idea. What may happen to them lives in the rooms above."""

from core.models.document import Document, DocumentCharge, DocumentLine
from core.models.facts import Fact
from core.models.people import ApiKey, Grant, Role, User
from core.models.performance import Dashboard, Kpi, Target, Watch
from core.models.record import Line, OwnedRecord, Record, Rows, SealedModel, permit
from core.models.setup import Currency, CustomField, Edition, ExchangeRate, Sequence, TaxCode
from core.models.shaping import CustomObject, CustomRecord, FormRule, Layout, Notice, Pack, RecordType, Rule, SavedView, StoredFile
from core.models.structure import Link, Node, OrgUnit, OrgUnitLink
from core.models.trail import TrailEntry
from core.models.work import BulkPart, BulkRun, Checkup, IdempotencyKey, Import, Job, SearchEntry

__all__ = [
    "ApiKey", "BulkPart", "BulkRun", "Checkup", "Currency", "CustomField", "CustomObject", "CustomRecord", "Dashboard", "Document", "DocumentCharge",
    "DocumentLine", "Edition", "ExchangeRate", "Fact", "FormRule", "Grant", "IdempotencyKey", "Import", "Job", "Kpi", "Layout", "Line", "Link",
    "Node", "Notice", "OrgUnit", "OrgUnitLink", "OwnedRecord", "Pack", "Record", "RecordType", "Role", "Rows", "Rule", "SavedView", "SealedModel",
    "SearchEntry", "Sequence", "StoredFile", "Target", "TaxCode", "TrailEntry", "User", "Watch", "permit",
]  # fmt: skip
