"""Replay: transactions that somebody else signed, sent as they are and in file order.

The file holds one transaction a line, in hex, with or without 0x. Blank lines and lines that
start with # are skipped. Every line is decoded and its sender recovered before the run starts: a
bad line is named at once, not in the middle of an hour's run.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from primitives.errors import InvalidInput
from primitives.ids import Address, Hash32, Instant, Wei
from primitives.transaction import decode_transaction, recover_sender, transaction_hash
from sim.workload.accounts import equal_alloc
from sim.workload.options import ReplayOptions, decode_options
from sim.workload.outbox import Flight, Outbox
from sim.workload.pace import arrivals, fixed_marks, poisson_marks, rate_pieces
from sim.workload.workload import NetworkView, Submission, WorkloadContext

SHOWN_LENGTH = 40
"""A bad line is quoted up to this many characters."""


class UnreadableReplay(InvalidInput):
    """The replay file cannot be read; `actual` is the reason in words."""


class SignedLine(msgspec.Struct, frozen=True, gc=False):
    """One transaction of a replay file."""

    line: int
    """Where it stands, 1-based."""
    raw: bytes
    digest: Hash32
    sender: Address
    nonce: int


def read_replay(path: Path, chain_id: int) -> list[SignedLine]:
    """Read a file of raw signed transactions.

    Args:
        path: the file.
        chain_id: what the transactions must be signed for, if they name a chain.

    Raises:
        UnreadableReplay: the file is not there, or is no text.
        InvalidInput: it holds nothing, or has a bad line; names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableReplay(str(path), "a readable text file of transactions", reason) from error
    entries = [
        _read_line(f"{path}:{number}", number, line.strip(), chain_id)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not entries:
        raise InvalidInput(str(path), "at least one transaction", "none")
    return entries


def _read_line(where: str, number: int, line: str, chain_id: int) -> SignedLine:
    try:
        raw = bytes.fromhex(line.removeprefix("0x"))
    except ValueError as error:
        shown = line if len(line) <= SHOWN_LENGTH else line[:SHOWN_LENGTH] + "..."
        raise InvalidInput(where, "one transaction in hex", repr(shown)) from error
    try:
        transaction = decode_transaction(raw)
        sender = recover_sender(transaction, raw)
    except InvalidInput as error:
        rule = f"a signed transaction ({error.where}: {error.expected})"
        raise InvalidInput(where, rule, error.actual) from error
    if transaction.chain_id not in (None, chain_id):
        raise InvalidInput(where, f"chain id {chain_id}", transaction.chain_id)
    return SignedLine(number, raw, transaction_hash(raw), sender, transaction.nonce)


class Replay:
    """Sends the lines of a file at a rate; a sender's transactions go to the sender's home node."""

    def __init__(self, options: ReplayOptions, context: WorkloadContext) -> None:
        path = context.directory / options.replay
        lines = read_replay(path, context.params.chain_id)
        senders = dict.fromkeys(line.sender for line in lines)
        self._accounts = {sender: index for index, sender in enumerate(senders)}
        self.alloc: Sequence[tuple[Address, Wei]] = equal_alloc(list(senders), Wei(options.balance))
        """Genesis balances of all senders in the file."""
        first = context.first_nonces
        self._lines = iter([line for line in lines if line.nonce >= first.get(line.sender, 0)])
        self._outbox = Outbox(context.nodes, options.resend_after)
        poisson = options.spacing == "poisson"
        marks = poisson_marks(context.generator) if poisson else fixed_marks()
        pieces = rate_pieces(options.rate, options.start, context.stop_at)
        self._planned: Iterator[tuple[Instant, SignedLine]] = zip(
            arrivals(pieces, marks), self._lines, strict=False
        )
        self._next = next(self._planned, None)

    def next_at(self) -> Instant | None:
        """When the next line or repetition is due."""
        repeat = self._outbox.next_at()
        if self._next is None or (repeat is not None and repeat < self._next[0]):
            return repeat
        return self._next[0]

    def due(self, now: Instant, view: NetworkView) -> list[Submission]:
        """Take lines and repetitions up to `now`, in time order."""
        submissions: list[Submission] = []
        while (at := self.next_at()) is not None and at <= now:
            if self._next is not None and at == self._next[0]:
                line = self._next[1]
                account = self._accounts[line.sender]
                flight = Flight(line.raw, account, account)
                submissions.append(self._outbox.send(at, line.digest, flight, view))
                self._next = next(self._planned, None)
            else:
                submissions.append(self._outbox.resend(view))
        return submissions

    def on_committed(self, now: Instant, hashes: Sequence[Hash32]) -> None:
        """Stop repeating what has committed."""
        self._outbox.settle(hashes)


def make_replay(options: Mapping[str, object], context: WorkloadContext) -> Replay:
    """Make a replay. Entry point `replay`."""
    return Replay(decode_options(ReplayOptions, options), context)
