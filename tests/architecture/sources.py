"""The tracked sources of Odos, read once: paths, texts and syntax trees. What is banned in them, the tests beside say."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("core", "crm", "erp", "tenants", "deploy")


@cache
def tracked() -> tuple[str, ...]:
    """Every file that belongs to the project; what is ignored, generated or not yet added does not."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:  # a copy without its history
        found = [str(p.relative_to(ROOT)) for folder in (*PACKAGES, "tests", "templates") for p in (ROOT / folder).rglob("*") if p.is_file()]
        return tuple(sorted(n for n in found if "__pycache__" not in n))
    return tuple(sorted(n for n in done.stdout.split("\0") if n and (ROOT / n).is_file()))


@cache
def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(text(name), name)


def modules(*, migrations: bool = False) -> list[str]:
    """The product's own modules."""
    found = [n for n in tracked() if n.endswith(".py") and (n.split("/")[0] in PACKAGES or n == "manage.py")]
    return [n for n in found if migrations or "/migrations/" not in n]


def tests() -> list[str]:
    return [n for n in tracked() if n.endswith(".py") and n.startswith("tests/")]


def line(name: str, node: ast.AST) -> str:
    """The line a node starts on."""
    return text(name).split("\n")[node.lineno - 1]


def dotted(node: ast.AST) -> str:
    """``a.b.c`` for a name or an attribute of one; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        left = dotted(node.value)
        return f"{left}.{node.attr}" if left else node.attr
    return ""


def calls(name: str) -> list[tuple[str, ast.Call]]:
    """Every call in a module, by what is called."""
    return [(dotted(node.func), node) for node in ast.walk(tree(name)) if isinstance(node, ast.Call)]


def imports(name: str) -> list[tuple[str, ast.AST]]:
    """Every module imported, and each name from it as ``module.name``."""
    found: list[tuple[str, ast.AST]] = []
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            found += [(alias.name, node) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(f"{node.module or ''}.{alias.name}", node) for alias in node.names]
    return found
