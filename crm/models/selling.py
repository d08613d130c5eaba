"""What may become an order: pipelines with their stages, opportunities, quotes. What may happen to them: ``crm.rules``."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.models.columns import ChoiceField, CodeField, MoneyField, PercentField, RateField, WordsField, named
from core.models.document import Document, DocumentLine
from core.models.record import Line, OwnedRecord, Record
from core.models.summary import SumField, Summary
from crm.models.catalogue import Product
from crm.models.parties import Account, Contact, Lead

OPPORTUNITY_STATES = (
    ("open", pgettext_lazy("deal", "Open"), "blue"), ("won", pgettext_lazy("deal", "Won"), "green"), ("lost", pgettext_lazy("deal", "Lost"), "red"),
)  # fmt: skip
QUOTE_STATES = (
    ("draft", _("Draft"), "grey"), ("sent", _("Sent"), "blue"), ("accepted", _("Accepted"), "green"), ("declined", _("Declined"), "red"),
    ("expired", _("Expired"), "orange"),
)  # fmt: skip


class Pipeline(Record):
    """A way to sell, in stages."""

    name = models.CharField(pgettext_lazy("thing", "Name"), max_length=200)
    sort_key = models.CharField(max_length=400, default="", editable=False)

    class Meta:
        indexes = [models.Index(fields=["sort_key", "id"], name="pipeline_sorted")]

    def __str__(self):
        return self.name


class Stage(Line):
    """A step of a pipeline and how likely a deal is won from there. Named by whatever the company calls it."""

    pipeline = models.ForeignKey(Pipeline, models.CASCADE, related_name="stages")
    name = models.CharField(pgettext_lazy("thing", "Name"), max_length=200)
    probability = PercentField(_("Probability"), default=0)
    order = models.PositiveIntegerField(pgettext_lazy("position", "Order"), default=0)
    required_fields = WordsField(_("Asks for"), help_text=_("What a deal must have filled in to enter the stage."))

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(probability__gte=0, probability__lte=1), name="stage_probability_is_a_fraction",
                violation_error_message=_("A probability is between 0 and 100 %."),
            ),
        ]  # fmt: skip

    def __str__(self):
        return self.name


PRESENT = models.Q(archived_at=None)
OPEN = PRESENT & models.Q(status="open")


class Opportunity(OwnedRecord):
    """A deal that may be won. With lines, ``amount`` is their net; ``weighted`` is the amount times the probability, rounded once."""

    name = models.CharField(pgettext_lazy("thing", "Name"), max_length=200)
    sort_key = models.CharField(max_length=400, default="", editable=False)
    account = models.ForeignKey(Account, models.PROTECT, verbose_name=_("Account"), related_name="opportunities")
    contact = models.ForeignKey(Contact, models.PROTECT, null=True, blank=True, verbose_name=_("Contact"), related_name="+")
    lead = models.ForeignKey(Lead, models.PROTECT, null=True, blank=True, verbose_name=_("Lead"), related_name="+", editable=False)
    pipeline = models.ForeignKey(Pipeline, models.PROTECT, null=True, blank=True, verbose_name=_("Pipeline"), related_name="+")
    stage = models.ForeignKey(Stage, models.PROTECT, null=True, blank=True, verbose_name=_("Stage"), related_name="+", db_index=False)  # found by newest_in
    amount = MoneyField(_("Amount"), null=True, blank=True)
    currency = CodeField(_("Currency"), standard="currency")
    rate = RateField(_("Rate"), default=1, editable=False)
    base_amount = MoneyField(_("Amount in base currency"), default=0, editable=False)
    weighted = MoneyField(_("Weighted amount"), default=0, editable=False)
    probability = PercentField(_("Probability"), null=True, blank=True)
    close_date = models.DateField(_("Expected close"), null=True, blank=True)
    opened_on = models.DateField(_("Opened on"), null=True, blank=True)
    ended_on = models.DateField(_("Ended on"), null=True, blank=True, editable=False)
    stage_since = models.DateTimeField(_("In this stage since"), null=True, blank=True, editable=False)
    lead_source = models.CharField(_("Lead source"), max_length=100, blank=True, default="")
    campaign = models.CharField(_("Campaign"), max_length=100, blank=True, default="")
    status = ChoiceField(_("Status"), choices=tuple(s[:2] for s in OPPORTUNITY_STATES), default="open", editable=False)
    reason = models.CharField(_("Reason"), max_length=500, blank=True, default="", editable=False)
    external_id = models.CharField(_("External id"), max_length=100, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(probability=None) | models.Q(probability__gte=0, probability__lte=1), name="opportunity_probability_is_a_fraction",
                violation_error_message=_("A probability is between 0 and 100 %."),
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["sort_key", "id"], name="opportunity_sorted"),
            models.Index(fields=["external_id"], name="opportunity_external_id", condition=~models.Q(external_id="")),
            named("opportunity"),
            # Lists of a seller in a stage and columns of boards begin where they are asked for, however many deals there are.
            models.Index("owner", "stage", models.F("created_at").desc(), models.F("id").desc(), name="opportunity_newest", condition=PRESENT),
            models.Index("owner", "stage", models.F("amount").desc(nulls_last=True), "id", name="opportunity_largest", condition=PRESENT),
            models.Index(models.F("amount").desc(nulls_last=True), "id", name="opportunity_largest_of_all", condition=PRESENT),
            models.Index(fields=["close_date", "id"], name="opportunity_due_of_all", condition=PRESENT),
            # The other way round, empty ones last again; a page sorts those that are equal itself.
            models.Index(fields=["amount"], name="opportunity_smallest_of_all", condition=PRESENT),
            models.Index(models.F("close_date").desc(nulls_last=True), name="opportunity_latest_of_all", condition=PRESENT),
            models.Index("stage", models.F("created_at").desc(), models.F("id").desc(), name="opportunity_newest_in"),
            models.Index(fields=["stage", "close_date", "id"], name="opportunity_due", condition=OPEN),
            models.Index(fields=["owner", "stage", "close_date", "id"], name="opportunity_due_of", condition=OPEN),
            models.Index(  # what a board adds up, read from the index alone
                fields=["stage", "owner"], name="opportunity_open", condition=OPEN,
                include=["pipeline", "amount", "currency", "base_amount", "weighted"],
            ),
        ]  # fmt: skip

    def __str__(self):
        return self.name


class OpportunitySummary(Summary):
    """Above the columns of a board: how many deals there are, and what they are worth."""

    pipeline_id = models.UUIDField(null=True)
    stage_id = models.UUIDField(null=True)
    owner_id = models.UUIDField(null=True)
    unit_id = models.UUIDField(null=True)
    status = ChoiceField(choices=tuple(s[:2] for s in OPPORTUNITY_STATES))
    currency = CodeField(standard="currency")
    amount = SumField()
    base_amount = SumField()
    weighted = SumField()


class OpportunityLine(DocumentLine):
    """What the deal is about."""

    opportunity = models.ForeignKey(Opportunity, models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, models.PROTECT, null=True, blank=True, verbose_name=_("Product"), related_name="+")


class Quote(Document):
    """An offer to an account, in versions. ``origin`` is the first of them; a newer version supersedes those before it."""

    account = models.ForeignKey(Account, models.PROTECT, verbose_name=_("Account"), related_name="quotes")
    contact = models.ForeignKey(Contact, models.PROTECT, null=True, blank=True, verbose_name=_("Contact"), related_name="+")
    opportunity = models.ForeignKey(Opportunity, models.PROTECT, null=True, blank=True, verbose_name=_("Opportunity"), related_name="quotes")
    status = ChoiceField(_("Status"), choices=tuple(s[:2] for s in QUOTE_STATES), default="draft", editable=False)
    origin = models.ForeignKey("self", models.PROTECT, null=True, blank=True, verbose_name=_("First version"), related_name="later_versions", editable=False)
    revision = models.PositiveIntegerField(pgettext_lazy("quote", "Revision"), default=1, editable=False)
    is_superseded = models.BooleanField(_("Superseded"), default=False, editable=False)
    quote_date = models.DateField(_("Quote date"), null=True, blank=True, editable=False)
    valid_until = models.DateField(_("Valid until"), null=True, blank=True)
    first_sent_at = models.DateTimeField(_("First sent"), null=True, blank=True, editable=False)
    viewed_at = models.DateTimeField(_("First viewed"), null=True, blank=True, editable=False)
    decided_at = models.DateTimeField(_("Decided"), null=True, blank=True, editable=False)
    evidence = models.JSONField(_("Evidence"), default=dict, blank=True, editable=False)
    reason = models.CharField(_("Reason"), max_length=500, blank=True, default="", editable=False)
    terms = models.TextField(_("Terms"), max_length=5000, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["number"], name="quote_number_is_unique", condition=~models.Q(number=""))]


class QuoteLine(DocumentLine):
    """A line of a quote."""

    quote = models.ForeignKey(Quote, models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, models.PROTECT, null=True, blank=True, verbose_name=_("Product"), related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(quantity__gt=0), name="quote_line_quantity_is_positive", violation_error_message=_("A quantity is more than zero."),
            ),
            models.CheckConstraint(
                condition=models.Q(discount__gte=0, discount__lte=1), name="quote_line_discount_is_a_fraction",
                violation_error_message=_("A discount is between 0 and 100 %."),
            ),
        ]  # fmt: skip
