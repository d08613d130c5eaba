"""The trail and the facts refuse to be changed or deleted, whoever asks: the database itself says no."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% only grows: rows are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER trail_only_grows BEFORE UPDATE OR DELETE ON core_trailentry FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER facts_only_grow BEFORE UPDATE OR DELETE ON core_fact FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""
ALLOW = """
DROP TRIGGER facts_only_grow ON core_fact;
DROP TRIGGER trail_only_grows ON core_trailentry;
DROP FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]
