"""Node processes inside a test's own, one life after the other."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from network.transport import new_event_loop
from node.runtime.create import main as create
from node.runtime.errors import ExitCode
from node.runtime.live import LiveNode
from node.runtime.logs import Log
from node.runtime.process import NodeProcess
from node.settings import LogSettings, decode_settings
from primitives.account_key import AccountKey
from primitives.address import format_address
from primitives.ids import Address, Gas, Wei
from primitives.transaction import (
    DynamicFeeTransaction,
    encode_transaction,
    sign_transaction,
)

SECRET = b"\x4c" * 32
OWNER = AccountKey(SECRET).address
RECEIVER = Address(b"\x3b" * 20)
LIMIT_S = 60


def found(directory: Path, *options: str) -> Path:
    """Found a chain of one validator; return where it has its files."""
    account = f"--account={format_address(OWNER)}=1000ether"
    assert create([str(directory), account, *options]) == 0
    return directory / "node-0"


def transfer(nonce: int) -> bytes:
    plain = DynamicFeeTransaction(
        chain_id=1337,
        nonce=nonce,
        max_priority_fee_per_gas=Wei(1),
        max_fee_per_gas=Wei(10**12),
        gas_limit=Gas(21_000),
        to=RECEIVER,
        value=Wei(1),
        data=b"",
    )
    return encode_transaction(sign_transaction(plain, SECRET))


def make(home: Path, log: Log, **flags: str) -> NodeProcess:
    given = {"rpc.port": "0", "network.port": "0", "consensus.batch_delay": "1ms"}
    text = (home / "config.toml").read_text()
    given |= {key.replace("__", "."): value for key, value in flags.items()}
    return NodeProcess(decode_settings(text, flags=given), home, log)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            await asyncio.sleep(0.01)


def told(file: Path) -> list[str]:
    return [json.loads(line)["event"] for line in file.read_text().splitlines()]


Scene = Callable[[NodeProcess], Coroutine[Any, Any, None]]


def live(home: Path, scene: Scene, **flags: str) -> tuple[ExitCode, list[str]]:
    """Run a process until a scene with it is over; return its end, and the names in its log."""
    file = home / f"log-{len(list(home.glob('log-*')))}"
    log = Log(LogSettings(form="json"), file)

    async def play() -> ExitCode:
        process = make(home, log, **flags)
        running = asyncio.create_task(process.run())
        await until(lambda: (home / "data" / "endpoints.json").exists() or running.done())
        if not running.done():
            played = asyncio.create_task(scene(process))
            # A process that ends early says more than a scene that waits for it in vain.
            await asyncio.wait((played, running), return_when=asyncio.FIRST_COMPLETED)
            if not played.done():
                played.cancel()
                return await running
            await played
        if not running.done() and process.live is not None:
            process.ask_to_stop("the scene is over")
        return await running

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        code = runner.run(play())
    log.close()
    return code, told(file)


def node_of(process: NodeProcess) -> LiveNode:
    assert process.live is not None
    return process.live


async def include(process: NodeProcess, nonce: int) -> None:
    outcome = await node_of(process).submit(transfer(nonce))
    assert not outcome.refusal
    await until(lambda: node_of(process).node.ledger.tip.state.balance(RECEIVER) > nonce)


async def nothing(_process: NodeProcess) -> None:
    return
