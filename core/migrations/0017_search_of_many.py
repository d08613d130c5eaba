"""Types of which there are many are searched along an index of their own; the old one is for all others."""

from django.contrib.postgres.indexes import GinIndex
from django.db import migrations
from django.db.models import Q

APART = ("accounts", "activities", "contacts", "leads", "opportunities")
OTHERS = GinIndex(fields=["about_type", "text"], name="search_text", opclasses=["text_ops", "gin_trgm_ops"], condition=~Q(about_type__in=APART))


class Migration(migrations.Migration):

    dependencies = [
        ("core", "0016_what_waits"),
    ]

    operations = [
        *(
            migrations.AddIndex("searchentry", GinIndex(fields=["text"], name=f"search_{slug}", opclasses=["gin_trgm_ops"], condition=Q(about_type=slug)))
            for slug in APART
        ),
        migrations.RemoveIndex("searchentry", "search_text"),
        migrations.AddIndex("searchentry", OTHERS),
    ]
