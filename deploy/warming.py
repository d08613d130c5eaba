"""What the first requests of a web worker would wait for is read before it takes any: addresses, the public pages, the mark of the migrations.

What only some need, the way to the worker, the grammar of formulas, the dictionary of Chinese readings and all other templates, is read beside the first
requests. Needs no company and writes nothing; what fails, such as a database that is away for a moment, is left to the request that needs it.
"""

import gc
import io
import logging
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.validators import validate_email
from django.template.loader import get_template
from django.urls import get_resolver

from core import collation, formulas
from deploy.celery import app
from tenants import versions
from tenants.middleware import COMPANY_URLCONF, PUBLIC_URLCONF

log = logging.getLogger("odos.warming")
PAGES = ("/", "/signup/")  # of the public site: they go through every middleware and need no company
FIRST = ("base.html", "pages/sign_in.html", "pages/dashboard.html", "object/list.html", "object/record.html")


def warm(application: Callable[..., Iterable[bytes]]) -> threading.Thread:
    """Read what every worker needs, and start reading what some need. Cost: a third of a second of processor time, and as much again in the thread."""
    pages = (_page(application, path) for path in PAGES)
    _done(_addresses, versions.fingerprint, lambda: validate_email("name@example.com"), *pages, *map(_compiled, FIRST))
    gc.collect()
    gc.freeze()  # it stays until the process ends, so it is not searched for rings
    rest = threading.Thread(target=_rest, name="warming", daemon=True)
    rest.start()
    return rest


def _rest() -> None:
    _done(lambda: app.connection_for_write().transport, lambda: formulas.parse("1"), collation.prepare, *map(_compiled, _templates()))


def _done(*steps: Callable[[], Any]) -> None:
    failed = set()
    for step in steps:
        try:
            step()
        except Exception as error:  # whatever it is, a request will meet it and say it better
            failed.add(f"{type(error).__name__}: {error}")
    for sentence in sorted(failed):
        log.warning("not warmed up: %s", sentence)


def _addresses() -> None:
    """All modules that answer requests, with what they import."""
    for urls in (PUBLIC_URLCONF, COMPANY_URLCONF):
        get_resolver(urls)._populate()


def _page(application: Callable[..., Iterable[bytes]], path: str) -> Callable[[], None]:
    """A request as the web server would hand it over."""
    asked = {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": settings.DOMAIN, "SERVER_PORT": str(settings.PORT),
        "HTTP_HOST": settings.DOMAIN, "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "wsgi.version": (1, 0), "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr, "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False,
    }  # fmt: skip

    def ask() -> None:
        answer = application(asked, lambda status, headers, error=None: None)
        try:
            for _piece in answer:
                pass
        finally:
            getattr(answer, "close", lambda: None)()

    return ask


def _compiled(name: str) -> Callable[[], Any]:
    return lambda: get_template(name)


def _templates() -> list[str]:
    """Those of our own, by the names they are asked for by."""
    return [str(file.relative_to(folder)) for folder in map(Path, settings.TEMPLATES[0]["DIRS"]) for file in sorted(folder.rglob("*.html"))]
