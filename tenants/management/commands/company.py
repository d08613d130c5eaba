"""``manage.py company``: make companies and list them, by the same rules as the sign-up page."""

import argparse
from functools import partial
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError

from core import context
from core.errors import OdosError, RuleError
from core.transfer.folders import import_folder
from tenants import directory, provision
from tenants.models import Company


class Command(BaseCommand):
    help = "Make a company (create) or show all (list)."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True, metavar="create|list")
        create = acts.add_parser("create", help="Make a company with its schema, its owner and its seeds.")
        create.add_argument("subdomain", help="3 to 40 lower-case letters, digits and hyphens")
        create.add_argument("--name", required=True, help="the company's name")
        create.add_argument("--email", required=True, help="its owner's e-mail address")
        create.add_argument("--password", required=True, help="its owner's password")
        create.add_argument("--user-name", help="its owner's name; the e-mail address's first part when absent")
        create.add_argument("--country", default="US", help="ISO 3166-1 code (US)")
        create.add_argument("--currency", default="USD", help="ISO 4217 code of its books, for good (USD)")
        create.add_argument("--timezone", default="UTC", help="IANA name (UTC)")
        create.add_argument("--language", default="en", help="en or zh-Hans (en)")
        create.add_argument("--import", dest="folder", metavar="FOLDER", help="a folder of CSV files to load as its history, such as a database's dump")
        acts.add_parser("list", help="Show every company.")

    def handle(self, *args, act: str, **options) -> None:
        try:
            provision.prepare(self.stderr.write)
            if act == "create":
                self._create(options)
            else:
                self._list()
        except RuleError as error:
            raise CommandError(sentence(error)) from error
        except OdosError as error:
            raise CommandError(str(error)) from error

    def _create(self, options: dict) -> None:
        """The company with its history, or neither: who corrects the files gives the same command again."""
        stated = {key: options[key] for key in ("subdomain", "name", "email", "password", "country", "currency", "timezone", "language")}
        fill = None
        if options["folder"] is not None:
            fill = partial(import_folder, folder=options["folder"], progress=self.stderr.write)
        company = provision.create_company(**stated, user_name=options["user_name"], fill=fill, vouched=True)
        self.stdout.write(f"Made {company.name} at {directory.host_of(company.subdomain)}; its owner is {options['email']}.")

    def _list(self) -> None:
        with context.bind_public():
            companies = list(Company.objects.all())
        for company in companies:
            made = company.created_at.astimezone(ZoneInfo(company.timezone)).date().isoformat()
            columns = (company.subdomain, company.status, made, company.country, company.currency, company.schema_name, company.name)
            columns += ("verified" if company.verified_at else "not verified",)
            self.stdout.write("\t".join(columns))


def sentence(error: RuleError) -> str:
    """The first sentence of each field, named as the command's options are, and all of those that belong to no field."""
    return " ".join(" ".join(texts) if field == "_" else f"{field}: {texts[0]}" for field, texts in error.errors.items())
