"""How much may wait to be sorted into an index is said by whoever writes: a request little, an import much."""

from django.contrib.postgres.indexes import GinIndex
from django.db import migrations

INDEXES = {
    "search_text": GinIndex(fields=["about_type", "text"], name="search_text", opclasses=["text_ops", "gin_trgm_ops"]),
    "search_grams": GinIndex(fields=["about_type", "grams"], name="search_grams", opclasses=["text_ops", "array_ops"]),
}


class Migration(migrations.Migration):

    dependencies = [
        ("core", "0015_targets_in_edition"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(f"ALTER INDEX {name} RESET (gin_pending_list_limit)", migrations.RunSQL.noop) for name in INDEXES],
            state_operations=[
                operation
                for name, index in INDEXES.items()
                for operation in (migrations.RemoveIndex("searchentry", name), migrations.AddIndex("searchentry", index))
            ],
        ),
    ]
