"""A real browser at a real server: the suite's own database behind HTTP, and what every page must keep while it is looked at.

Without a Chromium these tests are skipped, with the reason.
"""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import wraps
from http.cookies import SimpleCookie
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from core import context
from core.models import User
from deploy import chromium
from deploy.home import PROJECT
from tests import people

AXE = PROJECT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LISTEN = """
window.odosViolations = [];
document.addEventListener("securitypolicyviolation", (event) => window.odosViolations.push(event.effectiveDirective + " " + event.blockedURI));
"""
AXE_RUN = """
axe.run(document, {runOnly: %s}).then(({violations}) => violations.map(({id, nodes}) =>
  `${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`))
"""


expect.set_options(timeout=15_000)


def _seen_through(act: Callable) -> Callable:
    """Whoever presses something looks at the page that comes of it when it is whole, its scripts included, as people do."""

    @wraps(act)
    def done(target: Locator, *arguments, **named):
        answer = act(target, *arguments, **named)
        target.page.wait_for_load_state("load")
        return answer

    return done


@pytest.fixture(scope="session", autouse=True)
def _patient() -> None:
    """Pressing returns when what was answered has begun to come, which on a busy machine is before it can be read or has its scripts."""
    Locator.click, Locator.press = _seen_through(Locator.click), _seen_through(Locator.press)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64


class _Quiet(WSGIRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="session")
def port() -> Iterator[int]:
    """The port at which this run's Odos answers."""
    from deploy.wsgi import application  # noqa: PLC0415 - it starts Django's request handling

    server = make_server("127.0.0.1", 0, application, _Server, _Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def chrome() -> Iterator[Browser]:
    """One browser for the run. Its own event loop runs in this thread, which Django must be told is meant."""
    path = chromium.find()
    if path is None:
        pytest.skip("There is no Chromium: 'make test' installs one, or ODOS_CHROMIUM names one.")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
            yield browser
            browser.close()
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@dataclass
class Screen:
    """A tab, and what has gone wrong in it since it was opened."""

    page: Page
    origin: str
    wrong: list[str] = field(default_factory=list)

    def open(self, path: str):
        """Load an address of the company, or a whole one; the page is ready when this returns."""
        answer = self.page.goto(path if "://" in path else self.origin + path)
        if answer is not None and answer.status >= 400:
            self.wrong.append(f"{path} answered {answer.status}")
        self.page.wait_for_load_state("load")
        return self.page

    def problems(self, axe: bool = True) -> list[str]:
        """What is wrong with the page now: the console, the policy, its width and, by axe, its accessibility."""
        page = self.page
        page.wait_for_load_state("load")
        found = [f"policy: {text}" for text in page.evaluate("window.odosViolations")]
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            found.append(f"the page is {wide} px wider than its window")
        if axe:
            session = page.context.new_cdp_session(page)
            session.send("Runtime.evaluate", {"expression": _axe()})
            run = {"expression": AXE_RUN % RULES, "awaitPromise": True, "returnByValue": True}
            found += [f"axe {text}" for text in session.send("Runtime.evaluate", run)["result"]["value"]]
            session.detach()
        found, self.wrong[:] = [*self.wrong, *found], []
        return [f"{page.url}: {text}" for text in found]


def _axe() -> str:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: run 'make install'.")
    return Path(AXE).read_text()


Open = Callable[..., Screen]


@pytest.fixture
def screen(chrome, port) -> Iterator[Open]:
    """``screen(company, user, width=, theme=, javascript=)``: a tab at the company's host; without a company at the public site."""
    contexts = []

    def open_tab(company: context.Company | None = None, user: User | None = None, width: int = 1440, theme: str = "light", javascript: bool = True):
        tab = chrome.new_context(
            viewport={"width": width, "height": 900 if width > 600 else 844},
            color_scheme=theme,
            java_script_enabled=javascript,
            locale="en-US",
            reduced_motion="reduce",
        )
        contexts.append(tab)
        host = f"{company.subdomain}.localhost" if company else "localhost"
        origin = f"http://{host}:{port}"
        if user is not None:
            cookie: SimpleCookie = people.signed_in(user, company).cookies
            tab.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie[settings.SESSION_COOKIE_NAME].value, "url": origin}])
        if theme != "light":
            tab.add_cookies([{"name": "theme", "value": theme, "url": origin}])
        tab.set_default_timeout(15_000)
        if javascript:
            tab.add_init_script(LISTEN)
        made = Screen(tab.new_page(), origin)
        made.page.on("console", lambda message: made.wrong.append(f"console: {message.text}") if message.type == "error" else None)
        made.page.on("pageerror", lambda error: made.wrong.append(f"script: {error}"))
        return made

    yield open_tab
    for tab in contexts:
        tab.close()
