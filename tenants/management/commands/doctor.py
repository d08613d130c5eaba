"""``manage.py doctor``: verify the books of one company or of all, and name what differs. Ends with 1 where something does."""

import argparse
import json
import sys

from django.core.management.base import BaseCommand, CommandError

from core import context, doctor
from core.doctor import Report
from core.errors import OdosError
from tenants import directory, provision
from tenants.models import Company


class Command(BaseCommand):
    help = "Verify that documents, ledgers, stock and figures of a company (or of all) agree, and name what differs."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--company", action="append", default=[], help="only this subdomain; may be given several times")
        parser.add_argument("--check", action="append", default=[], help="only this check; may be given several times")
        parser.add_argument("--json", action="store_true", help="print the findings as JSON")
        parser.add_argument("--list", action="store_true", help="print what is verified, and verify nothing")

    def handle(self, *args, company: list[str], check: list[str], **options) -> None:
        unknown = set(check) - doctor.checks.keys()
        if unknown:
            raise CommandError(f"There is no check called {sorted(unknown)[0]!r}.")
        if options["list"]:
            for one in doctor.checks.values():
                self.stdout.write(f"{one.name:<18} {one.sentence}")
            return
        reports = {bound.subdomain: self._examine(bound, check) for bound in self._companies(company)}
        if options["json"]:
            self.stdout.write(json.dumps({name: as_json(report) for name, report in reports.items()}, ensure_ascii=False, indent=2))
        else:
            for name, report in reports.items():
                self._tell(name, report)
        if any(report.differences for report in reports.values()):
            sys.exit(1)

    def _companies(self, wanted: list[str]) -> list[context.Company]:
        try:
            provision.prepare(self.stderr.write)
        except OdosError as error:
            raise CommandError(str(error)) from error
        if not wanted:
            with context.bind_public():
                return [one.frozen() for one in Company.objects.filter(status=Company.Status.ACTIVE)]
        found = [directory.by_subdomain(name.strip().lower()) for name in wanted]
        for name, one in zip(wanted, found, strict=True):
            if one is None:
                raise CommandError(f"There is no active company with the subdomain {name!r}.")
        return found

    def _examine(self, bound: context.Company, check: list[str]) -> Report:
        def progress(name: str, done: int, of: int) -> None:
            if self.stderr.isatty():
                self.stderr.write(f"\r\033[K{bound.subdomain}: {done} of {of}, {name} …", ending="")

        with context.bind(bound), context.calling(context.Call(channel="command")):
            report = doctor.examine(progress, check)
        if self.stderr.isatty():
            self.stderr.write("\r\033[K", ending="")
        return report

    def _tell(self, name: str, report: Report) -> None:
        if not report.differences:
            self.stdout.write(f"{name}: {len(report.results)} checks, nothing differs ({report.seconds:.1f} s).")
            return
        self.stdout.write(f"{name}: {len(report.results)} checks, {report.differences} differences ({report.seconds:.1f} s).")
        rows = [("check", "where", "what", "expected", "found", "address")]
        for result in report.results:
            if result.error:
                rows.append((result.name, "", "could not be done", "", result.error, ""))
            rows += [(result.name, d.where, d.what, d.expected, d.found, d.address) for d in result.found]
            if result.differences > len(result.found):
                rows.append((result.name, f"and {result.differences - len(result.found)} more", "", "", "", ""))
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        for row in rows:
            self.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def as_json(report: Report) -> dict:
    """A report as programs read it."""
    return {
        "at": report.at.isoformat(), "seconds": round(report.seconds, 3), "checks": len(report.results), "differences": report.differences,
        "findings": [
            {"check": r.name, "where": d.where, "what": d.what, "expected": d.expected, "found": d.found, "address": d.address}
            for r in report.results for d in r.found
        ],
        "errors": {r.name: r.error for r in report.results if r.error},
    }  # fmt: skip
