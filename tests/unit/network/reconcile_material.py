"""Two ends of a link that reconcile, for the tests of rounds."""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from network.codec import Codec
from network.draws import seeded_draws
from network.messages import LIMITS as NETWORK_LIMITS, AnnounceTransactions
from network.reconcile.core import Reconciler
from network.reconcile.messages import LIMITS, AskSketch, SketchOf
from network.reconcile.sketch import CELL_BYTES
from network.reconcile.state import Entries, ReconcileConfig, ReconcileTimer
from primitives.ids import Duration, Hash32, Instant, NodeId
from primitives.machine import Effect, Message, Send, SetTimer, Work
from tests.unit.network.books import Book

ALICE, BOB, CAROL = NodeId(0), NodeId(1), NodeId(2)
NOW = Instant(0)
SALT = b"salt" * 2
CONFIG = ReconcileConfig(interval=Duration(100), timeout=Duration(1_000), rest=Duration(10))
TIMER = SetTimer(ReconcileTimer.ROUND, Duration(100))


def name(number: int) -> Hash32:
    return Hash32(sha256(b"%d" % number).digest())


def entries(numbers: Iterable[int]) -> Entries:
    return {name(number): (2, 100 + number) for number in numbers}


class Local:
    """What one node knows of transactions. A `LocalTransactions`."""

    def __init__(self, coming: Iterable[int] = ()) -> None:
        self.gone: set[bytes] = set()
        self.heard_of = [name(number) for number in coming]
        self.holders: dict[NodeId, list[Hash32]] = {}

    def waits(self, transaction: Hash32) -> bool:
        return transaction not in self.gone

    def coming(self) -> list[Hash32]:
        return self.heard_of

    def shown(self, peer: NodeId, transactions: Sequence[Hash32]) -> None:
        self.holders.setdefault(peer, []).extend(transactions)


def reconciler(
    config: ReconcileConfig | None = None, book: Book | None = None, local: Local | None = None
) -> Reconciler:
    """Return a core that numbers rounds from a number of its own."""
    chosen, draws = CONFIG if config is None else config, seeded_draws(b"draws")
    return Reconciler(
        chosen, Book() if book is None else book, Local() if local is None else local, draws
    )


class Pair:
    """Alice, who begins the rounds, and Bob; what they say goes through the codec."""

    def __init__(self, alice: Iterable[int], bob: Iterable[int]) -> None:
        self.books = {ALICE: Book(), BOB: Book()}
        self.locals = {ALICE: Local(), BOB: Local()}
        self.cores = {
            node: reconciler(CONFIG, book, self.locals[node]) for node, book in self.books.items()
        }
        limits = {**LIMITS, **NETWORK_LIMITS}
        self.codec = Codec(limits, limits)
        self.cores[ALICE].connected(NOW, BOB, asks=True)
        self.cores[BOB].connected(NOW, ALICE, asks=False)
        self.cores[ALICE].add(NOW, BOB, entries(alice))
        self.cores[BOB].add(NOW, ALICE, entries(bob))
        self.told: dict[NodeId, list[bytes]] = {ALICE: [], BOB: []}
        """What each has announced."""
        self.said: list[Message] = []
        self.work: list[Work] = []
        self.now = 0

    def round(self) -> None:
        self.now += 100
        self.perform(ALICE, self.cores[ALICE].on_round_timeout(Instant(self.now)))

    def perform(self, node: NodeId, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Work):
                self.work.append(effect)
            if not isinstance(effect, Send):
                continue
            message = self.codec.decode(self.codec.encode(effect.message))
            self.said.append(message)
            if isinstance(message, AnnounceTransactions):
                assert all(
                    size == 100 + self.number(raw)
                    for raw, size in zip(message.hashes, message.sizes, strict=True)
                )
                self.told[node] += message.hashes
            else:
                self.perform(effect.to, handle(self.cores[effect.to], node, message, self.now))

    @staticmethod
    def number(raw: bytes) -> int:
        return next(number for number in range(2_000) if name(number) == raw)

    def pending(self) -> list[int]:
        links = (self.cores[ALICE].state.links[BOB], self.cores[BOB].state.links[ALICE])
        return [len(link.pending) for link in links]


def handle(core: Reconciler, sender: NodeId, message: Message, now: int = 0) -> Sequence[Effect]:
    return core.on_message(Instant(now), sender, message)


def messages(effects: Sequence[Effect]) -> list[Message]:
    """Return what is sent."""
    return [effect.message for effect in effects if isinstance(effect, Send)]


def announced(effects: Sequence[Effect]) -> list[bytes]:
    """Return what is announced."""
    return [
        raw
        for message in messages(effects)
        if isinstance(message, AnnounceTransactions)
        for raw in message.hashes
    ]


def names(numbers: Iterable[int]) -> list[bytes]:
    return sorted(name(number) for number in numbers)


def asked(book: Book, numbers: Iterable[int] = range(100)) -> Reconciler:
    """Return Alice's core after she has begun a round with Bob."""
    core = reconciler(book=book)
    core.connected(NOW, BOB, asks=True)
    core.add(NOW, BOB, entries(numbers))
    core.on_round_timeout(NOW)
    return core


def ask(number: int = 1, count: int = 100, spread: int = 0) -> AskSketch:
    return AskSketch(number, SALT, count, spread)


def answering(book: Book) -> Reconciler:
    """Return Bob's core after he has answered Alice with a sketch."""
    core = reconciler(book=book)
    core.connected(NOW, ALICE, asks=False)
    core.add(NOW, ALICE, entries(range(100)))
    assert core.on_ask_sketch(NOW, ALICE, ask())
    return core


def garbage(core: Reconciler) -> SketchOf:
    """Return an answer to the round that is under way, of well-formed nonsense."""
    return SketchOf(core.state.links[BOB].round_last, 5, b"\x01" * 30 * CELL_BYTES)
