"""Puts the built front end where the web server finds it, only when it changed. Builds nothing: that is ``npm run build``."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from deploy.home import HomeError

SOURCES = "src"  # the folder of what is bundled: not served


def collect() -> bool:
    """Collect the static files with hashed names and compressed copies; returns whether anything had changed. No queries."""
    mark, wanted = Path(settings.STATIC_ROOT) / ".collected", _fingerprint()
    if mark.exists() and mark.read_text() == wanted:
        return False
    mark.unlink(missing_ok=True)  # an interrupted collection is done again
    call_command("collectstatic", interactive=False, clear=True, verbosity=0, ignore_patterns=[SOURCES])
    mark.write_text(wanted)
    return True


def _fingerprint() -> str:
    """The bundles' names and contents as one hash; raises HomeError where there are none."""
    content = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    folder = Path(settings.STATICFILES_DIRS[0])
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and SOURCES not in file.relative_to(folder).parts]
    if not any(file.parent.name == "dist" for file in files):
        raise HomeError("The front end is not built: run 'make install'.")
    for file in files:
        content.update(f"{file}\0{file.stat().st_size}\0".encode())
        content.update(file.read_bytes())
    return content.hexdigest()
