"""What a start costs: the command's help, a web worker's first answer, Odos with its demo company the second time.

Held by processor time, which is the same on a busy machine; the seconds people wait for are these as long as nothing else runs.
"""

import json
import os
import resource
import subprocess
import sys

import psutil
import pytest

from deploy.home import PROJECT
from deploy.launcher import ports
from tests.deploy.test_up import Up

pytestmark = pytest.mark.servers

HELP, FIRST_ANSWER, SECOND_DEMO = 1.0, 2.0, 15.0  # seconds
WORKER = """
import io, json, sys, threading, time
from deploy.wsgi import application

asked = {"REQUEST_METHOD": "GET", "PATH_INFO": "/sign-in/", "HTTP_HOST": sys.argv[1], "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80"}
asked["wsgi.input"] = io.BytesIO()
told = []
text = b"".join(application(asked, lambda status, headers, error=None: told.append(status)))
spent = time.process_time()
for thread in threading.enumerate():
    if thread.name == "warming":
        thread.join()
from django.template import engines
from tenants import versions

templates = engines["django"].engine.template_loaders[0].loaders[0].get_template_cache
print(json.dumps({
    "spent": spent, "status": told[0], "fingerprint": versions.fingerprint.cache_info().currsize, "templates": len(templates),
    "loaded": [name for name in ("pypinyin", "rest_framework") if name in sys.modules],
}))
"""


def ask_worker(host: str, **environment: str) -> dict:
    """What a web worker says of itself after its first answer."""
    own = {**os.environ, "ODOS_PROCESS": "web", **environment}
    ran = subprocess.run([sys.executable, "-c", WORKER, host], cwd=PROJECT, env=own, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


@pytest.fixture
def up(shared):
    running = Up(shared, ports.choose("127.0.0.1", 0))
    yield running
    if running.process is not None and running.process.poll() is None:
        running.process.terminate()
        running.process.wait(40)


def test_help_costs_less_than_a_second():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "manage.py", "--help"], cwd=PROJECT, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < HELP


def test_a_worker_is_warm_and_the_second_start_is_quick(up):
    code, output = up.run("company", "create", "demo", "--name", "Harbour", "--email", "ann@example.com", "--password", "plum-orchard-7")
    assert code == 0, output
    up.start("--demo")
    assert any(line.startswith("Demo company:") for line in up.lines)
    assert spent([up.process.pid, *up.children()]) < SECOND_DEMO

    own = {"ODOS_HOME": str(up.home), "ODOS_DOMAIN": "localhost"}
    for _turn in range(2):  # the first compiles what this Python was told to keep
        worker = ask_worker("demo.localhost", **own)
    assert worker["status"] == "200 OK" and worker["spent"] < FIRST_ANSWER
    assert worker["fingerprint"] == 1 and worker["templates"] > 100 and worker["loaded"] == ["pypinyin", "rest_framework"]


def test_a_worker_starts_while_its_servers_are_away(tmp_path):
    away = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0", "ODOS_HOME": str(tmp_path / "home")}
    worker = ask_worker("acme.localhost", ODOS_DOMAIN="localhost", **away)
    assert worker["status"].startswith("503") and worker["fingerprint"] == 1


def test_what_only_some_need_is_not_loaded_at_once(tmp_path):
    code = "import sys, django; django.setup(); from core.formulas import parser; print('pypinyin' in sys.modules, parser.grammar.cache_info().currsize)"
    own = {"DJANGO_SETTINGS_MODULE": "deploy.settings", "ODOS_HOME": str(tmp_path / "home")}
    ran = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env={**os.environ, **own}, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "0"]


def spent(pids: list[int]) -> float:
    """Seconds of processor time of these processes and of what they waited for."""
    total = 0.0
    for pid in pids:
        try:
            total += sum(psutil.Process(pid).cpu_times()[:4])
        except psutil.NoSuchProcess:
            continue
    return total
