"""``manage.py up``: everything prepared, then web server, worker and scheduler until told to stop.

The embedded servers are started and stopped around this by ``manage.py``; here they are only watched.
"""

import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from importlib import import_module

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connections

from deploy import launcher, statics, translations
from deploy.home import PROJECT, number
from deploy.launcher import ports
from deploy.processes import MARK, Child, end_leftovers, say
from tenants import migrate, provision

STARTING = 60.0  # seconds the web server may take to answer
STOPPING = 20.0  # seconds the children have to end what they are doing
WATCH = 3.0  # seconds between looks at the embedded servers


class Stack:
    """One running Odos. ``run`` returns when it was told to stop and everything it started has ended."""

    def __init__(self, *, demo: bool = False):
        self.demo = import_module("deploy.demo") if demo else None  # invented data are not loaded where nobody asks for them
        self.home = settings.HOME
        self.address = os.environ.get("ODOS_BIND", "").strip() or "127.0.0.1"
        self.told_to_stop = False

    def run(self) -> None:
        if end_leftovers(self.home.path):
            say("Ended what an earlier run had left behind.")
        if not ports.is_free(self.address, settings.PORT):
            raise CommandError(f"Port {settings.PORT} is in use: stop what uses it, or set ODOS_PORT to another.")
        self.prepare()
        # From here on a signal ends the watch; before, it ends the preparation at once, which is safe at any moment.
        for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(kind, self._stop)
        children = self.children()
        try:
            web = children[0]
            web.start()
            self._await(web)
            self._greet()
            self._watch(children)  # starts the others: whoever waits for a page need not wait for them
        finally:
            self._end(children)

    def prepare(self) -> None:
        """Bring tables, translations, front end and, where wanted, the demo company to this version; says what takes long."""
        provision.prepare(progress=say)
        report = migrate.migrate_companies(progress=say)
        if report.failed:
            names = ", ".join(sorted(report.failed))
            say(f"These companies could not be brought to this version: {names}. 'manage.py migrate_companies' tries again.")
        translations.compile_changed()
        if statics.collect():
            say("Put the front end in place.")
        if self.demo:
            self.demo.ensure(say)
        for connection in connections.all(initialized_only=True):
            connection.close()
            if hasattr(connection, "close_pool"):
                connection.close_pool()  # the supervisor needs none while it watches

    def children(self) -> list[Child]:
        python, cores = sys.executable, os.cpu_count() or 1
        workers, threads = number("ODOS_WEB_WORKERS", min(cores, 4)), number("ODOS_WEB_THREADS", 4)
        concurrency = number("ODOS_TASK_WORKERS", min(cores, 4))
        celery = [python, "-m", "celery", "-A", "deploy.celery", "--quiet"]
        commands = {
            "web": [
                *[python, "-m", "granian", "--interface", "wsgi", "--host", self.address, "--port", str(settings.PORT)],
                *["--workers", str(workers), "--blocking-threads", str(threads), "--backlog", "1024", "--log-level", "warning"],
                *["--respawn-failed-workers", "--workers-kill-timeout", "10", "deploy.wsgi:application"],
            ],
            "worker": [
                *[*celery, "worker", "--concurrency", str(concurrency), "--loglevel", "WARNING"],
                *["--without-gossip", "--without-mingle"],
            ],
            "beat": [*celery, "beat", "--loglevel", "WARNING", "--pidfile", "", "--schedule", str(self.home.run / "beat")],
        }
        return [Child(name, command, PROJECT, self.home.log, self._environment(name)) for name, command in commands.items()]

    def _environment(self, name: str) -> dict[str, str]:
        own = {"ODOS_PROCESS": name, "ODOS_HOME": str(self.home), MARK: str(self.home.path), "PYTHONUNBUFFERED": "1"}
        # Celery warns root at each start because of pickled messages, which are not accepted here.
        own["PYTHONWARNINGS"] = "ignore:You're running the worker with superuser"
        return {**os.environ, **own, "DJANGO_SETTINGS_MODULE": "deploy.settings"}

    def _await(self, web: Child) -> None:
        """Return when the web server is ready; one that ends or lacks something for too long ends the command with a sentence."""
        address = "127.0.0.1" if self.address == "0.0.0.0" else self.address
        end, missing = time.monotonic() + STARTING, None
        while not self.told_to_stop and missing != []:
            if not web.alive():
                raise CommandError(f"The web server did not start: {self.home.log / 'web.log'} says why.")
            if time.monotonic() > end:
                lacks = f"lacks {' and '.join(missing)}" if missing else "does not answer"
                raise CommandError(f"The web server {lacks}: {self.home.log / 'web.log'} says why.")
            time.sleep(0.1)
            missing = _missing(f"http://{address}:{settings.PORT}/readyz")

    def _greet(self) -> None:
        if self.told_to_stop:
            return
        scheme, port = ("https", "") if settings.HTTPS else ("http", f":{settings.PORT}")
        say(f"\nOdos runs: {scheme}://{settings.DOMAIN}{port}")
        if self.demo:
            for line in self.demo.sign_ins(f"{scheme}://{{}}.{settings.DOMAIN}{port}"):
                say(line)
        say(f"Logs are in {self.home.log}. Ctrl-C stops everything.\n")

    def _watch(self, children: list[Child]) -> None:
        servers_due = time.monotonic() + WATCH
        while not self.told_to_stop:
            for child in children:
                child.look()
            if time.monotonic() > servers_due:
                launcher.restart_dead(self.home, say)
                servers_due = time.monotonic() + WATCH
            time.sleep(0.2)

    def _end(self, children: list[Child]) -> None:
        say("Stopping ...")
        for child in children:
            child.ask_to_stop()
        end = time.monotonic() + STOPPING
        for child in children:
            child.stop(end - time.monotonic())

    def _stop(self, *_) -> None:
        if self.told_to_stop:
            return  # once is enough: a second Ctrl-C must not leave servers behind
        self.told_to_stop = True


def _missing(url: str) -> list[str] | None:
    """What the web server says it still lacks, None while it does not answer."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as error:
        found = json.load(error)
    except (urllib.error.URLError, OSError):
        return None
    return [name for name, state in found.items() if state == "missing"]
