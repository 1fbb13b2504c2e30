"""What anybody who reaches the RPC port of a node may try."""

import asyncio
import gzip
import json
import re
import zlib
from collections.abc import Sequence

from bench.hostile.target import (
    PATIENCE_S,
    Attack,
    Tally,
    Target,
    Wire,
    crowd,
    drip,
    each_of,
    noise,
    opened,
)

MEBIBYTE = 1 << 20
CROWD = 10_000
LONG = 2 * MEBIBYTE - 65_536
ENDLESS = "0x5b600056"
"""JUMPDEST, PUSH1 0, JUMP."""
SOMEBODY = "0x00000000000000000000000000000000000000aa"
ERROR = re.compile(rb'"error":\{"code":(-?\d+)')
WHOLE_TRANSACTIONS = ("newPendingTransactions", True)
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n%b\r\n"
)


def call(method: str, *parameters: object) -> dict[str, object]:
    """Return a request."""
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)}


def post(body: bytes | object, *, length: int | None = None, **headers: str) -> bytes:
    """Return a POST; keywords are headers, with _ for -."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"Host": "localhost", "Content_Type": "application/json", **headers}
    if "Transfer_Encoding" not in headers:
        fields["Content_Length"] = str(len(raw) if length is None else length)
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"POST / HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + raw


def frame(payload: bytes, *, length: int | None = None, first: int = 0x82) -> bytes:
    """Return a masked WebSocket frame, whose header may lie about its length."""
    claimed = len(payload) if length is None else length
    return bytes((first, 0xFF)) + claimed.to_bytes(8, "big") + bytes(4) + payload


async def answer_of(wire: Wire) -> str:
    """Return the status of an answer, or the code of the error that it carries."""
    status = await wire.end()
    if status != "HTTP 200":
        return status
    head = await wire.reader.readuntil(b"\r\n\r\n")
    sizes = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    body = await wire.reader.readexactly(int(sizes[0][15:]))
    found = ERROR.search(body)
    return "answered" if found is None else f"error {found[1].decode()}"


async def ask(target: Target, requests: Sequence[bytes], tally: Tally) -> None:
    """Send each over a connection of its own, all at once; count what they are answered."""
    async with opened(target.rpc, len(requests)) as wires:
        for wire, request in zip(wires, requests, strict=True):
            wire.send(request)
        async with asyncio.timeout(60):
            for outcome in await asyncio.gather(*[_outcome(wire) for wire in wires]):
                tally[outcome] += 1


async def _outcome(wire: Wire) -> str:
    try:
        return await answer_of(wire)
    except (OSError, EOFError):
        return "reset"


async def garbage(target: Target, size: float) -> Tally:
    """Bytes that are no HTTP, the beginning of TLS among them."""
    tally = Tally()
    words = [noise(4_096) for _ in range(int(400 * size))]
    words += [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + noise(500)]
    words += [b"GET " + b"/" * 20_000, b"POST / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n"]
    words += [
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n Content-Length: 2\r\n\r\n"
    ]
    async with opened(target.rpc, len(words)) as wires:
        for wire, word in zip(wires, words, strict=True):
            wire.send(word + b"\r\n\r\n")
        await each_of(wires, tally)
    return tally


async def slow_heads(target: Target, size: float) -> Tally:
    """Six hundred requests whose first line never ends."""
    async with opened(target.rpc, 600, 3) as wires:
        for wire in wires:
            wire.send(b"POST /")
        await drip(wires, 12 * size)
        return _living(wires)


async def slow_bodies(target: Target, size: float) -> Tally:
    """Bodies of five megabytes, a byte now and then."""
    async with opened(target.rpc, 100) as wires:
        for wire in wires:
            wire.send(post(b"[", length=5 * MEBIBYTE))
        await drip(wires, 32 * size)
        return _living(wires)


async def slow_frames(target: Target, size: float) -> Tally:
    """WebSocket messages of which all but the last byte comes, on every connection there is."""
    tally = Tally()
    async with opened(target.rpc, 150, 3) as wires:
        for wire in wires:
            wire.send(UPGRADE % b"")
        ends = await asyncio.gather(*[wire.end() for wire in wires])
        tally.update(ends)
        open_ = [wire for wire, end in zip(wires, ends, strict=True) if end == "HTTP 101"]
        for wire in open_:
            wire.send(frame(bytes(LONG - 1), length=LONG, first=0x81))
        await drip([], 10 * size)
        for wire in open_:
            await asyncio.sleep(0)
            tally["message kept" if wire.is_open() else "message refused"] += 1
    return tally


async def huge_lengths(target: Target, size: float) -> Tally:
    """Lengths that no memory could hold, in bodies, chunks and frames."""
    tally = Tally()
    many = int(100 * size) + 1
    claims = [post(b"[", length=999_999_999_999)] * many
    claims += [post(b"[", length=10**30), post(b"[", length=-1)]
    claims += [post(b"7fffffffffffffff\r\n[", Transfer_Encoding="chunked")] * many
    async with opened(target.rpc, len(claims)) as wires:
        for wire, claim in zip(wires, claims, strict=True):
            wire.send(claim)
        await asyncio.sleep(0.2)
        for wire in wires:
            wire.send(b"[" * 100)
            if wire.writer.can_write_eof():
                wire.writer.write_eof()
        await each_of(wires, tally)
    async with opened(target.rpc, many) as wires:
        for wire in wires:
            wire.send(UPGRADE % b"" + frame(b"[", length=1 << 62))
        for wire in wires:
            await wire.end()
            tally["frame: closed" if await _closes(wire) else "frame: kept"] += 1
    return tally


async def bombs(target: Target, size: float) -> Tally:
    """Compressed bodies, with and without chunks; and compressed frames."""
    tally = Tally()
    bomb = gzip.compress(bytes(16 * MEBIBYTE))
    deflated = zlib.compress(bytes(16 * MEBIBYTE))
    chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(bomb), bomb)
    many = int(30 * size) + 1
    requests = [post(bomb, Content_Encoding="gzip")] * many
    requests += [post(deflated, Content_Encoding="deflate"), post(bomb, Content_Encoding="br")]
    requests += [post(chunk, Content_Encoding="gzip", Transfer_Encoding="chunked")] * many
    requests += [post(chunk, Transfer_Encoding="gzip, chunked")] * many
    await ask(target, requests, tally)
    async with opened(target.rpc, many) as wires:
        extension = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
        for wire in wires:
            wire.send(UPGRADE % extension + frame(deflated[2:-4], first=0xC2))
        for wire in wires:
            await wire.end()
            tally["frame: closed" if await _closes(wire) else "frame: kept"] += 1
    return tally


async def silent_crowd(target: Target, size: float) -> Tally:
    """Ten thousand connections from many addresses that say nothing."""
    return await crowd(target.rpc, int(CROWD * size), 250, 2)


async def own_crowd(target: Target, size: float) -> Tally:
    """More connections than there are places, from one address, each with one request a while ago.

    They look like those of libraries that keep connections for later.
    """
    tally = Tally()
    async with opened(target.rpc, 600) as wires:
        for wire in wires:
            wire.send(post(call("eth_blockNumber")))
        for outcome in await asyncio.gather(*[_outcome(wire) for wire in wires]):
            tally[outcome] += 1
        await asyncio.sleep(6 * size)
        tally["still open"] = sum(wire.is_open() for wire in wires)
    return tally


async def large_json(target: Target, size: float) -> Tally:
    """Batches beyond the limit, nesting, and little bodies that become large in memory."""
    tally = Tally()
    many = int(10 * size) + 1
    one = json.dumps(call("eth_blockNumber")).encode()
    bodies = [
        b"[" + b",".join([one] * 1_001) + b"]",
        b"[" * 100_000,
        b'{"jsonrpc":"2.0","id":1,"method":"eth_call","params":' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"a":' * 100_000,
        b"[" + b"[]," * 1_600_000 + b"[]]",
        b"[" + b"{}," * 1_600_000 + b"{}]",
        b'{"jsonrpc":"2.0","id":' + b"9" * 4_000_000 + b',"method":"eth_chainId"}',
        b'{"jsonrpc":"2.0","id":1,"method":"' + b"\\u0041" * 800_000 + b'"}',
        b'{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[' + b"1e400," * 90_000 + b"1]}",
        b"[" + b",".join([b'{"jsonrpc":"2.0","id":1,"method":"eth_getLogs"}'] * 1_000) + b"]",
    ]
    for _ in range(many):
        await ask(target, [post(body) for body in bodies], tally)
    return tally


async def dear_calls(target: Target, size: float) -> Tally:
    """Calls that never end by themselves, over many connections, from one address."""
    tally = Tally()
    asked = call(
        "eth_call", {"to": SOMEBODY, "gas": "0x2faf080"}, "latest", {SOMEBODY: {"code": ENDLESS}}
    )
    traced = call(
        "debug_traceCall", {"to": SOMEBODY, "gas": "0x2faf080"}, "latest",
        {"stateOverrides": {SOMEBODY: {"code": ENDLESS}}, "enableMemory": True},
    )  # fmt: skip
    wanted = call("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})
    async with opened(target.rpc, 150) as wires:
        for number, wire in enumerate(wires):
            wire.send(post((asked, traced, wanted)[number % 3]))
        await asyncio.sleep(8 * size)
        for wire in wires:
            if not wire.is_open():
                tally["closed"] += 1
            elif wire.reader._buffer:  # type: ignore[attr-defined]
                tally[await _outcome(wire)] += 1
            else:
                tally["still waits"] += 1
    return tally


async def left_calls(target: Target, size: float) -> Tally:
    """Calls whose callers leave at once: fully, or by half."""
    tally = Tally()
    asked = post(call("eth_call", {"to": SOMEBODY}, "latest", {SOMEBODY: {"code": ENDLESS}}))
    halves: list[Wire] = []
    for number in range(int(200 * size)):
        wire = await Wire.open(target.rpc)
        wire.send(asked)
        await asyncio.sleep(0.01)
        tally["asked"] += 1
        if number % 4:
            wire.close()
        else:
            wire.writer.write_eof()
            halves.append(wire)
    await asyncio.sleep(4 * size)
    tally["half open"] = sum(wire.is_open() for wire in halves)
    for wire in halves:
        wire.close()
    return tally


async def unread(target: Target, size: float) -> Tally:
    """Answers, and news of subscriptions, that nobody takes."""
    tally = Tally()
    large = post([call("web3_sha3", "0x" + "00" * 400)] * 1_000)
    async with opened(target.rpc, 100) as callers, opened(target.rpc, 60) as watchers:
        for wire in callers:
            wire.stop_reading()
        for wire in watchers:
            wire.send(UPGRADE % b"")
            subscribe = [call("eth_subscribe", *WHOLE_TRANSACTIONS)] * 100
            wire.send(frame(json.dumps(subscribe).encode(), first=0x81))
            wire.stop_reading()
        for _ in range(int(20 * size) + 1):
            for wire in callers:
                if wire.writer.transport.get_write_buffer_size() < 4 * MEBIBYTE:
                    wire.send(large)
            await asyncio.sleep(0.2)
        for wire in (*callers, *watchers):
            tally["still open" if wire.is_open() else "closed"] += 1
    return tally


async def filters(target: Target, size: float) -> Tally:
    """Filters and subscriptions by the thousand, each as large as one may be."""
    tally = Tally()
    topic = [f"0x{number:064x}" for number in range(1_000)]
    wanted = {"address": [f"0x{number:040x}" for number in range(1_000)], "topics": [topic] * 4}
    made = post(call("eth_newFilter", wanted))
    watched = json.dumps(call("eth_subscribe", "logs", wanted)).encode()
    async with opened(target.rpc, 12) as wires, opened(target.rpc, 12) as watchers:
        for wire in watchers:
            wire.send(UPGRADE % b"")
        for _ in range(int(120 * size)):
            for wire in wires:
                wire.send(made)
            for wire in watchers:
                wire.send(frame(watched, first=0x81))
            for wire in wires:
                tally[await _outcome(wire)] += 1
    return tally


async def doors(target: Target, size: float) -> Tally:
    """A page of another name, a foreign WebSocket, and the methods of admins without the token."""
    tally = Tally()
    many = int(200 * size) + 1
    asked = call("eth_blockNumber")
    requests = [post(asked, Host="rebound.example")] * many
    requests += [post(asked, Content_Type="text/plain")] * many
    requests += [UPGRADE % b"Origin: https://evil.example\r\n"] * many
    requests += [post(call("orrery_stop"))] * many
    requests += [post(call("orrery_stop"), Authorization="Bearer wrong-wrong-wrong")] * many
    for start in range(0, len(requests), 400):
        await ask(target, requests[start : start + 400], tally)
    return tally


def _living(wires: Sequence[Wire]) -> Tally:
    open_ = sum(wire.is_open() for wire in wires)
    return Tally({"still open": open_, "closed": len(wires) - open_})


async def _closes(wire: Wire) -> bool:
    """Tell whether the other end hangs up."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while await wire.reader.read(1 << 16):
                pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


RPC_ATTACKS = (
    Attack("garbage", "rpc", garbage),
    Attack("slow heads", "rpc", slow_heads),
    Attack("slow bodies", "rpc", slow_bodies),
    Attack("slow WebSocket messages", "rpc", slow_frames),
    Attack("huge lengths", "rpc", huge_lengths),
    Attack("compressed bodies", "rpc", bombs),
    Attack("10,000 silent connections", "rpc", silent_crowd),
    Attack("600 idle connections", "rpc", own_crowd),
    Attack("large JSON", "rpc", large_json),
    Attack("calls without end", "rpc", dear_calls),
    Attack("calls whose callers left", "rpc", left_calls),
    Attack("answers not taken", "rpc", unread),
    Attack("large filters", "rpc", filters),
    Attack("closed doors", "rpc", doors),
)
