"""What a company shapes itself: objects of its own and their records, layouts, rules, views, packs. What they mean lives in the rooms above."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.models.columns import ChoiceField, FilterField
from core.models.record import OwnedRecord, Record, SealedModel, new_id


class CustomObject(Record):
    """A type of the company's own. ``key`` is its slug and never changes; ``labels`` and ``plurals`` say its names in further languages."""

    key = models.CharField(_("Key"), max_length=41)
    label = models.CharField(_("Name of one"), max_length=80)
    plural = models.CharField(_("Name of several"), max_length=80)
    labels = models.JSONField(_("Name of one, in other languages"), default=dict, blank=True)
    plurals = models.JSONField(_("Name of several, in other languages"), default=dict, blank=True)
    icon = models.CharField(_("Icon"), max_length=40, blank=True, default="box")
    title_label = models.CharField(_("What its title is called"), max_length=80, blank=True, default="")
    pattern = models.CharField(
        _("Numbered as"), max_length=60, blank=True, default="", help_text=_("Such as TD-{year}-{0000}; empty where people type a title.")
    )  # fmt: skip
    columns = models.JSONField(_("Columns of its list"), default=list, blank=True)
    board = models.CharField(_("Columns of its board"), max_length=41, blank=True, default="", help_text=_("One of its choice fields."))

    class Meta:
        constraints = [
            models.UniqueConstraint("key", name="custom_object_key_is_unique", violation_error_message=_("There is such an object already.")),
        ]  # fmt: skip

    def __str__(self):
        return self.plural


class CustomRecord(OwnedRecord):
    """A record of one of the company's own types, which ``object`` names. All else of it is in ``custom``."""

    object = models.CharField(max_length=41, editable=False)
    name = models.CharField(_("Name"), max_length=300)
    sort_key = models.CharField(max_length=900, editable=False, default="")

    class Meta:
        indexes = [
            models.Index(fields=["object", "-created_at", "id"], name="custom_record_newest"),
            models.Index(fields=["object", "sort_key", "id"], name="custom_record_sorted"),
            models.Index(fields=["object", "owner"], name="custom_record_owned"),
        ]

    def __str__(self):
        return self.name


class RecordType(Record):
    """One of several sorts of records of a type, each with its own layout, and with its own ``choices`` {field: [keys]}."""

    type = models.CharField(_("Type"), max_length=60)
    key = models.CharField(_("Key"), max_length=41)
    label = models.CharField(_("Label"), max_length=80)
    labels = models.JSONField(_("Label in other languages"), default=dict, blank=True)
    position = models.PositiveIntegerField(pgettext_lazy("position", "Order"), default=0)
    is_default = models.BooleanField(_("Chosen at first"), default=False)
    choices = models.JSONField(_("Options to choose from"), default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("type", "key", name="record_type_key_is_unique", violation_error_message=_("There is such a record type already.")),
        ]  # fmt: skip

    def __str__(self):
        return self.label


class Rule(Record):
    """When a record is refused: where ``condition``, a formula, is true. ``message`` is said at ``field``, or above all."""

    type = models.CharField(_("Type"), max_length=60)
    name = models.CharField(_("Name"), max_length=120)
    condition = models.TextField(_("Refuse when"), max_length=4000)
    message = models.CharField(_("Message"), max_length=300)
    messages = models.JSONField(_("Message in other languages"), default=dict, blank=True)
    field = models.CharField(_("Said at"), max_length=60, blank=True, default="")
    record_type = models.CharField(_("Only of record type"), max_length=41, blank=True, default="")
    active = models.BooleanField(_("Active"), default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("type", "name", name="rule_name_is_unique", violation_error_message=_("There is a rule of this name already.")),
        ]  # fmt: skip

    def __str__(self):
        return self.name


EFFECTS = (("show", _("Show only then")), ("require", _("Require then")), ("lock", _("Lock then")))


class FormRule(Record):
    """What becomes of ``fields`` when ``condition``, in the filter language, holds of the record in hand."""

    type = models.CharField(_("Type"), max_length=60)
    name = models.CharField(_("Name"), max_length=120)
    condition = FilterField(pgettext_lazy("rule", "When"))
    effect = ChoiceField(_("Effect"), choices=EFFECTS)
    fields = models.JSONField(pgettext_lazy("form", "Fields"), default=list)
    active = models.BooleanField(_("Active"), default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("type", "name", name="form_rule_name_is_unique", violation_error_message=_("There is a rule of this name already.")),
        ]  # fmt: skip

    def __str__(self):
        return self.name


class Layout(Record):
    """How form and page of a type are laid out for a role (none: for all others) and a record type: ``content`` holds tabs of sections of items."""

    type = models.CharField(_("Type"), max_length=60)
    role = models.ForeignKey("core.Role", models.CASCADE, null=True, blank=True, verbose_name=_("For the role"), related_name="+")
    record_type = models.CharField(_("For the record type"), max_length=41, blank=True, default="")
    content = models.JSONField(_("Layout"), default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["type", "role", "record_type"], name="layout_is_unique", nulls_distinct=False,
                violation_error_message=_("There is such a layout already."),
            ),
        ]  # fmt: skip

    def __str__(self):
        return self.type


VIEW_KINDS = (("list", _("List")), ("board", _("Board")), ("calendar", _("Calendar")), ("map", _("Map")), ("pivot", _("Pivot table")))


class SavedView(Record):
    """A way to look at the records of a type, by name. Without an owner it is the company's; ``shared`` shows one's own to all who see the type."""

    type = models.CharField(_("Type"), max_length=60)
    name = models.CharField(_("Name"), max_length=120)
    kind = ChoiceField(_("Shown as"), choices=VIEW_KINDS, default="list")
    content = models.JSONField(_("What it shows"), default=dict, blank=True)
    owner = models.ForeignKey("core.User", models.CASCADE, null=True, blank=True, verbose_name=_("Owner"), related_name="+")
    shared = models.BooleanField(_("Shared with all"), default=False)
    default_for = models.JSONField(_("First for the roles"), default=list, blank=True)
    position = models.PositiveIntegerField(pgettext_lazy("position", "Order"), default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["type", "owner", "name"], name="saved_view_name_is_unique", nulls_distinct=False,
                violation_error_message=_("There is a view of this name already."),
            ),
        ]  # fmt: skip

    def __str__(self):
        return self.name


class Pack(Record):
    """A pack of set-up that was installed: its file as it came, and what was made of it, {its own name: [type, id]}."""

    key = models.CharField(_("Key"), max_length=60)
    name = models.CharField(_("Name"), max_length=120)
    edition = models.PositiveIntegerField(_("Edition"), default=1)
    content = models.JSONField(_("File"), default=dict)
    take = models.JSONField(_("Taken from the pack where both have it"), default=list, blank=True)
    made = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key"], name="pack_is_installed_once", condition=models.Q(archived_at=None))]

    def __str__(self):
        return self.name


class StoredFile(SealedModel):
    """A file somebody brought. It stands in the company's own schema, so that it comes and goes with it and with its transaction."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=255)
    media_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    content = models.BinaryField()
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    brought_by = models.UUIDField(null=True)
    brought_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["brought_at"], name="stored_file_brought_at")]


class Notice(SealedModel):
    """Something one person is told; read or not."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey("core.User", models.CASCADE, related_name="+")
    text = models.CharField(max_length=500)
    url = models.CharField(max_length=500, default="", blank=True)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["user", "-at"], name="notice_of_user")]
