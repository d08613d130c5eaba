"""Pipelines, their stages and product categories are part of a company's set-up: few, seldom changed, and named on every page."""

from django.db import migrations

TABLES = ("crm_pipeline", "crm_stage", "crm_productcategory")
WATCH = "".join(f"""
CREATE TRIGGER renews_edition AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION renew_edition();
""" for table in TABLES)


class Migration(migrations.Migration):

    dependencies = [
        ("core", "0014_more_in_edition"),
        ("crm", "0009_activities_of_days"),
    ]

    operations = [
        migrations.RunSQL(WATCH, "".join(f"DROP TRIGGER renews_edition ON {table};\n" for table in TABLES)),
    ]
