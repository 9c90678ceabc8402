"""A real Chromium of the system's packages, for tests of pages; installed by the tests themselves where they may."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_INSTALL_TIMEOUT_S = 600.0
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


class BrowserMissingError(AssertionError):
    """There is no Chromium on this machine, and it could not be installed."""


def chromium() -> Path:
    """Find Chromium; on a machine of CI install it when it is missing.

    Raises:
        BrowserMissingError: there is none.
    """
    found = _find()
    if found is None and os.environ.get("CI") == "true":
        _install()
        found = _find()
    if found is None:
        raise BrowserMissingError("There is no Chromium on this machine: install the package chromium.")
    return found


def _find() -> Path | None:
    return next((Path(path) for name in _NAMES if (path := shutil.which(name))), None)


def _install() -> None:
    with Path(tempfile.gettempdir(), "ioruntime-chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for command in (("update", "-qq"), ("install", "-y", "-qq", "--no-install-recommends", "chromium")):
            if _find() is None:
                subprocess.run(  # noqa: S603
                    ("/usr/bin/apt-get", *command), check=False, capture_output=True, timeout=_INSTALL_TIMEOUT_S
                )
