"""Who works here and what they may do: users, roles with their grants, API keys. Passwords are hashes, keys too."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.models.columns import ChoiceField, CodeField, FilterField, SecretField, WordsField
from core.models.record import Line, Record, Rows, SealedModel, new_id


class User(AbstractBaseUser, Record):
    """A person who signs in. Unique by e-mail within the company; an archived one cannot sign in."""

    email = models.EmailField(_("E-mail"), max_length=200)
    name = models.CharField(pgettext_lazy("person", "Name"), max_length=200)
    sort_key = models.CharField(max_length=400, default="", editable=False)
    unit = models.ForeignKey("core.OrgUnit", models.PROTECT, null=True, blank=True, verbose_name=_("Unit"), related_name="+")
    roles = models.ManyToManyField("core.Role", verbose_name=_("Roles"), blank=True, related_name="+")
    manager = models.ForeignKey("self", models.PROTECT, null=True, blank=True, verbose_name=_("Manager"), related_name="+")
    language = CodeField(_("Language"), standard="language")
    password = SecretField(_("Password"))

    USERNAME_FIELD = "email"
    objects = models.Manager.from_queryset(Rows)()

    class Meta:
        constraints = [models.UniqueConstraint("email", name="user_email_is_unique")]
        indexes = [models.Index(Upper("email"), name="user_email")]

    def __str__(self):
        return self.name

    @property
    def is_active(self):
        return self.archived_at is None


class Role(Record):
    """A named set of grants. ``key`` names the default roles, so that their labels can be translated."""

    name = models.CharField(_("Name"), max_length=200)
    sort_key = models.CharField(max_length=400, default="", editable=False)
    key = models.CharField(max_length=40, blank=True, default="", editable=False)

    class Meta:
        constraints = [models.UniqueConstraint("name", name="role_name_is_unique")]

    def __str__(self):
        return self.name


SCOPES = (("own", _("Own records")), ("unit", _("Own unit")), ("subtree", _("Own unit and below")), ("all", _("Everything")))


class Grant(Line):
    """One permission of a role: these actions, on this type, within this scope; some fields hidden or read-only."""

    role = models.ForeignKey(Role, models.CASCADE, related_name="grants")
    type = models.CharField(_("Type"), max_length=60)
    actions = WordsField(_("Actions"))
    scope = ChoiceField(_("Scope"), choices=SCOPES, default="own")
    filter = FilterField(_("Only where"))
    hidden = WordsField(_("Hidden fields"))
    readonly = WordsField(_("Read-only fields"))


class ApiKey(SealedModel):
    """A key that acts as its user. Stored as SHA-256; the key itself is shown once."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    prefix = models.CharField(max_length=8, unique=True)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True)
