"""``manage.py migrate_companies``: every company's tables brought to this version, with a report."""

from django.core.management.base import BaseCommand, CommandError

from core.errors import OdosError
from tenants import migrate, provision


class Command(BaseCommand):
    help = "Bring all companies to the newest version; run it again after a failure, it goes on where it stopped."

    def handle(self, *args, **options) -> None:
        try:
            provision.prepare(self.stderr.write)
        except OdosError as error:
            raise CommandError(str(error)) from error
        report = migrate.migrate_companies(self.stderr.write)
        self.stdout.write(f"{len(report.migrated)} migrated, {len(report.current)} were current, {len(report.failed)} failed.")
        if report.failed:
            for subdomain, reason in sorted(report.failed.items()):
                self.stdout.write(f"{subdomain}: {reason}")
            raise CommandError("Correct what is reported and run the command again: companies that are done are not touched.")
