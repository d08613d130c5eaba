import core.models.record
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0005_pack_take'),
    ]

    operations = [
        migrations.AddField(
            model_name='savedview',
            name='position',
            field=models.PositiveIntegerField(default=0, verbose_name='Order'),
        ),
        migrations.CreateModel(
            name='BulkRun',
            fields=[
                ('id', models.UUIDField(default=core.models.record.new_id, editable=False, primary_key=True, serialize=False)),
                ('type', models.CharField(max_length=60)),
                ('what', models.JSONField(default=dict)),
                ('state', models.CharField(choices=[('checking', 'Being checked'), ('checked', 'Ready to be done'), ('writing', 'Being done'), ('done', 'Done'), ('undoing', 'Being undone'), ('undone', 'Undone')], default='checking', max_length=10)),
                ('total', models.PositiveIntegerField(default=0)),
                ('done', models.PositiveIntegerField(default=0)),
                ('report', models.JSONField(default=dict)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('finished_at', models.DateTimeField(null=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='core.user')),
            ],
            options={
                'indexes': [models.Index(fields=['owner', '-created_at'], name='bulk_run_of_owner')],
            },
        ),
        migrations.CreateModel(
            name='BulkPart',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('position', models.PositiveIntegerField()),
                ('rows', models.JSONField(default=list)),
                ('faults', models.JSONField(default=list)),
                ('open', models.BooleanField(default=True)),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='core.bulkrun')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('run', 'position'), name='bulk_part_is_unique')],
            },
        ),
    ]
