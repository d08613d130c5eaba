"""The types by which a company shapes what it works with: its own objects. Set-up is records, so it has versions, a trail and an API."""

from django.utils.translation import gettext_lazy as _

from core import objects, packs, registry, saved_views, validation
from core.models import CustomObject, Pack, Rule, SavedView
from core.registry import SETTINGS, Act, Field, ObjectType, named, register

register(
    ObjectType(
        "custom-objects", CustomObject, _("Object"), _("Objects"),
        ("label", "plural", named("key", once=True), "icon", "title_label", named("pattern", once=True), "columns", "board", "labels", "plurals"),
        columns=("plural", "key", "icon"), title="plural", search=("label", "plural", "key"), owner=None, icon="box", group=SETTINGS,
        check=objects.check, after=objects.changed, deletable=False, sort=("plural",), keys=("key",),
    ),
    ObjectType(
        "packs", Pack, _("Pack"), _("Packs"),
        (named("content", once=True, unasked=True, max_length=1_000_000), named("take", once=True, unasked=True)), shown=("key", "name", "edition"),
        columns=("name", "key", "edition"), search=("name", "key"), owner=None, icon="package", prepare=packs.prepare,
        after=packs.after, deletable=False, archivable=False, sort=("name",), keys=("key",),
        acts=(
            Act(
                "update", _("Install another edition"), icon="refresh", run=packs.update,
                fields=(Field("content", "json", _("File"), required=True, max_length=1_000_000), *packs.CHOICES),
            ),
            Act("uninstall", _("Uninstall"), fields=packs.CHOICES[1:], run=packs.remove, icon="trash", danger=True),
        ),
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

register(
    ObjectType(
        "saved-views", SavedView, _("Saved view"), _("Saved views"),
        (
            named("type", once=True, options=registry.type_choices), "name", named("kind", required=True), "content", "owner", "shared", "default_for",
            "position",
        ),
        columns=("name", "type", "kind", "owner", "shared"), search=("name",), owner=None, icon="bookmark", group=SETTINGS, personal=saved_views.personal,
        prepare=saved_views.prepare, check=saved_views.check, redact=saved_views.redact, untold=("content",), sort=("type", "position", "name"),
        keys=("type", "name"), filters=("type", "kind"),
    ),
)  # fmt: skip
