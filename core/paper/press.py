"""From what stands on a paper to its PDF, by typst. The layout is ``document.typ``; what is printed reaches it as data alone."""

import json
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

LAYOUT = Path(__file__).with_name("document.typ")
FACES = "pylopdf_fonts_zh_cn"  # the package whose only content is Noto Sans SC, Latin and Chinese in one face
FACE = "NotoSansSC-Regular.otf"
LONGEST = 24  # characters without a place to break, before one is made
UNBROKEN = re.compile(rf"[^\s\u200b\u2e80-\uffef]{{{LONGEST}}}(?=[^\s\u200b\u2e80-\uffef])")
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def face() -> Path:
    """The file of the one face. Errors: RuntimeError where its package is not installed, since typst would print boxes and say nothing."""
    found = find_spec(FACES)
    path = Path(found.origin).with_name(FACE) if found and found.origin else None
    if path is None or not path.is_file():
        raise RuntimeError("The face for papers is missing: install the packages of requirements.lock.")
    return path


@cache
def _typst() -> tuple[Any, Any]:
    """The printer with its faces, once for each process that prints: a quarter of a second and some 60 MB.

    Faces of the machine are there for scripts that the own one lacks; nothing is ever printed in them that it has.
    """
    import typst  # noqa: PLC0415 - a large library that only processes that print should hold

    return typst, typst.Fonts(include_system_fonts=True, include_embedded_fonts=False, font_paths=[str(face().parent)])


def pdf(contents: dict[str, Any]) -> bytes:
    """The PDF of a paper's contents; the same bytes for the same contents. Cost: no query, some 30 ms for a page."""
    return render(contents, "pdf")


def pictures(contents: dict[str, Any], dots: int = 110) -> list[bytes]:
    """Its pages as PNG, for looking at."""
    made = render(contents, "png", dots)
    return made if isinstance(made, list) else [made]


def render(contents: dict[str, Any], form: str, dots: int | None = None) -> Any:
    typst, fonts = _typst()
    data = json.dumps(_printable(contents), ensure_ascii=False)
    compiler = typst.Compiler(input=str(LAYOUT), root=str(LAYOUT.parent), font_paths=fonts, sys_inputs={"data": data})
    return compiler.compile(format=form, ppi=dots, timestamp=0)


def _printable(value: Any) -> Any:
    """Texts without what steers rather than prints, and with places to break where there are none."""
    if isinstance(value, str):
        return UNBROKEN.sub(lambda found: found[0] + "\u200b", UNPRINTABLE.sub("", value))
    if isinstance(value, dict):
        return {name: _printable(part) for name, part in value.items()}
    return [_printable(part) for part in value] if isinstance(value, list | tuple) else value
