import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0002_verified"),
    ]

    operations = [
        migrations.CreateModel(
            name="EmptySchema",
            fields=[
                ("id", models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ("fingerprint", models.CharField(max_length=64)),
            ],
        ),
    ]
