"""A process with a node's CONFIG and RPC, and a chain that grows by the clock.

All stubs of a network have the same chain: blocks are a function of their height, and the height
is one of the time since `began` beside the genesis file. A file `behave.json` in the node's
directory lets it do what a good node does not, and one named `fate` ends it.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import secrets
import signal
import sys
import time
import tomllib
from pathlib import Path

BLOCK_S = 0.05
TRANSACTIONS = 4


def digest(*parts: object) -> str:
    return "0x" + hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()


class Stub:
    def __init__(self, config: Path) -> None:
        self.settings = tomllib.loads(config.read_text())
        self.index = self.settings["node"]["index"]
        self.directory = config.parent
        behave = self.directory / "behave.json"
        self.behave = json.loads(behave.read_text()) if behave.exists() else {}
        began = self.directory.parent / "began"
        own = self.directory / "began"
        own.write_text(str(time.time()))
        with contextlib.suppress(FileExistsError):  # Whoever is first decides, with a whole file.
            began.hardlink_to(own)
        self.began = float(began.read_text())
        self.data = self.directory / self.settings["node"]["data"]
        self.data.mkdir(exist_ok=True)
        self.token = secrets.token_hex()
        (self.data / "admin.token").write_text(self.token)
        lives = self.directory / "lives"
        self.lives = int(lives.read_text()) + 1 if lives.exists() else 1
        lives.write_text(str(self.lives))
        self.blocked: list[int] = []
        self.places: dict[str, int] = {}
        self.filled = 0

    @property
    def height(self) -> int:
        height = int((time.time() - self.began) / BLOCK_S)
        if self.lives > self.behave.get("after_lives", 0):
            height = min(height, self.behave.get("stands_at", height))
        return height

    def block(self, height: int) -> dict[str, object]:
        forked = height >= self.behave.get("forks_at", 1 << 60)
        own = self.index if forked else "all"
        hashes = [digest(own, height, each) for each in range(TRANSACTIONS)]
        lost = height >= self.behave.get("loses_from", 1 << 60)
        for each in [] if lost else hashes:
            self.places[each] = height
        return {
            "number": hex(height),
            "hash": digest(own, height),
            "parentHash": digest(own, height - 1),
            "timestamp": hex(int(self.began + height * BLOCK_S)),
            "baseFeePerGas": "0x7",
            "gasUsed": "0x0",
            "gasLimit": "0x1c9c380",
            "transactions": hashes,
        }

    def receipt(self, wanted: str) -> dict[str, object] | None:
        while self.filled <= self.height:
            self.block(self.filled)
            self.filled += 1
        height = self.places.get(wanted)
        return None if height is None else {"blockHash": self.block(height)["hash"]}

    def answer(self, call: dict[str, object], *, owner: bool) -> object:
        method, params = call["method"], list(call.get("params", []))  # type: ignore[call-overload]
        match method:
            case "orrery_status":
                return {
                    "node": self.index,
                    "height": self.height,
                    "view": 0,
                    "epoch": 0,
                    "primary": 1,
                    "lowest": self.behave.get("lowest", 0),
                    "peers": self.settings["network"]["peers"][len(self.blocked) :],
                    "pool": {"pending": 2, "queued": 1, "bytes": 300},
                    "syncing": False,
                }
            case "orrery_blockPeers" | "orrery_ignorePeers" | "orrery_unblockPeers":
                if not owner or not self.behave.get("obeys", True):
                    raise PermissionError(method)
                self.blocked = self.blocked + params[0] if params else []
                (self.directory / "blocked.json").write_text(json.dumps(self.blocked))
                return True
            case "orrery_setLinks":
                if not owner:
                    raise PermissionError(method)
                (self.directory / f"links-{self.lives}.json").write_text(json.dumps(params[0]))
                return True
            case "eth_getBlockByNumber":
                height = self.height if params[0] in ("latest", "finalized") else int(params[0], 16)
                return self.block(height) if height <= self.height else None
            case "eth_getTransactionReceipt":
                return self.receipt(params[0])
            case "eth_blockNumber":
                return hex(self.height)
            case "eth_getTransactionCount":
                return "0x0"
        raise KeyError(method)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer POSTs on one connection, one after the other; a batch in reverse."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                size = int(head.partition("content-length:")[2].split()[0])
                found = json.loads(await reader.readexactly(size))
                owner = f"authorization: bearer {self.token}" in head
                if "authorization:" in head and not owner:
                    writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
                    continue
                calls = found if isinstance(found, list) else [found]
                answers = [self.reply(call, owner=owner) for call in calls]
                told = json.dumps(answers[::-1] if isinstance(found, list) else answers[0])
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(told)}\r\n\r\n".encode())
                writer.write(told.encode())
        writer.close()

    def reply(self, call: dict[str, object], *, owner: bool) -> dict[str, object]:
        head = {"jsonrpc": "2.0", "id": call["id"]}
        try:
            return {**head, "result": self.answer(call, owner=owner)}
        except PermissionError:
            return {**head, "error": {"code": -32001, "message": "not the owner"}}
        except KeyError as error:
            return {**head, "error": {"code": -32601, "message": f"no method {error}"}}

    async def run(self) -> int:
        say(f"stub {self.index} begins")
        if self.behave.get("dies_at_start"):
            say("the stars are wrong")
            return 7
        await asyncio.sleep(self.behave.get("sleeps", 0))
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, over.set)
        await asyncio.start_server(self.serve, "127.0.0.1", self.settings["rpc"]["port"])
        fate = self.directory / "fate"
        while not over.is_set():
            if fate.exists():
                say("a cosmic ray")
                return 9
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), 0.02)
        if self.behave.get("stays"):
            await asyncio.sleep(3600)
        (self.directory / "ended").write_text("in good order")
        return 0


def say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    code = asyncio.new_event_loop().run_until_complete(Stub(Path(sys.argv[1])).run())
    os._exit(code)  # Connections that still wait have nothing to say.
