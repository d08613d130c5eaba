"""Whose a key is belongs to the set-up: a key that ends renews the mark, and so does what changes of a user but for when he came last."""

from django.db import migrations

USER = ("archived_at", "custom", "email", "language", "manager_id", "name", "password", "unit_id")
DROP = "DROP TRIGGER renews_edition ON core_user;\n"
FORGET = "DROP TRIGGER renews_edition ON core_apikey;\n"


def watch(events: str, table: str) -> str:
    return f"CREATE TRIGGER renews_edition AFTER {events} OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION renew_edition();\n"


class Migration(migrations.Migration):

    dependencies = [
        ("core", "0017_search_of_many"),
    ]

    operations = [
        migrations.RunSQL(
            DROP + watch(f"UPDATE OF {', '.join(USER)}", "core_user") + watch("UPDATE", "core_apikey"),
            FORGET + DROP + watch("UPDATE OF name", "core_user"),
        ),
    ]
