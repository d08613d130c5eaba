"""Trees that change over time: a node table and a dated closure table for each. Org units (OBS) are the first."""

from datetime import date

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.models.record import Record, SealedModel

BEGINNING = date(1, 1, 1)
END = date(9999, 12, 31)


class Node(Record):
    """A place in a tree. Its ``Link`` class holds who stood below whom, and when."""

    name = models.CharField(_("Name"), max_length=200)
    sort_key = models.CharField(max_length=400, default="", editable=False)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, verbose_name=_("Parent"), related_name="children")

    class Meta:
        abstract = True

    def __str__(self):
        return self.name


class Link(SealedModel):
    """``descendant`` stood ``depth`` steps below ``ancestor`` from ``valid_from`` to the day before ``valid_to``.

    Every node is its own ancestor at depth 0. The first place of a node holds for all the past, so that a figure of
    an earlier day finds a place in the tree as it was then.
    """

    depth = models.PositiveSmallIntegerField()
    valid_from = models.DateField(default=BEGINNING)
    valid_to = models.DateField(default=END)

    class Meta:
        abstract = True


class OrgUnit(Node):
    """A unit of the company: division, branch, team (OBS)."""

    manager = models.ForeignKey("core.User", models.PROTECT, null=True, blank=True, verbose_name=pgettext_lazy("unit", "Manager"), related_name="+")

    class Meta:
        constraints = [models.CheckConstraint(condition=~models.Q(parent=models.F("id")), name="org_unit_is_not_its_own_parent")]
        indexes = [models.Index(fields=["sort_key", "id"], name="org_unit_sorted")]


class OrgUnitLink(Link):
    ancestor = models.ForeignKey(OrgUnit, models.CASCADE, related_name="links_down")
    descendant = models.ForeignKey(OrgUnit, models.CASCADE, related_name="links_up")

    class Meta:
        constraints = [models.UniqueConstraint("ancestor", "descendant", "valid_from", name="org_unit_link_is_unique")]
