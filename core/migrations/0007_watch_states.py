"""On which side of its threshold a watched figure was for each reader: everybody has a sight of his own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0006_views_and_bulk")]

    operations = [migrations.AddField("watch", "states", models.JSONField(default=dict, editable=False))]
