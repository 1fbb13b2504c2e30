"""A real Prometheus server for a test: on loopback, its data below the test's own directory."""

import asyncio
import contextlib
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.unit.sim.live.networks import free_ports

PATIENCE_SECONDS = 90.0
PAUSE_SECONDS = 0.1
PORTS = 40
"""As many as one process of tests has for itself; networks take the first of them."""
NAME = "prometheus"


class Prometheus:
    """Asks a running server."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session

    async def ask(self, path: str, **parameters: str) -> Any:
        """Return what the API answers to a call."""
        async with self._session.get(f"{self.url}/api/v1/{path}", params=parameters) as response:
            answer = await response.json()
        assert answer["status"] == "success", answer
        return answer["data"]

    async def query(self, expression: str) -> dict[str, float]:
        """Return an instant query's values by the label `node`; "" where there is none."""
        found = await self.ask("query", query=expression)
        assert found["resultType"] == "vector"
        return {row["metric"].get("node", ""): float(row["value"][1]) for row in found["result"]}

    async def until(self, expression: str, wanted: Mapping[str, float]) -> None:
        """Wait until an instant query gives these values: the server looks once a second."""
        found: dict[str, float] = {}
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (found := await self.query(expression)) != wanted:
                    await asyncio.sleep(PAUSE_SECONDS)
        except TimeoutError:
            raise AssertionError(f"{expression}: expected {wanted}, got {found}") from None

    async def is_ready(self) -> bool:
        """Whether it answers queries."""
        try:
            async with self._session.get(f"{self.url}/-/ready") as response:
                return response.status == 200
        except aiohttp.ClientConnectionError:
            return False


def program() -> str:
    """Return the server's path; skip the test where it is not installed."""
    found = shutil.which(NAME)
    if found is None:
        pytest.skip("no Prometheus server here (Debian package prometheus)")
    return found


@contextlib.asynccontextmanager
async def serving(config: Path, data: Path) -> AsyncIterator[Prometheus]:
    """Run a server until the end of the block.

    Args:
        config: its configuration.
        data: where it keeps samples, of whatever age: those of virtual runs are from 1970.
    """
    port = free_ports(PORTS) + PORTS - 1
    log = data.with_suffix(".log")
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                program(),
                f"--config.file={config}",
                f"--storage.tsdb.path={data}",
                "--storage.tsdb.retention.time=100y",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            server = Prometheus(f"http://127.0.0.1:{port}", session)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await server.is_ready():
                    assert process.poll() is None, log.read_text()
                    await asyncio.sleep(PAUSE_SECONDS)
            yield server
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
