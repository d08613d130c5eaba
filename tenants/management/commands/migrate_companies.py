"""``manage.py migrate_companies``: every company's tables brought to this version, with a report."""

import argparse

from django.core.management.base import BaseCommand, CommandError

from core.errors import OdosError
from tenants import directory, migrate, provision


class Command(BaseCommand):
    help = "Bring all companies to the newest version; run it again after a failure, it goes on where it stopped."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--company", action="append", default=[], help="only this subdomain; may be given several times")

    def handle(self, *args, company: list[str], **options) -> None:
        try:
            provision.prepare(self.stderr.write)
        except OdosError as error:
            raise CommandError(str(error)) from error
        unknown = set(company) - directory.subdomains()
        if unknown:
            raise CommandError(f"There is no company with the subdomain {sorted(unknown)[0]!r}.")
        report = migrate.migrate_companies(self.stderr.write, company)
        self.stdout.write(f"{len(report.migrated)} migrated, {len(report.current)} were current, {len(report.failed)} failed.")
        if report.failed:
            for subdomain, reason in sorted(report.failed.items()):
                self.stdout.write(f"{subdomain}: {reason}")
            raise CommandError("Correct what is reported and run the command again: companies that are done are not touched.")
