"""Targets are part of a company's set-up, with who is below whom, by which they are seen: every figure asks for them, and they change seldom."""

from django.db import migrations

TABLES = ("core_orgunitlink", "core_target")
WATCH = "".join(f"""
CREATE TRIGGER renews_edition AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION renew_edition();
""" for table in TABLES)


class Migration(migrations.Migration):

    dependencies = [
        ("core", "0014_more_in_edition"),
    ]

    operations = [
        migrations.RunSQL(WATCH, "".join(f"DROP TRIGGER renews_edition ON {table};\n" for table in TABLES)),
    ]
