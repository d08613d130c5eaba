"""The command ``up``: arguments only, what it does is in ``deploy.up``."""

from django.core.management.base import BaseCommand

from deploy.up import Stack


class Command(BaseCommand):
    help = "Start Odos in the foreground: web, worker and scheduler, with the embedded servers. Ctrl-C stops it."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("--demo", action="store_true", help="also make a company with a year of invented business, if there is none")

    def handle(self, *, demo: bool, **options):
        Stack(demo=demo).run()
