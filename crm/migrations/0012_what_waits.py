"""How much may wait to be sorted into an index is said by whoever writes: a request little, an import much."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import migrations
from django.db.models.functions import Upper

MODELS = ("account", "contact", "lead", "opportunity", "product")


class Migration(migrations.Migration):

    dependencies = [
        ("crm", "0011_newest_of_a_stage"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(f"ALTER INDEX {model}_named RESET (gin_pending_list_limit)", migrations.RunSQL.noop) for model in MODELS],
            state_operations=[
                operation
                for model in MODELS
                for operation in (
                    migrations.RemoveIndex(model, f"{model}_named"),
                    migrations.AddIndex(model, GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name=f"{model}_named")),
                )
            ],
        ),
    ]
