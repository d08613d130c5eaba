"""Data folders of their own for tests that start, kill and stop servers. The suite's shared servers are not touched."""

import shutil
import tempfile
from pathlib import Path

import pytest

from deploy import launcher
from deploy.home import Home


@pytest.fixture(autouse=True)
def no_given_servers(monkeypatch):
    """The embedded servers, whatever the suite's own environment names."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def fresh():
    """A new data folder that the servers' account can reach; afterwards its servers are stopped and it is removed."""
    with tempfile.TemporaryDirectory(prefix="odos-test-") as path:
        Path(path).chmod(0o711)
        home = Home(Path(path) / "home")
        yield home
        end(home)


@pytest.fixture(scope="module")
def shared():
    """One data folder for a module's tests, because making a database takes a second."""
    with tempfile.TemporaryDirectory(prefix="odos-test-") as path:
        Path(path).chmod(0o711)
        home = Home(Path(path) / "home")
        yield home
        end(home)


@pytest.fixture
def folder(shared):
    """The shared data folder with its servers running, however the last test left it."""
    launcher.start(shared)
    return shared


def end(home: Home) -> None:
    """Stop a folder's servers and remove what lies outside of it, because root's servers could not reach it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DATABASE_URL", "REDIS_URL"):
            patch.delenv(name, raising=False)
        launcher.stop(home)
    for name in ("postgres", "valkey"):
        link = home.path / name
        if link.is_symlink():
            shutil.rmtree(link.resolve().parent, ignore_errors=True)
