"""Those who ask: one connection each, kept open, in a closed loop without pause. What they ask for, ``workloads`` says."""

import http.client
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

TIMING = re.compile(r'sql;dur=([\d.]+);desc="(\d+)"')
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
BOUNDARY = "odos-bench-a-file"
RESTED = 5.0  # seconds after which a connection is opened anew


class Refused(RuntimeError):
    """An answer that no workload expects."""


@dataclass
class Meter:
    """What the server said of its own statements: how many, and how long they took, in milliseconds."""

    statements: int = 0
    milliseconds: float = 0.0
    requests: int = 0


@dataclass
class Client:
    """One who works in a company: a program with a key, or a person who signed in."""

    host: str
    port: int
    key: str = ""
    cookies: dict[str, str] = field(default_factory=dict)
    token: str = ""
    meter: Meter = field(default_factory=Meter)
    random: Random = field(default_factory=Random)

    def __post_init__(self) -> None:
        self._wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        self._used = 0.0

    def close(self) -> None:
        self._wire.close()

    def sign_in(self, email: str, password: str) -> None:
        found = TOKEN.search(self.page("/sign-in/"))
        if found is None:
            raise Refused("The page to sign in holds no token.")
        self.token = found.group(1)
        self.page("/sign-in/", {"email": email, "password": password})
        self.token = next(value for name, value in self.cookies.items() if name.endswith("csrf"))

    def api(self, method: str, path: str, data: Any = None) -> Any:
        """The answer of the API. Errors: Refused."""
        body = None if data is None else json.dumps(data).encode()
        status, _location, text = self._ask(method, f"/api/v1/{path}", body, self._as_program({"Content-Type": "application/json"} if body is not None else {}))
        if status not in (200, 201, 202):
            raise Refused(f"{method} {path}: {status} {text[:300]!r}")
        return json.loads(text)

    def upload(self, path: str, name: str, content: bytes) -> Any:
        """A file as the part ``file`` of a form. Errors: Refused."""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: text/csv\r\n\r\n'
        body = head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
        status, _location, text = self._ask("POST", f"/api/v1/{path}", body, self._as_program({"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}))
        if status != 201:
            raise Refused(f"POST {path}: {status} {text[:300]!r}")
        return json.loads(text)

    def download(self, path: str) -> bytes:
        """A file the API streams. Errors: Refused."""
        status, _location, text = self._ask("GET", f"/api/v1/{path}", None, self._as_program({}))
        if status != 200:
            raise Refused(f"GET {path}: {status} {text[:300]!r}")
        return text

    def page(self, path: str, form: dict[str, Any] | None = None) -> str:
        """A page, or where a form sent leads to. Errors: Refused where it is refused or leads back."""
        cookies = "; ".join(f"{n}={v}" for n, v in self.cookies.items())
        if form is None:
            status, _location, text = self._ask("GET", path, None, {"Cookie": cookies})
            if status != 200:
                raise Refused(f"GET {path}: {status} {text[:300]!r}")
            return text.decode()
        sent = {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{self.host}"}
        status, location, text = self._ask("POST", path, urlencode({**form, "csrfmiddlewaretoken": self.token}, doseq=True).encode(), sent)
        if status not in (302, 303, 204) and not (status == 200 and location):
            raise Refused(f"POST {path}: {status} {text[-300:]!r}")
        return location

    def follow(self, path: str) -> str:
        """Where an address leads to that only leads on, with the cookies it sets. Errors: Refused."""
        status, location, text = self._ask("GET", path, None, {})
        if status not in (302, 303):
            raise Refused(f"GET {path}: {status} {text[:300]!r}")
        return location

    def _as_program(self, headers: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", **headers}

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, str, bytes]:
        status, told, text = self._exchange(method, path, body, headers)
        leads = ""
        for name, value in told:
            if name.lower() == "set-cookie":
                cookie, _equals, held = value.partition(";")[0].partition("=")
                self.cookies[cookie] = held
            elif name.lower() == "hx-redirect" or (name.lower() == "location" and not leads):
                leads = value
            elif name.lower() == "server-timing":
                for duration, count in TIMING.findall(value):
                    self.meter.milliseconds += float(duration)
                    self.meter.statements += int(count)
        self.meter.requests += 1
        return status, leads, text

    def _exchange(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, list[tuple[str, str]], bytes]:
        """Status, headers and content of the answer."""
        if time.monotonic() - self._used > RESTED:  # the server may have hung up by now
            self._wire.close()
        self._wire.request(method, quote(path, safe="/?&=%+-._~:,"), body, {"Host": self.host, **headers})
        answer = self._wire.getresponse()
        text, self._used = answer.read(), time.monotonic()
        return answer.status, answer.getheaders(), text


@dataclass
class Run:
    """What a closed loop came to: seconds of each operation, and what the server said of its statements."""

    took: list[float]
    seconds: float
    meter: Meter

    @property
    def rate(self) -> float:
        return len(self.took) / self.seconds

    def quantile(self, share: float) -> float:
        """In milliseconds."""
        ordered = sorted(self.took)
        return 1000 * ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def loop(clients: list[Client], operation: Callable[[Client], Any], seconds: float, least: int) -> Run:
    """All of them do it again and again: for so long, and at least so often together, but never four times as long."""
    took: list[float] = []
    failed: list[BaseException] = []
    start = time.perf_counter()

    def work(client: Client) -> None:
        client.meter = Meter()
        while not failed:
            passed = time.perf_counter() - start
            if (passed > seconds and len(took) >= least) or passed > 4 * seconds:
                return
            began = time.perf_counter()
            try:
                operation(client)
            except BaseException as error:
                failed.append(error)
                return
            took.append(time.perf_counter() - began)

    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    spent = time.perf_counter() - start
    whole = Meter(*(sum(getattr(c.meter, n) for c in clients) for n in ("statements", "milliseconds", "requests")))
    return Run(took, spent, whole)
