"""Saved views are part of a company's set-up: every list asks for them, and they change seldom."""

from django.db import migrations

WATCH = """
CREATE TRIGGER renews_edition AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON core_savedview FOR EACH STATEMENT EXECUTE FUNCTION renew_edition();
"""


class Migration(migrations.Migration):

    dependencies = [
        ("core", "0013_search_by_type"),
    ]

    operations = [
        migrations.RunSQL(WATCH, "DROP TRIGGER renews_edition ON core_savedview;"),
    ]
