#!/usr/bin/env python
"""The one command of Odos. Commands that need the database find it running: the embedded servers are up while they work.

Only the standard library is imported before it is known that more is needed, so that --help answers at once.
"""

import ast
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

PROJECT = Path(__file__).resolve().parent
# What these do needs no database; whatever else is run gets one.
WITHOUT_SERVERS = {"check", "collectstatic", "compilemessages", "makemessages", "makemigrations", "diffsettings"}


def main(arguments: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")
    command = next((word for word in arguments if not word.startswith("-")), "help")
    asks_help = command == "help" or bool({"-h", "--help"} & set(arguments)) or "--version" in arguments
    if command == "help" and not [word for word in arguments if not word.startswith("-") and word != "help"]:
        print(overview())
        return 0
    if asks_help or command in WITHOUT_SERVERS:
        return execute(arguments)
    from deploy import home  # noqa: PLC0415 - not for --help

    folder = home.current()
    folder.keep_compiled()
    from deploy import launcher  # noqa: PLC0415 - imports the database's driver

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that what was started is stopped
    with ExitStack() as stack:
        if command == "up":
            try:
                stack.enter_context(folder.locked("up", wait=False))
            except BlockingIOError:
                print(f"Odos already runs with the data folder {folder}: stop it first, or set ODOS_HOME to another.", file=sys.stderr)
                return 1
        stack.enter_context(launcher.servers_running(folder))
        folder.keep_compiled()  # by now it is there, the first time too
        return execute(arguments)


def execute(arguments: list[str]) -> int:
    try:
        from django.core.management import execute_from_command_line  # noqa: PLC0415 - takes a second: not for --help
    except ModuleNotFoundError:
        print("Odos is not installed: run 'make install', then start it with .venv/bin/python.", file=sys.stderr)
        return 1
    execute_from_command_line(["manage.py", *arguments])
    return 0


def overview() -> str:
    """What can be run, from the commands' own one-line descriptions, read without importing them."""
    lines = []
    for file in sorted(PROJECT.glob("*/management/commands/*.py"), key=lambda file: file.stem):
        if not file.stem.startswith("_"):
            lines.append(f"  {file.stem:20} {described(file)}".rstrip())
    return "\n".join(["usage: manage.py COMMAND [options]   (manage.py COMMAND --help tells more)", "", *lines, "", "Django's own commands run too."])


def described(file: Path) -> str:
    """The text of ``help = "..."`` in a command's class."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["help"]:
            value = node.value
            return value.value if isinstance(value, ast.Constant) else ast.unparse(value)
    return ""


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
