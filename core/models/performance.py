"""What the company watches: KPIs and the dashboards that show them. How a KPI is computed lives in ``core.kpi``."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.models.columns import FilterField
from core.models.record import Record


class Kpi(Record):
    """A KPI over facts: the sum of one measure, of those facts that ``filter`` lets through.

    ``name`` is empty for a shipped KPI that the company has not renamed; its name then comes from the registry,
    in the reader's language.
    """

    key = models.CharField(_("Key"), max_length=40)
    name = models.CharField(_("Name"), max_length=200, blank=True, default="")
    measure = models.CharField(_("Measure"), max_length=40)
    filter = FilterField(_("Only where"))
    position = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint("key", name="kpi_key_is_unique")]


class Dashboard(Record):
    """A page of tiles, each ``{kpi, shape, period, group_by}``; ``is_default`` marks the one people land on."""

    name = models.CharField(_("Name"), max_length=200, blank=True, default="")
    tiles = models.JSONField(_("Tiles"), default=list)
    is_default = models.BooleanField(default=False)
