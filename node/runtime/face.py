"""What the outside sees of a process: RPC, metrics and health on one port, and where it is.

`endpoints.json` in the data directory names the addresses that the process listens on, while it
does: with port 0 nobody knows them beforehand.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from node.runtime.datadir import DataDirectory

if TYPE_CHECKING:
    from node.runtime.process import NodeProcess


class Endpoints(msgspec.Struct, frozen=True):
    """`endpoints.json`."""

    pid: int
    network: str
    """host:port"""
    rpc: str
    """URL, or empty."""


class Face:
    """The RPC server of one process, and what follows the node for it. It outlives the node.

    Args:
        process: whose.
        data: its data directory.
    """

    def __init__(self, process: "NodeProcess", data: DataDirectory) -> None:
        self._process = process
        self._file: Path = data.path / "endpoints.json"
        self.url = ""
        """Where clients reach the process; empty if they do not."""

    async def start(self, network: str) -> None:
        """Listen, unless it does already, and say where.

        Raises:
            AddressInUse: the configured address is not this machine's, or taken.
        """
        endpoints = Endpoints(os.getpid(), network, self.url)
        new = self._file.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(endpoints))
        new.replace(self._file)

    async def rest(self) -> None:
        """Take no more work for the node that is about to end."""

    async def close(self) -> None:
        """Listen no more."""
        self._file.unlink(missing_ok=True)
