"""The rows of a file that were refused, as a file again: as they came, each with its reasons in one column more. Corrected, it is imported like any other."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator

from django.utils import translation
from django.utils.translation import gettext as _

from core import codes, workbooks
from core.export import BOM, safe
from core.transfer import reading
from core.transfer.loading import Report
from core.transfer.reading import Table


def reasons_head() -> str:
    return _("Why it was refused")


def heads_of(table: Table) -> list[str]:
    """The headings of a file without the column of reasons that such a file of ours ends with."""
    ours = set()
    for language in codes.LANGUAGES:
        with translation.override(language.lower()):
            ours.add(reasons_head())
    return table.headers[:-1] if table.headers[-1] in ours else table.headers


def as_csv(table: Table, report: Report) -> bytes:
    """The refused rows. Cost: reads the file once."""
    heads, bad, reasons = heads_of(table), set(report.bad), defaultdict(list)
    for fault in report.faults:
        reasons[fault.row].append(f"{fault.column}: {fault.sentence}" if fault.column else fault.sentence)
    cut = report.errors > len(report.faults)
    beyond = _("Its errors are beyond those that are kept; correct the others first.") if cut else _("It belongs to a record that another row refuses.")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([safe(head) for head in (*heads, reasons_head())])
    for row in table.rows():
        if row.number in bad:
            said = "; ".join(reasons[row.number]) or beyond
            writer.writerow([safe(cell) for cell in (*row.cells[: len(heads)], said)])
    return BOM + text.getvalue().encode("utf-8", "replace")


def as_workbook(content: bytes) -> Iterator[bytes]:
    """The same file as XLSX."""
    table = reading.read(content, reading.Reading(encoding="utf-8", delimiter=","))
    return workbooks.pieces(table.headers, ([(cell, "") for cell in row.cells] for row in table.rows()), _("Refused rows"))
