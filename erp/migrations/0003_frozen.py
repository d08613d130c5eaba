"""What is shipped or posted no longer changes, nor do stock moves and allocations: the database itself says no (M-02)."""

from django.db import migrations

# Rows whose state is not draft keep every column but those named; they never go.
DOCUMENTS = {
    "erp_delivery": (),
    "erp_invoice": ("paid", "credited", "open", "base_open"),
    "erp_creditnote": ("unallocated", "base_unallocated"),
    "erp_payment": ("unallocated", "base_unallocated"),
}
MOVING = ("version", "updated_at", "archived_at")
# Rows that stand or fall with such a document: their parent, its column, and what may still change of them.
PARTS = {
    "erp_deliveryline": ("erp_delivery", "delivery_id", ()),
    "erp_invoiceline": ("erp_invoice", "invoice_id", ("credited",)),
    "erp_invoicecharge": ("erp_invoice", "invoice_id", ()),
    "erp_creditnoteline": ("erp_creditnote", "credit_note_id", ()),
    "erp_creditnotecharge": ("erp_creditnote", "credit_note_id", ()),
}
LEDGERS = ("erp_stockmove", "erp_allocation")

FUNCTIONS = """
CREATE FUNCTION refuse_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status <> 'draft' AND (TG_OP = 'DELETE' OR to_jsonb(OLD) - TG_ARGV <> to_jsonb(NEW) - TG_ARGV) THEN
    RAISE EXCEPTION 'a % of % never changes', OLD.status, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE FUNCTION refuse_frozen_part() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  frozen boolean;
  ids text[];
BEGIN
  IF TG_OP <> 'INSERT' THEN ids := ids || (to_jsonb(OLD) ->> TG_ARGV[1]); END IF;
  IF TG_OP <> 'DELETE' THEN ids := ids || (to_jsonb(NEW) ->> TG_ARGV[1]); END IF;
  IF TG_OP = 'UPDATE' AND to_jsonb(OLD) - TG_ARGV[2:] = to_jsonb(NEW) - TG_ARGV[2:] THEN
    RETURN NEW;
  END IF;
  EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.%I WHERE id = ANY ($1::uuid[]) AND status <> ''draft'')', TG_TABLE_SCHEMA, TG_ARGV[0])
    INTO frozen USING ids;
  IF frozen THEN
    RAISE EXCEPTION 'a row of % never changes once its document is posted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
"""


def _words(*names):
    return ", ".join(f"'{name}'" for name in names)


def _make():
    made = [FUNCTIONS]
    for table, free in DOCUMENTS.items():
        made.append(
            f"CREATE TRIGGER frozen BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_frozen({_words(*free, *MOVING)});"
        )
    for table, (parent, column, free) in PARTS.items():
        made.append(
            f"CREATE TRIGGER frozen BEFORE INSERT OR UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION refuse_frozen_part({_words(parent, column, *free)});"
        )
    for table in LEDGERS:
        made.append(f"CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change();")
    return "\n".join(made)


def _drop():
    frozen = [f"DROP TRIGGER frozen ON {table};" for table in (*DOCUMENTS, *PARTS)]
    grown = [f"DROP TRIGGER only_grows ON {table};" for table in LEDGERS]
    return "\n".join([*frozen, *grown, "DROP FUNCTION refuse_frozen_part();", "DROP FUNCTION refuse_frozen();"])


class Migration(migrations.Migration):
    dependencies = [("erp", "0002_chain"), ("core", "0002_ledgers_only_grow")]
    operations = [migrations.RunSQL(_make(), _drop())]
