"""How many deals there are and what they are worth, by what boards tell them apart by: rows that triggers add where a deal changes (``core.summaries``)."""

from django.db import migrations, models

KEYS = "pipeline_id, stage_id, owner_id, unit_id, status, currency"
ALL = f"{KEYS}, records, amount, base_amount, weighted"
SUMS = "sum(records), sum(amount), sum(base_amount), sum(weighted)"


def _add(rows):
    """The rows of a change, those of one key as one; a change of nothing that is counted here adds none."""
    return f"""
    INSERT INTO crm_opportunitysummary ({ALL}) SELECT {KEYS}, {SUMS} FROM ({rows}) _ GROUP BY {KEYS} HAVING ({SUMS}) IS DISTINCT FROM (0, 0, 0, 0)"""


def _rows(table, sign=""):
    amounts = f"{sign}1 AS records, {sign}coalesce(amount, 0) AS amount, {sign}base_amount AS base_amount, {sign}weighted AS weighted"
    return f"SELECT {KEYS}, {amounts} FROM {table} WHERE archived_at IS NULL"


# Who folds takes what nobody else holds, in his own transaction: what is folded away and what takes its place are seen together or not at all. A table
# doubles before it is folded, so that a change takes the same time however many keys there are.
COUNT = f"""
CREATE FUNCTION summarize_opportunities() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  made integer;
BEGIN
  IF TG_TABLE_SCHEMA <> current_schema() THEN
    RAISE EXCEPTION 'a deal of % is written while % is entered', TG_TABLE_SCHEMA, current_schema();
  END IF;
  IF TG_OP = 'UPDATE' THEN {_add(f"{_rows('new_rows')} UNION ALL {_rows('old_rows', '-')}")};
  ELSIF TG_OP = 'INSERT' THEN {_add(_rows('new_rows'))};
  ELSIF TG_OP = 'DELETE' THEN {_add(_rows('old_rows', '-'))};
  ELSE
    DELETE FROM crm_opportunitysummary;
  END IF;
  GET DIAGNOSTICS made = ROW_COUNT;
  IF made > 0 AND random() * (SELECT greatest(reltuples, 200) FROM pg_class WHERE oid = 'crm_opportunitysummary'::regclass) < made
     AND current_setting('transaction_isolation') = 'read committed' THEN
    WITH held AS (SELECT id FROM crm_opportunitysummary FOR UPDATE SKIP LOCKED),
         gone AS (DELETE FROM crm_opportunitysummary USING held WHERE crm_opportunitysummary.id = held.id RETURNING crm_opportunitysummary.*)
    {_add('SELECT * FROM gone')};
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER counts_new AFTER INSERT ON crm_opportunity
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION summarize_opportunities();
CREATE TRIGGER counts_changed AFTER UPDATE ON crm_opportunity
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION summarize_opportunities();
CREATE TRIGGER counts_gone AFTER DELETE ON crm_opportunity
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION summarize_opportunities();
CREATE TRIGGER counts_none AFTER TRUNCATE ON crm_opportunity FOR EACH STATEMENT EXECUTE FUNCTION summarize_opportunities();
{_add(_rows('crm_opportunity'))};
"""
LEAVE = "".join(f"DROP TRIGGER counts_{what} ON crm_opportunity;\n" for what in ("new", "changed", "gone", "none")) + "DROP FUNCTION summarize_opportunities();"


class Migration(migrations.Migration):
    dependencies = [("crm", "0012_what_waits")]
    operations = [
        migrations.CreateModel(
            name="OpportunitySummary",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("records", models.IntegerField(default=0)),
                ("pipeline_id", models.UUIDField(null=True)),
                ("stage_id", models.UUIDField(null=True)),
                ("owner_id", models.UUIDField(null=True)),
                ("unit_id", models.UUIDField(null=True)),
                ("status", models.CharField(blank=True, default="", max_length=40)),
                ("currency", models.CharField(blank=True, default="", max_length=8)),
                ("amount", models.DecimalField(decimal_places=4, default=0, max_digits=30)),
                ("base_amount", models.DecimalField(decimal_places=4, default=0, max_digits=30)),
                ("weighted", models.DecimalField(decimal_places=4, default=0, max_digits=30)),
            ],
            options={"abstract": False},
        ),
        migrations.RunSQL(COUNT, LEAVE),
    ]
