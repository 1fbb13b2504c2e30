"""What anybody who reaches the port for nodes may try, as a stranger and as a follower."""

import asyncio
import secrets
import ssl
import zlib
from collections.abc import Awaitable, Callable

import msgspec
import zstandard
from lz4 import block as lz4_block

from bench.hostile.peer import Peer, Refused, follower
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
    sources,
)
from consensus.messages import Commit, Prepare, ReplicaStatus
from network.codec import HEADER_BYTES, Encoding, frame_of
from network.handshake_messages import PeerRole
from network.messages import (
    AnnounceTransactions,
    CertifiedBlocks,
    Chunk,
    Content,
    GetBlocks,
    GetSnapshot,
    PooledTransactions,
)
from network.transport.certificates import make_credentials
from network.transport.tls import dialling_context
from primitives.ids import Hash32, Sequence, View
from primitives.machine import Message

MEBIBYTE = 1 << 20
CROWD = 10_000
FOREIGN = Hash32(b"\xee" * 32)
TINY = 800_000
PIECE = 500
"""Messages of one write."""


async def garbage(target: Target, size: float) -> Tally:
    """Bytes instead of a TLS handshake: noise, HTTP, a beginning that claims much."""
    tally = Tally()
    words = [noise(4_096) for _ in range(int(150 * size))]
    words += [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x03\xff\xff" + noise(4_096)]
    async with opened(target.p2p, len(words), 20) as wires:
        for wire, word in zip(wires, words, strict=True):
            wire.send(word)
        await each_of(wires, tally)
    return tally


async def slow_tls(target: Target, size: float) -> Tally:
    """TLS handshakes of which a byte comes now and then."""
    tally = Tally()
    async with opened(target.p2p, 400, 40) as wires:
        for wire in wires:
            wire.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        await drip(wires, 8 * size)
        for wire in wires:
            tally["still open" if wire.is_open() else "closed"] += 1
    return tally


async def after_tls(target: Target, size: float) -> Tally:
    """Strangers with a good certificate: silent, noisy, or with a length that no Hello has."""
    tally = Tally()
    hosts = list(sources(10))

    async def one(number: int) -> None:
        peer = Peer(target)
        try:
            wire = await peer.connect(hosts[number % len(hosts)])
        except (OSError, TimeoutError):
            tally["not connected"] += 1
            return
        word = (b"", noise(1_000), b"\xff\xff\xff\xff\x00\x00\x00\x00")[number % 3]
        wire.send(word)
        name = ("silent", "garbage", "huge length")[number % 3]
        tally[f"{name}: {'closed' if await _gone(wire) else 'kept'}"] += 1

    await asyncio.gather(*[one(number) for number in range(int(90 * size) + 3)])
    return tally


async def false_names(target: Target, size: float) -> Tally:
    """Wrong certificates, keys, roles and chains: each says who it is not."""
    tally = Tally()
    key = secrets.token_bytes(32)
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bare.check_hostname, bare.verify_mode = False, ssl.CERT_NONE
    foreign = dialling_context(make_credentials(key, FOREIGN))
    foreign.verify_mode = ssl.CERT_NONE
    tries: dict[str, Callable[[Peer], Awaitable[object]]] = {
        "no certificate": lambda peer: _shown(peer, bare),
        "another network's certificate": lambda peer: _shown(peer, foreign),
        "another chain": lambda peer: peer.shake_hands(genesis=FOREIGN),
        "another key than its certificate's": lambda peer: peer.shake_hands(
            signer=key, key=secrets.token_bytes(32)
        ),
        "signed by another key": lambda peer: peer.shake_hands(signer=key),
        "a validator": lambda peer: peer.shake_hands(role=PeerRole.VALIDATOR),
    }
    hosts = list(sources(10))
    for number in range(int(10 * size) + 1):
        for name, attempt in tries.items():
            peer = Peer(target, 1 if name == "a validator" else None)
            try:
                if "certificate" not in name or "than" in name:
                    await peer.connect(hosts[number % 10])
                await attempt(peer)
                tally[f"{name}: let in"] += 1
            except (Refused, OSError, TimeoutError):
                tally[f"{name}: refused"] += 1
            if peer.wire is not None:
                peer.wire.close()
    return tally


async def replays(target: Target, size: float) -> Tally:
    """A handshake that was recorded, said again on another connection with the same key."""
    tally = Tally()
    hosts = list(sources(10))
    for number in range(int(20 * size) + 1):
        source = hosts[number % 10]
        first = Peer(target)
        wire = await first.connect(source)
        await first.shake_hands()
        wire.close()
        again = Peer(target, first.node, first.seed)
        wire = await again.connect(source)
        for said in first.said:
            wire.send(said)
        tally["refused" if await _gone(wire) else "let in"] += 1
        wire.close()
    return tally


async def bombs(target: Target, size: float) -> Tally:
    """Bodies that unpack to more than they may, or to a million tiny things; by every algorithm."""
    tally = Tally()
    zeros = bytes(64 * MEBIBYTE)
    tiny = _tiny_accounts()
    packed = {
        "zstd": (CertifiedBlocks, Encoding.ZSTD, zstandard.ZstdCompressor().compress(zeros)),
        "zstd that hides its length": (
            CertifiedBlocks, Encoding.ZSTD,
            zstandard.ZstdCompressor(write_content_size=False).compress(zeros),
        ),
        "lz4": (CertifiedBlocks, Encoding.LZ4, lz4_block.compress(zeros)),
        "lz4 that lies": (CertifiedBlocks, Encoding.LZ4, b"\xff\xff\xbf\x00" + bytes(100)),
        "gzip": (CertifiedBlocks, Encoding.GZIP, _gzip(zeros)),
        "gzip that lies": (CertifiedBlocks, Encoding.GZIP, _gzip(zeros)[:-4] + b"\x00\x10\x00\x00"),
        "tiny elements": (Chunk, Encoding.ZSTD, zstandard.ZstdCompressor().compress(tiny)),
    }  # fmt: skip
    del zeros
    for _ in range(int(5 * size) + 1):
        for name, (type_, encoding, body) in packed.items():
            peer = await follower(target, "127.0.0.3")
            assert peer.wire is not None
            kind = next(kind for kind in peer.table.kinds if kind.type is type_)
            peer.wire.send(frame_of(kind, encoding, body[: kind.limit]))
            patience = 1.5 if name == "tiny elements" else PATIENCE_S
            tally[f"{name}: {'dropped' if await _gone(peer.wire, patience) else 'kept'}"] += 1
            peer.wire.close()
    return tally


async def huge_frames(target: Target, size: float) -> Tally:
    """Followers that claim the longest bodies there are, and send them never or nearly."""
    tally = Tally()
    peers = [await follower(target, source) for source in sources(int(40 * size) + 2)]
    for number, peer in enumerate(peers):
        assert peer.wire is not None
        kind = next(kind for kind in peer.table.kinds if kind.type is CertifiedBlocks)
        claimed = (kind.limit + 1, kind.limit)[number % 2]
        frame = (claimed << 32 | kind.word(Encoding.PLAIN)).to_bytes(HEADER_BYTES, "big")
        peer.wire.send(frame + bytes(number % 2 * (kind.limit - 1)))
    await asyncio.sleep(10 * size)
    for number, peer in enumerate(peers):
        assert peer.wire is not None
        name = ("over the limit", "one byte short")[number % 2]
        kept = peer.wire.is_open() if number % 2 else not await _gone(peer.wire)
        tally[f"{name}: {'kept' if kept else 'dropped'}"] += 1
        peer.wire.close()
    return tally


async def votes(target: Target, size: float) -> Tally:
    """Votes with false signatures, in the name of validators, as fast as they are taken."""
    messages: list[Message] = []
    for number in range(PIECE):
        sequence, digest = Sequence(1 + number % 30), Hash32(secrets.token_bytes(32))
        vote = Commit(View(0), sequence, digest, number % 4, noise(64))
        messages += [vote, Prepare(View(0), sequence, digest, digest, number % 4, noise(64))]
    return await _flood(target, 4, messages, 10 * size)


async def requests(target: Target, size: float) -> Tally:
    """Requests whose answers are large, and are not taken."""
    messages: list[Message] = []
    for number in range(PIECE):
        messages += [GetBlocks(number, 1, 64), GetSnapshot(number, 0)]
        messages.append(ReplicaStatus(View(0), Sequence(0), alone=True))
    return await _flood(target, 4, messages, 10 * size, reads=False)


async def lies(target: Target, size: float) -> Tally:
    """Transactions that do not exist, and some that nobody asked for."""
    messages: list[Message] = []
    for number in range(20):
        hashes = tuple([Hash32(secrets.token_bytes(32)) for _ in range(1_000)])
        messages.append(AnnounceTransactions(bytes(1_000), (200,) * 1_000, hashes))
        messages.append(PooledTransactions(number, tuple([noise(200) for _ in range(200)])))
    return await _flood(target, 4, messages, 10 * size)


async def silent_crowd(target: Target, size: float) -> Tally:
    """Ten thousand connections from many addresses that say nothing."""
    return await crowd(target.p2p, int(CROWD * size), 250, 2)


async def followers(target: Target, size: float) -> Tally:
    """More followers than there are places, each as it should be."""
    tally = Tally()
    peers: list[Peer] = []
    for source in sources(int(80 * size) + 1):
        try:
            peers.append(await follower(target, source))
            tally["let in"] += 1
        except (Refused, OSError):
            tally["refused"] += 1
    for peer in peers:
        assert peer.wire is not None
        peer.wire.close()
    return tally


async def _flood(
    target: Target, count: int, messages: list[Message], seconds: float, *, reads: bool = True
) -> Tally:
    """Let several followers send the same messages over and over."""
    tally = Tally()
    until = asyncio.get_running_loop().time() + seconds

    async def one(source: str) -> None:
        peer = await follower(target, source)
        wire = peer.wire
        assert wire is not None
        data = peer.table.encode_joined(messages)
        task = asyncio.create_task(_swallow(wire)) if reads else None
        while asyncio.get_running_loop().time() < until and wire.is_open():
            try:
                wire.send(data)
                async with asyncio.timeout(1):
                    await wire.writer.drain()
                tally["messages"] += len(messages)
            except TimeoutError:
                tally["stalled"] += 1
            except OSError:
                break
        tally["kept" if wire.is_open() else "dropped"] += 1
        wire.close()
        if task is not None:
            task.cancel()

    await asyncio.gather(*[one(source) for source in sources(count)])
    return tally


async def _swallow(wire: Wire) -> None:
    try:
        while await wire.reader.read(1 << 16):
            pass
    except OSError:
        pass


async def _shown(peer: Peer, context: ssl.SSLContext) -> None:
    """Show a certificate; TLS 1.3 tells who dials only afterwards that it was refused."""
    wire = await peer.connect(context=context)
    if await _gone(wire):
        raise Refused("closed")


async def _gone(wire: Wire, seconds: float = PATIENCE_S) -> bool:
    """Tell whether the other end hangs up within some time."""
    try:
        async with asyncio.timeout(seconds):
            await _swallow(wire)
    except TimeoutError:
        return False
    finally:
        if not wire.is_open():
            wire.close()
    return True


def _tiny_accounts() -> bytes:
    """Return the body of a `Chunk` within its limit, with as many empty accounts as fit."""
    accounts = ((b"", b""),) * TINY
    return msgspec.msgpack.encode(Chunk(0, Content.WHOLE, accounts, ()))


def _gzip(data: bytes) -> bytes:
    maker = zlib.compressobj(9, zlib.DEFLATED, 31)
    return maker.compress(data) + maker.flush()


P2P_ATTACKS = (
    Attack("no TLS", "p2p", garbage),
    Attack("slow TLS handshakes", "p2p", slow_tls),
    Attack("strangers after TLS", "p2p", after_tls),
    Attack("false names", "p2p", false_names),
    Attack("handshakes played back", "p2p", replays),
    Attack("compression bombs", "p2p", bombs),
    Attack("huge frames", "p2p", huge_frames),
    Attack("false votes", "p2p", votes),
    Attack("requests, answers not taken", "p2p", requests),
    Attack("false transactions", "p2p", lies),
    Attack("10,000 silent connections", "p2p", silent_crowd),
    Attack("80 followers", "p2p", followers),
)
