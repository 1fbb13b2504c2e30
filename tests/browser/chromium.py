"""Drives a headless Chromium: one process for each question, nothing left behind."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
)

_TIMEOUT_S = 90


def find() -> str:
    """Return the browser's path (`ORRERY_CHROMIUM`, or one of the usual names), or skip."""
    wanted = os.environ.get("ORRERY_CHROMIUM")
    found = wanted or next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
    return found


class Chromium:
    """A browser with a profile of its own."""

    def __init__(self, program: str, profile: Path) -> None:
        self._program = program
        self._profile = profile

    def _run(self, page: Path, width: int, *flags: str) -> subprocess.CompletedProcess[str]:
        command = [
            self._program,
            *_FLAGS,
            f"--user-data-dir={self._profile}",
            f"--window-size={width},900",
            *flags,
            page.as_uri(),
        ]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
        assert done.returncode == 0, done.stderr[-2_000:]
        return done

    def dom(self, page: Path, width: int = 1280) -> str:
        """Return the document after loading."""
        return self._run(page, width, "--dump-dom").stdout

    def console(self, page: Path) -> list[str]:
        """Return what the page wrote to the console: errors, refused requests, violations."""
        done = self._run(page, 1280, "--dump-dom", "--enable-logging=stderr", "--v=0")
        return [line for line in done.stderr.splitlines() if ":CONSOLE" in line]

    def screenshot(self, page: Path, to: Path, width: int, *, dark: bool) -> bytes:
        """Return a PNG of the page's first 900 lines."""
        scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
        self._run(page, width, scheme, f"--screenshot={to}")
        return to.read_bytes()
