"""More of a company's set-up, of which pages ask all the time and which changes seldom: saved views, units, tax codes, and what people are called."""

from django.db import migrations

ANY = ("core_orgunit", "core_savedview", "core_taxcode")
WATCH = "".join(f"""
CREATE TRIGGER renews_edition AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION renew_edition();
""" for table in ANY) + """
CREATE TRIGGER renews_edition AFTER UPDATE OF name OR DELETE OR TRUNCATE ON core_user FOR EACH STATEMENT EXECUTE FUNCTION renew_edition();
"""  # who signs in changes his row as well, and that is not seldom


class Migration(migrations.Migration):

    dependencies = [
        ("core", "0013_search_by_type"),
    ]

    operations = [
        migrations.RunSQL(WATCH, "".join(f"DROP TRIGGER renews_edition ON {table};\n" for table in (*ANY, "core_user"))),
    ]
