"""The types by which a company watches itself: the KPIs it builds, dashboards of them, and watches that tell when one crosses a threshold."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core import steering, targets
from core.models import Dashboard, Kpi, Watch
from core.registry import ObjectType, named, register

register(
    ObjectType(
        "kpis", Kpi, _("Figure"), _("Figures"),
        (
            named("key", once=True, required=False), "name", "definition", "filter", "format", "unit_of_measure", "up_is_good", "thresholds", "about", "labels",
            named("measure", once=True), named("position", label=pgettext_lazy("position", "Order")),
        ),
        columns=("key", "name", "about", "format"), title="name", title_else="key", search=("name", "key", "about"), owner=None, icon="chart-bar",
        called=steering.SHIPPED_KPIS, prepare=steering.prepare_kpis, check=steering.check_kpi, after=steering.keep_room, deletable=False,
        sort=("position", "key"), keys=("key",),
    ),
    ObjectType(
        "dashboards", Dashboard, _("Dashboard"), _("Dashboards"),
        (
            "name", "tiles", "filters", named("role", options=steering.role_choices), "owner", named("is_default", label=_("Everybody's first")),
            "schedule", "labels",
        ),
        shown=(named("key", label=_("Key"), options=lambda: dict(steering.SHIPPED_BOARDS)),),
        columns=("name", "role", "owner", "is_default"), title="name", title_else="key", search=("name",), icon="layout-dashboard",
        called=steering.SHIPPED_BOARDS,
        personal=steering.whose_dashboards, prepare=steering.prepare_dashboards, check=steering.check_dashboard, sort=("name",), keys=("name",),
    ),
    ObjectType(
        "watches", Watch, _("Watch"), _("Watches"),
        (
            "name", named("kpi", kind="choice", options=targets.kpi_choices, required=True),
            named("period", kind="choice", options=steering.moving_periods, default="this-month"), named("filter", unasked=True), named("op", required=False),
            named("value", required=True), named("users", required=False, unasked=True), named("makes", required=False), "active", "owner",
        ),
        shown=(named("looked_at", label=_("Looked at")),),
        columns=("name", "kpi", "op", "value", "makes", "active", "looked_at"), title="name", search=("name",), icon="bell",
        personal=steering.whose_watches, prepare=steering.prepare_watches, check=steering.check_watch, sort=("name",), keys=("name",),
    ),
)  # fmt: skip
