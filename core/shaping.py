"""The types by which a company shapes what it works with: its own objects. Set-up is records, so it has versions, a trail and an API."""

from django.utils.translation import gettext_lazy as _

from core import objects, validation
from core.models import CustomObject, Rule
from core.registry import ObjectType, named, register
from core.types import SETTINGS

register(
    ObjectType(
        "custom-objects", CustomObject, _("Object"), _("Objects"),
        ("label", "plural", named("key", once=True), "icon", "title_label", named("pattern", once=True), "columns", "board", "labels", "plurals"),
        columns=("plural", "key", "icon"), title="plural", search=("label", "plural", "key"), owner=None, icon="box", group=SETTINGS,
        check=objects.check, after=objects.changed, deletable=False, sort=("plural",), keys=("key",),
    ),
)  # fmt: skip

register(
    ObjectType(
        "rules", Rule, _("Validation rule"), _("Validation rules"),
        (
            named("type", once=True, options=validation.type_choices), "name", named("condition", kind="formulatext", required=True, wide=True), "message",
            named("field", help=_("The field the message stands at; empty: above the form.")), "record_type", "active", "messages",
        ),
        columns=("name", "type", "message", "active"), search=("name", "message"), owner=None, icon="shield-check", group=SETTINGS,
        check=validation.check, after=validation.changed, sort=("type", "name"), keys=("type", "name"), filters=("type", "active"),
    ),
)  # fmt: skip
