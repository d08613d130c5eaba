"""A worker for tests that are to kill it: forks a child for each line it reads and tells its process id. Run as a program."""

import os
import random
import signal
import sys
import time
from datetime import timedelta
from uuid import UUID


def serve(company_id: UUID) -> None:
    """Do what is due, for ever."""
    with context.bind(context.find(company_id)):
        while True:
            if not jobs.run_due(5):
                time.sleep(0.02)


def main() -> None:
    company_id, lease, attempts = UUID(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    jobs.LEASE, jobs.ATTEMPTS = timedelta(seconds=lease), attempts
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    @jobs.does("effect")
    def effect(actor, payload, progress):
        """Half of it before a moment in which the worker may die, half after."""
        half(payload["id"], "first half")
        time.sleep(random.uniform(0, 0.05))
        half(payload["id"], "second half")

    @jobs.does("poison")
    def poison(actor, payload, progress):
        half(payload["id"], "first half")
        os.kill(os.getpid(), signal.SIGKILL)

    print("ready", flush=True)
    for _line in sys.stdin:
        child = os.fork()
        if not child:
            serve(company_id)
        print(child, flush=True)


def half(ident: str, act: str) -> None:
    with permit():
        TrailEntry(about_type="accounts", about_id=UUID(ident), act=act).save(force_insert=True)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")
    import django

    django.setup()
    from core import context, jobs
    from core.models import TrailEntry
    from core.models.record import permit

    main()
