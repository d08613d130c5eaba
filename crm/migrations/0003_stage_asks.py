import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('crm', '0002_chain'),
    ]

    operations = [
        migrations.AddField(
            model_name='stage',
            name='required_fields',
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=60), blank=True, default=list,
                help_text='What a deal must have filled in to enter the stage.', size=None, verbose_name='Asks for',
            ),
        ),
    ]
