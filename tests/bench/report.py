"""What was measured, as one table and as JSON, and compared with the run that was committed last."""

import json
import os
import platform
from pathlib import Path
from typing import Any

import psutil

WORSE = 1.2  # a ratio to yardstick and floor that grew more than this fails the check
TURNS = 4  # more, of what seems to have got worse
SLACK = 1.0  # milliseconds of processor time that are no difference: the clock of processes counts in tens of them

# Server CPU of Odoo 18 for the same operation on a machine of this kind, in ms (performance.md of the design, web and database together).
ODOO = {"ping": 3.3, "a": 32.5, "b": 507.6, "b2": 139.5, "c": 103.2, "d": 156.5, "d2": 295.6, "d3": 15.6, "e": 42.6, "f": 24.2, "g": 204.2, "h": 684.1}
COLUMNS = (
    "operation", "by", "clients", "p50 ms", "p95 ms", "per s", "CPU ms", "of it db", "requests", "statements", "SQL ms", "floor ms", "floor CPU ms",
    "p50 / (ping + floor)", "CPU / (ping + floor)", "of Odoo's CPU",
)  # fmt: skip
SHOWN = ("p50", "p95", "rate", "cpu", "cpu_database", "requests", "statements", "sql")
STREAM_COLUMNS = ("in bulk", "rows", "rows/s", "CPU ms a row", "of it db", "times floor")


def machine() -> str:
    return f"{psutil.cpu_count()} cores, {psutil.virtual_memory().total // 2**30} GiB, {platform.machine()}, Python {platform.python_version()}"


def load() -> float:
    """How many processes wanted to run in the last minutes, the benchmark's own among them."""
    return round(os.getloadavg()[2], 1)


def base(run: dict[str, Any]) -> float:
    """Processor time of our own ping by the API, in milliseconds: what every request costs before it does anything."""
    return next((c["cpu"] for c in run["cells"] if (c["key"], c["by"], c["clients"]) == ("ping", "api", 1)), 0.0)


def ratios(run: dict[str, Any], cell: dict[str, Any]) -> tuple[float, float]:
    """How many times what cannot be avoided, the way of a request and the floor: by the clock, and in processor time."""
    return cell["p50"] / (run["ping"] + cell["floor"]), cell["cpu"] / ((base(run) or cell["cpu"]) + cell["floor_cpu"])


def table(run: dict[str, Any]) -> list[list[str]]:
    rows = []
    for cell in run["cells"]:
        odoo = ODOO.get(cell["key"])
        clock, cpu = ratios(run, cell)
        rows.append([
            cell["key"], cell["by"], str(cell["clients"]), *(f"{cell[n]:.1f}" for n in SHOWN),
            f"{cell['floor']:.2f}", f"{cell['floor_cpu']:.2f}", f"{clock:.2f}" if cell["clients"] == 1 else "", f"{cpu:.2f}",
            "" if odoo is None else f"{cell['cpu'] / odoo:.2f}",
        ])  # fmt: skip
    return rows


def streams(run: dict[str, Any]) -> list[list[str]]:
    return [
        [s["what"], f"{s['rows']:,}", f"{s['rate']:,.0f}", f"{1000 * s['cpu'] / s['rows']:.3f}", f"{1000 * s['cpu_database'] / s['rows']:.3f}",
         f"{s['seconds'] / s['floor']:.1f}" if s.get("floor") else ""]
        for s in run["streams"]
    ]  # fmt: skip


def as_text(run: dict[str, Any]) -> str:
    return "\n\n".join(_aligned([list(heads), *rows]) for heads, rows in ((COLUMNS, table(run)), (STREAM_COLUMNS, streams(run))) if rows)


