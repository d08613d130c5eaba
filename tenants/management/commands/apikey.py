"""``manage.py apikey``: a key to a company's API for one of its users. Prints the key alone, since it is shown only this once."""

import argparse

from django.core.management.base import BaseCommand, CommandError

from core import context, keys
from core.models import User
from tenants import directory


class Command(BaseCommand):
    help = "Make a key to a company's API (create) and print it."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True, metavar="create")
        create = acts.add_parser("create", help="Make a key and print it; only its hash is kept.")
        create.add_argument("--company", required=True, help="the company's subdomain")
        create.add_argument("--user", required=True, help="the e-mail address of the user whose rights the key has")

    def handle(self, *args, company: str, user: str, **options) -> None:
        found = directory.by_subdomain(company.strip().lower())
        if found is None:
            raise CommandError(f"There is no active company with the subdomain {company!r}.")
        with context.bind(found):
            owner = User.objects.filter(email__iexact=user.strip(), archived_at=None).first()
            if owner is None:
                raise CommandError(f"{found.name} has no active user with the e-mail address {user!r}.")
            key = keys.issue(owner)
        self.stdout.write(key)
