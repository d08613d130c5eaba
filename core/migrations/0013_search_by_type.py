"""What can be found is found by its type as well: the two indexes of search are made anew with it."""

import django.contrib.postgres.indexes
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("core", "0012_facts_of_one"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="searchentry", name="search_text"),
        migrations.RemoveIndex(model_name="searchentry", name="search_grams"),
        migrations.AddIndex(
            model_name="searchentry",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["about_type", "text"], name="search_text", opclasses=["text_ops", "gin_trgm_ops"], gin_pending_list_limit=1024,
            ),
        ),
        migrations.AddIndex(
            model_name="searchentry",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["about_type", "grams"], name="search_grams", opclasses=["text_ops", "array_ops"], gin_pending_list_limit=1024,
            ),
        ),
    ]
