"""The types by which a company shapes its forms and pages: record types, rules of forms, layouts. Set-up is records."""

from django.utils.translation import gettext_lazy as _

from core import form_rules, layouts, record_types
from core.models import FormRule, Layout, RecordType
from core.registry import SETTINGS, ObjectType, named, register

register(
    ObjectType(
        "record-types", RecordType, _("Record type"), _("Record types"),
        (
            named("type", once=True, options=record_types.type_choices), named("key", once=True), "label", "is_default", "position",
            named("choices", help=_("Of each choice field named here only these options are left.")), "labels",
        ),
        columns=("label", "type", "key", "is_default"), title="label", search=("label", "key"), owner=None, icon="versions", group=SETTINGS,
        check=record_types.check, after=record_types.changed, deletable=False, sort=("type", "position", "label"), keys=("type", "key"), filters=("type",),
    ),
    ObjectType(
        "form-rules", FormRule, _("Rule of a form"), _("Rules of forms"),
        (
            named("type", once=True, options=form_rules.type_choices), "name", named("condition", required=True), named("effect", required=True),
            named("fields", required=True), "active",
        ),
        columns=("name", "type", "effect", "active"), search=("name",), owner=None, icon="eye-cog", group=SETTINGS,
        check=form_rules.check, after=form_rules.changed, sort=("type", "name"), keys=("type", "name"), filters=("type", "effect"),
    ),
    ObjectType(
        "layouts", Layout, _("Layout"), _("Layouts"),
        (named("type", once=True, options=layouts.type_choices), named("role", once=True), named("record_type", once=True), named("content", required=True)),
        columns=("type", "role", "record_type", "updated_at"), title="type", search=("type",), owner=None, icon="layout-2", group=SETTINGS,
        check=layouts.check, after=layouts.changed, sort=("type",), keys=("type", "role", "record_type"), filters=("type", "role"), archivable=False,
    ),
)  # fmt: skip
