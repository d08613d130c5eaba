"""The types by which a company watches itself: the KPIs it builds, dashboards of them, and watches that tell when one crosses a threshold."""

from django.utils.translation import gettext_lazy as _

from core import steering
from core.models import Kpi
from core.registry import ObjectType, named, register

register(
    ObjectType(
        "kpis", Kpi, _("Figure"), _("Figures"),
        (
            named("key", once=True, required=False), "name", "definition", "filter", "format", "unit_of_measure", "up_is_good", "thresholds", "about", "labels",
            named("measure", once=True), "position",
        ),
        columns=("key", "name", "about", "format"), title="name", title_else="key", search=("name", "key", "about"), owner=None, icon="chart-bar",
        prepare=steering.prepare_kpis, check=steering.check_kpi, deletable=False, sort=("position", "key"), keys=("key",),
    ),
)  # fmt: skip
