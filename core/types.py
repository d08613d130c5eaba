"""The types core itself exposes: units, people, roles, own fields, tax codes, and the two ledgers, facts and trail."""

from django.utils.translation import gettext_lazy as _

from core import asof, dimensions, documents, facts, own_fields, rates, registry, rules, targets, trail
from core.models import Currency, CustomField, ExchangeRate, Fact, Grant, OrgUnit, Role, Target, TaxCode, TrailEntry, User
from core.registry import SETTINGS, Dimension, Field, Lines, ObjectType, named, register

register(
    ObjectType(
        "org-units", OrgUnit, _("Unit"), _("Units"), ("name", "parent", "manager"), columns=("name", "parent", "manager"),
        search=("name",), owner=None, settled=True, icon="sitemap", group=SETTINGS, check=rules.check_unit, after=rules.keep_unit_links,
        sort=("name",), keys=("name",), related=(("users", "unit"),), figures=(("order-intake", "unit"), ("orders", "unit")),
    ),
    ObjectType(
        "users", User, _("User"), _("Users"), ("email", "name", "unit", "roles", "manager", "language", named("password", required=False)),
        columns=("name", "email", "unit", "roles", "manager"), search=("name", "email"), owner="id", settled=True, icon="user", group=SETTINGS,
        prepare=rules.prepare_people, check=rules.check_user, after=rules.keep_an_owner, locked=rules.locked_user, sort=("name",), keys=("email",),
        figures=(("order-intake", "person"), ("orders", "person")),
    ),
    ObjectType(
        "roles", Role, _("Role"), _("Roles"), ("name",), columns=("name",), search=("name",), owner=None, icon="shield", group=SETTINGS,
        lines=(
            Lines(
                "grants", Grant, "role",
                (
                    named("type", options=rules.grant_types), named("actions", options=rules.grant_actions), "scope", "filter", "hidden", "readonly",
                ),
                label=_("Grants"), apart=True,
            ),
        ),
        check=rules.check_role, after=rules.role_changed, sort=("name",), keys=("name",), related=(("users", "roles"),),
    ),
    ObjectType(
        "custom-fields", CustomField, _("Field"), _("Fields"),
        (
            named("type", once=True, options=own_fields.type_choices), named("key", once=True), named("kind", once=True, required=True),
            "label", "required", "unique", "fast",
            named("options", help=_('Of a choice: a list such as [{"key": "a", "label": "First"}].')), "default", "help",
            named("target", once=True, options=registry.type_choices),
            named("formula", kind="formulatext", wide=True), "rollup", named("pattern", once=True), "depends_on", "minimum", "maximum",
            "personal", "sensitive", "seen_by", "edited_by", "labels", "helps", "position",
        ),
        shown=("returns", "fast_state"),
        columns=("label", "type", "key", "kind", "required"), title="label", search=("label", "key"), owner=None, icon="forms",
        group=SETTINGS, check=own_fields.check, after=own_fields.changed, deletable=False, sort=("type", "position", "label"), keys=("type", "key"),
        filters=("type", "kind"),
    ),
    ObjectType(
        "tax-codes", TaxCode, _("Tax code"), _("Tax codes"), ("code", named("rate", minimum=0, maximum=1, required=True)),
        columns=("code", "rate"), title="code", settled=True,
        search=("code",), owner=None, icon="receipt-tax", group=SETTINGS, after=documents.forget_tax, sort=("code",), keys=("code",),
    ),
    ObjectType(
        "currencies", Currency, _("Currency"), _("Currencies"), (), shown=("code", "places"), columns=("code", "places"), title="code", search=("code",),
        owner=None, icon="coins", group=SETTINGS, sort=("code",), writable=False, deletable=False, archivable=False,
    ),
    ObjectType(
        "exchange-rates", ExchangeRate, _("Exchange rate"), _("Exchange rates"), ("currency", "date", named("rate", required=True)),
        columns=("currency", "date", "rate"), title="currency", search=("currency",), owner=None, icon="arrows-exchange", group=SETTINGS,
        check=rules.check_rate, after=rates.forget, sort=("-date",), keys=("currency", "date"), filters=("currency",),
    ),
    ObjectType(
        "targets", Target, _("Target"), _("Targets"),
        (
            named("kpi", kind="choice", options=targets.kpi_choices, required=True, once=True), named("period", once=True), named("value", required=True),
            named("dimension", kind="choice", options=targets.dimension_choices, once=True), named("subject", once=True), "note",
        ),
        shown=("subject_name", "owner", "unit"), columns=("kpi", "subject_name", "period", "value"), title="kpi", title_else="period",
        search=("subject_name",), icon="target", group=SETTINGS, prepare=targets.prepare, check=targets.check, sort=("-period",),
        keys=("kpi", "dimension", "subject", "period"), filters=("kpi", "period", "dimension"),
    ),
    ObjectType(
        "facts", Fact, _("Fact"), _("Facts"), (),
        (
            "measure", "value", "business_date", "recorded_at", named("person", target="users"), named("unit", target="org-units"), "account",
            "product", "campaign", "work", "ledger", Field("source", "anyref", _("Source"), path="source"),
        ),
        columns=("business_date", "source", "account", "product", "person", "value"), title="measure", writable=False, deletable=False,
        archivable=False, rows=facts.visible, as_of=asof.narrow_by_text, looked_up=dimensions.looked_up, looks_alike=False,
        sort=("-business_date",), icon="sum",
        filters=("measure", "person", "unit"),
    ),
    ObjectType(
        "trail", TrailEntry, _("Trail entry"), _("Trail"), (),
        ("at", named("actor", target="users"), Field("about", "anyref", _("Record"), path="about"), named("act", options=trail.act_choices), "changes"),
        columns=("at", "actor", "act", "about"), title="act", writable=False, deletable=False, archivable=False, rows=trail.visible,
        redact=trail.redact, sort=("-at",), icon="history", group=SETTINGS, filters=("actor", "act"),
    ),
    Dimension("person", _("Person"), column="person", target="users"),
    Dimension("unit", _("Unit"), column="unit", target="org-units", tree=OrgUnit),
    Dimension("month", _("Month"), period="month"),
    Dimension("quarter", _("Quarter"), period="quarter"),
    Dimension("year", _("Year"), period="year"),
)  # fmt: skip
