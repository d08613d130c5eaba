"""The edition of a company's set-up: one row whose mark every change of the set-up renews, in its own transaction (``core.edition``)."""

from django.contrib.postgres.functions import RandomUUID
from django.db import migrations, models

SETUP = (
    "core_customfield", "core_customobject", "core_formrule", "core_grant", "core_kpi", "core_layout", "core_recordtype", "core_role", "core_rule",
    "core_user_roles",
)  # fmt: skip
WATCH = """
INSERT INTO core_edition (id) VALUES (1);
CREATE FUNCTION renew_edition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('UPDATE %I.core_edition SET mark = gen_random_uuid()', TG_TABLE_SCHEMA);  -- whatever the path of who writes
  RETURN NULL;
END $$;
""" + "".join(f"""
CREATE TRIGGER renews_edition AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION renew_edition();
""" for table in SETUP)
LEAVE = "".join(f"DROP TRIGGER renews_edition ON {table};\n" for table in SETUP) + "DROP FUNCTION renew_edition();"


class Migration(migrations.Migration):
    dependencies = [("core", "0010_found_by_key")]
    operations = [
        migrations.CreateModel(
            name="Edition",
            fields=[("id", models.SmallIntegerField(primary_key=True, serialize=False)), ("mark", models.UUIDField(db_default=RandomUUID()))],
            options={"abstract": False},
        ),
        migrations.RunSQL(WATCH, LEAVE),
    ]
