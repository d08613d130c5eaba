"""What core itself verifies in every company, entered at start: schema, trees, ledgers, numbers, documents, figures, jobs."""

from core.checks import documents, figures, ledgers, structure, summaries  # noqa: F401 - importing enters them, in this order
