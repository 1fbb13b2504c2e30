"""What happens to a live network, as it happens."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec


class Happening(msgspec.Struct, frozen=True):
    """One event."""

    at: float
    """Seconds since the network was up; before that, since `up` began to start it."""
    unix: float
    """The same by the clock on the wall."""
    kind: str
    node: int | None
    """Whom it concerns; None for the network."""
    detail: str


class Teller(Protocol):
    """Is told what happens."""

    def tell(self, kind: str, node: int | None, detail: str) -> None:
        """Take in one event, now."""
        ...


class Chronicle:
    """Keeps what happens in a file, and shows it.

    Args:
        file: gets a line of JSON for each event, behind what is there.
        show: is given each event.
    """

    def __init__(self, file: Path, show: Callable[[Happening], None]) -> None:
        self.happenings: list[Happening] = []
        self._file = file
        self._show = show
        self._began = time.monotonic()
        self.error: OSError | None = None
        """Why an event could not be written."""

    def begin(self) -> None:
        """Let time begin now."""
        self._began = time.monotonic()

    @property
    def now_ns(self) -> int:
        """Nanoseconds since time began."""
        return int((time.monotonic() - self._began) * 1e9)

    def tell(self, kind: str, node: int | None, detail: str) -> None:
        """Take in one event, now."""
        at = round(self.now_ns / 1e9, 3)
        happening = Happening(at, round(time.time(), 3), kind, node, detail)
        self.happenings.append(happening)
        try:
            with self._file.open("ab") as file:
                file.write(msgspec.json.encode(happening) + b"\n")
        except OSError as error:  # A full disk must not end the network.
            self.error = error
        self._show(happening)


def sentence(happening: Happening) -> str:
    """Write an event for people."""
    who = "network" if happening.node is None else f"node {happening.node}"
    detail = f" ({happening.detail})" if happening.detail and "\n" not in happening.detail else ""
    if "\n" in happening.detail:
        detail = f": {happening.detail}"
    return f"{happening.at:8.2f} s  {who} {happening.kind}{detail}"