def _aligned(rows: list[list[str]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def as_markdown(run: dict[str, Any]) -> str:
    """The part of docs/benchmarks.md that a run writes."""
    counts = ", ".join(f"{count:,} {name}" for name, count in run["counts"].items())
    head = f"Measured on {run['date']}, {run['machine']}, load {run['load']} (other work included): {run['scale']:g} of the whole company ({counts})."
    memory = "; ".join(f"{when}: " + ", ".join(f"{name} {value} MB" for name, value in found.items()) for when, found in run["memory"].items())
    parts = [head, *(_markdown(heads, rows) for heads, rows in ((COLUMNS, table(run)), (STREAM_COLUMNS, streams(run))) if rows), f"Memory {memory}."]
    return "\n\n".join(parts) + "\n"


def _markdown(heads: tuple[str, ...], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (heads, ["---"] + ["---:"] * (len(heads) - 1), *rows))


def worse(run: dict[str, Any], before: dict[str, Any]) -> list[str]:
    """What costs a fifth more processor time than in the run before, for one client and in bulk, each in a sentence; none of runs not ``comparable``."""
    if comparable(run, before):
        return []
    then, found = _measured(before), []
    for name, now in _measured(run).items():
        if name in then and is_worse(now, then[name]):
            found.append(f"{name} costs {ratio(now):.2f} times yardstick and floor; it was {ratio(then[name]):.2f}.")
    return found


def comparable(run: dict[str, Any], before: dict[str, Any]) -> str:
    """Nothing, or the sentence that says why two runs are not compared."""
    if run["scale"] != before["scale"]:
        return f"The committed run was made at {before['scale']:g} of the company, this one at {run['scale']:g}: they are not compared."
    if not any(now.get("yard") for now in _measured(before).values()):
        return "The committed run knows no yardstick: it is not compared. KEEP=1 writes one that does."
    return ""


def is_worse(now: dict[str, float], then: dict[str, float]) -> bool:
    """Whether an operation got a fifth worse against yardstick and floor, and that is more than the clock of processes can tell."""
    if not (now.get("yard") and then.get("yard")):
        return False
    expected = ratio(then) * (now["yard"] + now["floor_cpu"])
    return now["cpu"] > max(WORSE * expected, expected + now["slack"])


def ratio(measured: dict[str, float]) -> float:
    return measured["cpu"] / (measured["yard"] + measured["floor_cpu"])


def _measured(run: dict[str, Any]) -> dict[str, dict[str, float]]:
    """What is compared of a run: its operations by one client, in milliseconds, and what was done in bulk, in milliseconds for a hundred rows."""
    alone = {name_of(c): of_cell(c) for c in run["cells"] if c["clients"] == 1}
    return alone | {s["what"]: of_stream(s) for s in run["streams"]}


def name_of(cell: dict[str, Any]) -> str:
    return f"{cell['key']} by {cell['by']}"


def of_cell(cell: dict[str, Any]) -> dict[str, float]:
    return {"cpu": cell["cpu"], "floor_cpu": cell["floor_cpu"], "yard": cell.get("yard", 0.0), "slack": SLACK}


def of_stream(stream: dict[str, Any]) -> dict[str, float]:
    return {"cpu": 1e5 * stream["cpu"] / stream["rows"], "floor_cpu": 0.0, "yard": stream.get("yard", 0.0), "slack": 0.0}


def read(path: Path) -> dict[str, Any] | None:
    return json.loads(path.read_text()) if path.exists() else None


def write(path: Path, run: dict[str, Any]) -> None:
    path.write_text(json.dumps(run, indent=1) + "\n")


def put(path: Path, text: str, what: str = "the last run") -> None:
    """Set this between the two marks of a page, which the page must have."""
    start, end = f"<!-- {what} -->\n", f"<!-- end of {what} -->\n"
    before, _mark, rest = path.read_text().partition(start)
    _old, mark, after = rest.partition(end)
    if not mark:
        raise RuntimeError(f"{path} lacks the marks between which {what} is written.")
    path.write_text(f"{before}{start}\n{text}\n{end}{after}")
