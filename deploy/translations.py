"""Compiles the catalogues of translations (.po to .mo) where they changed: ``python -m deploy.translations``.

GNU gettext's msgfmt is not everywhere, Babel comes with the installation. Extracts and translates nothing.
"""

import sys
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from deploy.home import PROJECT, HomeError

LOCALES = PROJECT / "core" / "locale"


def compile_changed(folder: Path = LOCALES) -> list[Path]:
    """Write each catalogue that is older than its source; returns those written. A broken source ends the command."""
    written = []
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        try:
            with source.open("rb") as file:
                catalogue = read_po(file, abort_invalid=True)
        except (PoFileError, ValueError) as error:
            raise HomeError(f"The translations in {source} cannot be read: {error}.") from error
        draft = target.with_name(f"{target.name}.draft")
        with draft.open("wb") as file:
            write_mo(file, catalogue)
        draft.replace(target)  # a running process reads the old one or the new one, never half
        written.append(target)
    return written


if __name__ == "__main__":
    for path in compile_changed():
        print(path.relative_to(PROJECT), file=sys.stderr)
