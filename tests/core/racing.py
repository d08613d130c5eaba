"""Several threads at once in one company, each with a connection of its own, started together. Asserts nothing of what they do."""

import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from django.db import connection


def race(*works: Callable[[], Any]) -> list[Any]:
    """Run them at the same moment; what each returned, or the exception it raised, in the same order."""
    gate, found = threading.Barrier(len(works)), [None] * len(works)

    def run(place: int, work: Callable[[], Any]) -> None:
        try:
            gate.wait(30)
            found[place] = work()
        except BaseException as error:
            found[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=copy_context().run, args=(run, i, work)) for i, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    assert not any(thread.is_alive() for thread in threads)
    return found
