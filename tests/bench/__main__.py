"""``make bench``: builds the measured company where it is not there, starts everything as in production, measures, tells, compares.

``SCALE`` says how much of the whole company (0.01 to 1). ``CHECK=1`` fails where an operation got a fifth worse against the floor.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).parents[2]
os.environ.update(DJANGO_SETTINGS_MODULE="deploy.settings", ODOS_HOME=os.environ.get("ODOS_BENCH_HOME") or str(PROJECT / ".bench"), ODOS_DOMAIN="localhost")
for name in ("DATABASE_URL", "REDIS_URL", "ODOS_HTTPS", "ODOS_BIND"):  # servers of its own: nobody's data come near
    os.environ.pop(name, None)

from deploy import home, launcher  # noqa: E402 - they read where the data folder is
from deploy.launcher import ports  # noqa: E402 - as above

COMMITTED, PAGE, SPEED = PROJECT / "docs" / "benchmarks.json", PROJECT / "docs" / "benchmarks.md", PROJECT / "docs" / "speed.md"


def say(sentence: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {sentence}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="how much of the whole company, 0.01 to 1")
    parser.add_argument("--check", action="store_true", help="fail where an operation got a fifth worse against the floor")
    parser.add_argument("--keep", action="store_true", help="write docs/benchmarks.md and .json from this run")
    parser.add_argument("--fresh", action="store_true", help="make the company anew")
    parser.add_argument("--only", default="", help="letters of operations, by comma; i is what is done in bulk")
    parser.add_argument("--clients", type=int, default=32, help="at most so many at once")
    parser.add_argument("--seconds", type=float, help="by which all loops are scaled: 2 as they stand, 0.7 for less than half of the company")
    parser.add_argument("--companies", type=int, default=0, help="measure so many companies instead")
    parser.add_argument("--where", default="", help="tell where the time of these operations goes instead: a, c:page, i for an import; several by comma")
    given = parser.parse_args()
    given.seconds = given.seconds or (2.0 if given.scale >= 0.5 else 0.7)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that what was started is stopped
    os.environ.setdefault("ODOS_RATE_LIMIT", "0")
    os.environ["ODOS_PORT"] = str(ports.choose("127.0.0.1", 0))
    folder = home.current()
    with launcher.servers_running(folder):
        import django  # noqa: PLC0415 - needs the servers' addresses

        django.setup()
        from tests.bench import report  # noqa: PLC0415 - as the others below

        if given.companies:
            from tests.bench import companies  # noqa: PLC0415 - needs Django, and servers that run

            run = companies.measure(given.companies, served, say)
            if given.keep:
                report.put(PAGE, companies.as_markdown(run), "the companies")
            return 0
        from tests.bench import company  # noqa: PLC0415 - needs Django, and servers that run

        given.before = report.read(COMMITTED) if given.check else None
        if given.before and given.before["scale"] != given.scale:
            given.before = None  # what is measured of another company is not compared
        built = company.ensure(given.scale, say, given.fresh)
        if given.where:
            from tests.bench import where  # noqa: PLC0415 - as above

            found = where.run(given.where, built, say)
            print(where.as_text(found))
            if given.keep:
                report.put(SPEED, where.as_markdown(found, given.scale), "where the time goes")
            return 0
        with served() as (pid, port):
            from tests.bench import measuring  # noqa: PLC0415 - needs Django, and servers that run

            run = measuring.measure(pid, port, built, given, say)
    return told(run, given)


@contextmanager
def served(**environment: str) -> Iterator[tuple[int, int]]:
    """Odos as in production, but that it says what its statements cost and that nobody is slowed down; its process and its port."""
    say("Starting Odos ...")
    port = int(os.environ["ODOS_PORT"])
    own = {"ODOS_RATE_LIMIT": "0", "ODOS_SIGNUPS_PER_HOUR": "0", "ODOS_TIMING": "1", **environment}
    stack = subprocess.Popen([sys.executable, "manage.py", "up"], cwd=PROJECT, env={**os.environ, **own}, stdout=subprocess.DEVNULL)
    try:
        _await(port, stack)
        yield stack.pid, port
    finally:
        stack.terminate()
        stack.wait(60)


def _await(port: int, stack: subprocess.Popen) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        if stack.poll() is not None:
            raise SystemExit("Odos did not start: run 'manage.py up' by hand to see why.")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.2)
    raise SystemExit("Odos did not become ready within two minutes: its log says why.")


def told(run: dict, given: argparse.Namespace) -> int:
    """Print the run, keep it in the data folder and where wanted in docs, compare it. Answers what the command ends with."""
    from tests.bench import report  # noqa: PLC0415 - with the rest of what is measured

    print(report.as_text(run))
    print("Memory in MB:", json.dumps(run["memory"]), "load:", run["load"])
    before = report.read(COMMITTED)
    found = report.worse(run, before) if before else []
    for sentence in found or [before and report.comparable(run, before)]:
        if sentence:
            say(sentence)
    if found and run["load"] > 2 * (os.cpu_count() or 1):
        say(f"Others worked on this machine, at a load of {run['load']:g}: what is told is sure only when it is told again on a quiet one.")
    report.write(Path(home.current().path) / "bench.json", run)
    if given.keep:
        report.write(COMMITTED, run)
        report.put(PAGE, report.as_markdown(run))
    return 1 if found and given.check else 0


if __name__ == "__main__":
    sys.exit(main())
