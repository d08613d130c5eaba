"""What the company watches: KPIs, what they are meant to come to, and the dashboards that show them. How a KPI is computed lives in ``core.kpi``."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.models.columns import FilterField, NumberField
from core.models.record import Record


class Kpi(Record):
    """A KPI over facts: the sum of one measure, of those facts that ``filter`` lets through.

    A shipped one's formula stands in the registry, by its key; ``measure`` then is the first of those it is made of.
    ``name`` is empty for a shipped KPI that the company has not renamed; its name then comes from the registry,
    in the reader's language.
    """

    key = models.CharField(_("Key"), max_length=40)
    name = models.CharField(_("Name"), max_length=200, blank=True, default="")
    measure = models.CharField(_("Measure"), max_length=40, blank=True, default="")
    filter = FilterField(_("Only where"))
    position = models.PositiveIntegerField(default=0)
    labels = models.JSONField(_("Name in other languages"), default=dict, blank=True)
    about = models.CharField(_("What it says"), max_length=500, blank=True, default="")
    definition = models.JSONField(_("Definition"), null=True, blank=True, default=None)  # of one the company built; what is shipped has its own in the registry
    format = models.CharField(_("Format"), max_length=20, blank=True, default="")
    unit_of_measure = models.CharField(_("Measured in"), max_length=20, blank=True, default="")
    up_is_good = models.BooleanField(_("More is better"), default=True)
    thresholds = models.JSONField(_("Thresholds"), default=list, blank=True)  # [{"from": "0", "tone": "late"}], upwards

    class Meta:
        constraints = [models.UniqueConstraint("key", name="kpi_key_is_unique")]


class Target(Record):
    """What a KPI is meant to come to in a month, quarter or year: of the company, or of one member of a dimension.

    ``subject`` is the member's id, or its code where it has none. Owner and unit follow from it, never from who set the
    target, so that people see the targets of those whose figures they see.
    """

    kpi = models.CharField(_("Figure"), max_length=40)
    dimension = models.CharField(_("Set for"), max_length=40, blank=True, default="", help_text=_("Empty for the whole company."))
    subject = models.CharField(_("Of"), max_length=200, blank=True, default="", help_text=_("A name or an id; empty for the company."))
    subject_name = models.CharField(_("Of"), max_length=200, blank=True, default="", editable=False)
    period = models.CharField(_("Period"), max_length=7, help_text=_("2026, 2026-Q3 or 2026-07."))
    value = NumberField(_("Target"))
    note = models.CharField(_("Note"), max_length=500, blank=True, default="")
    owner = models.ForeignKey("core.User", models.CASCADE, null=True, editable=False, verbose_name=_("Owner"), related_name="+")
    unit = models.ForeignKey("core.OrgUnit", models.CASCADE, null=True, editable=False, verbose_name=_("Unit"), related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kpi", "dimension", "subject", "period"], name="target_is_unique", violation_error_message=_("There is such a target already."),
            ),
        ]  # fmt: skip

    def __str__(self):
        return f"{self.kpi} {self.period}"


class Dashboard(Record):
    """A page of tiles, each ``{kpi, shape, period, group_by}``; ``is_default`` marks the one people land on.

    Those who hold the default role with the key ``role`` land on that role's, and everybody on one of their own first.
    ``key`` is that of the shipped one it came from, whose name it has until it gets one of its own.
    """

    key = models.CharField(max_length=40, blank=True, default="")
    name = models.CharField(_("Name"), max_length=200, blank=True, default="")
    tiles = models.JSONField(_("Tiles"), default=list)
    is_default = models.BooleanField(default=False)
    role = models.CharField(_("Role"), max_length=40, blank=True, default="")
    owner = models.ForeignKey("core.User", models.CASCADE, null=True, blank=True, verbose_name=_("Owner"), related_name="+")
    labels = models.JSONField(_("Name in other languages"), default=dict, blank=True)
    filters = models.JSONField(_("Filters"), default=list, blank=True)  # dimensions its reader may choose by, through all tiles
    schedule = models.JSONField(_("Sent by e-mail"), null=True, blank=True, default=None)  # {"every": "day|week|month", "hour": 7, "to": [user ids]}
    sent_on = models.DateField(null=True, editable=False)

    class Meta:
        indexes = [models.Index(fields=["name"], name="dashboard_name")]


class Watch(Record):
    """That somebody is told when a KPI crosses a threshold, upwards or downwards; ``states`` say on which side it was last for each of them."""

    kpi = models.CharField(_("Figure"), max_length=40)
    name = models.CharField(_("Name"), max_length=120)
    period = models.CharField(_("Period"), max_length=40, default="this-month")
    filter = FilterField(_("Only where"))
    op = models.CharField(_("When it is"), max_length=4, choices=(("lt", _("below")), ("gt", _("above"))), default="lt")
    value = NumberField(_("Threshold"))
    users = models.JSONField(_("Tell"), default=list)  # ids
    makes = models.CharField(_("Make"), max_length=10, choices=(("notice", _("a notification")), ("task", _("a task"))), default="notice")
    active = models.BooleanField(_("Active"), default=True)
    owner = models.ForeignKey("core.User", models.CASCADE, null=True, blank=True, verbose_name=_("Owner"), related_name="+")
    state = models.CharField(max_length=10, blank=True, default="", editable=False)
    states = models.JSONField(default=dict, editable=False)  # id of a reader -> on which side it was for him
    looked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        indexes = [models.Index(fields=["name"], name="watch_name")]

    def __str__(self):
        return self.name
