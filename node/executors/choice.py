"""Whether sharing a block out pays: a small model of what both ways cost.

Handing a transaction to another processor and taking back what it did costs about as much as a
plain transfer. So blocks of transfers are fastest in turn, and blocks of long computations are not.
The model has four prices. In virtual time they come from the calibration profile, in real time an
`Estimator` learns them from what blocks have taken. The decision is a pure function of the prices
and of the block.
"""

from collections.abc import Sequence
from operator import attrgetter

import msgspec

from node.validation import PooledTransaction
from primitives.ids import Address

MARGIN_PERCENT = 10
"""Sharing out must promise to be faster by so much: a wrong guess should be on the serial side."""
KNOWN_MAX = 4_096
"""Recipients whose gas is remembered."""
UNKNOWN_SHARE = 8
"""Of the gas that a transaction may use, what it is guessed to use if nothing is known: one part in
so many."""

_LIMIT, _MINIMUM = attrgetter("gas_limit"), attrgetter("gas_minimum")


class Prices(msgspec.Struct, frozen=True):
    """What execution costs, in picoseconds: nanoseconds are too coarse for gas."""

    transaction: int = 12_000_000
    """One transaction without the gas of its code, run in turn."""
    gas: int = 12_000
    """One unit of gas of code."""
    attempt: int = 60_000_000
    """What an attempt elsewhere costs whoever hands it out, for each transaction."""
    block: int = 1_500_000_000
    """Turning all workers to a block and back."""


class Load(msgspec.Struct, frozen=True):
    """A block, as the model sees it."""

    transactions: int
    gas: int
    """Of all code, beyond what transactions cost in any case."""
    longest: int = 0
    """Of the longest chain of transactions that have to wait for one another."""


def serial_ps(prices: Prices, load: Load) -> int:
    """Return what a block takes in turn, in picoseconds."""
    return prices.transaction * load.transactions + prices.gas * load.gas


def shared_ps(prices: Prices, load: Load, workers: int) -> int:
    """Return what a block takes when it is shared out, in picoseconds."""
    spread = serial_ps(prices, load) // max(1, workers)
    handing = prices.attempt * load.transactions
    return prices.block + handing + max(spread, prices.gas * load.longest)


def pays(prices: Prices, load: Load, workers: int) -> bool:
    """Whether a block should be shared out."""
    if workers < 2 or load.transactions < 2:
        return False
    limit = serial_ps(prices, load) * (100 - MARGIN_PERCENT) // 100
    return shared_ps(prices, load, workers) < limit


class Estimator:
    """Learns prices from what blocks have taken. Equal observations give equal prices.

    Each observation moves the price that explains most of it by a part of what it was wrong by, and
    a price that was not looked at for long drifts back to where it began, so that no mistake is
    for ever.

    Args:
        prices: to begin with.
    """

    __slots__ = ("_first", "_gas_of", "prices")

    def __init__(self, prices: Prices | None = None) -> None:
        self._first = prices or Prices()
        self.prices = self._first
        self._gas_of: dict[Address | None, int] = {}
        """Gas of code of the last transactions to a recipient, on average."""

    def may_pay(self, transactions: Sequence[PooledTransaction], workers: int) -> bool:
        """Whether sharing out could pay if all used all their gas: a quick no for transfers."""
        most = sum(map(_LIMIT, transactions)) - sum(map(_MINIMUM, transactions))
        return pays(self.prices, Load(len(transactions), most), workers)

    def load(self, transactions: Sequence[PooledTransaction]) -> Load:
        """Return what a block is guessed to be like. One sender's transactions are a chain."""
        total = 0
        chains: dict[Address, int] = {}
        for transaction in transactions:
            gas = self._guess(transaction)
            total += gas
            chains[transaction.sender] = chains.get(transaction.sender, 0) + gas
        return Load(len(transactions), total, max(chains.values(), default=0))

    def _guess(self, transaction: PooledTransaction) -> int:
        most = transaction.gas_limit - transaction.gas_minimum
        known = self._gas_of.get(transaction.to)
        return most // UNKNOWN_SHARE if known is None else min(known, most)

    def learn_gas(self, transactions: Sequence[PooledTransaction], used: Sequence[int]) -> Load:
        """Learn what transactions have used; return what the block was like.

        Args:
            transactions: of a block.
            used: gas of the code that each has run.
        """
        total = 0
        chains: dict[Address, int] = {}
        for transaction, gas in zip(transactions, used, strict=True):
            total += gas
            chains[transaction.sender] = chains.get(transaction.sender, 0) + gas
            before = self._gas_of.pop(transaction.to, gas)
            self._gas_of[transaction.to] = (3 * before + gas) // 4
        while len(self._gas_of) > KNOWN_MAX:
            del self._gas_of[next(iter(self._gas_of))]
        return Load(len(transactions), total, max(chains.values(), default=0))

    def learn_serial(self, load: Load, taken_ns: int) -> None:
        """Learn what a block took in turn, in nanoseconds."""
        prices = self.prices
        wrong = 1_000 * taken_ns - serial_ps(prices, load)
        if prices.gas * load.gas > prices.transaction * load.transactions:
            prices = msgspec.structs.replace(prices, gas=_moved(prices.gas, wrong, load.gas))
        elif load.transactions:
            moved = _moved(prices.transaction, wrong, load.transactions)
            prices = msgspec.structs.replace(prices, transaction=moved)
        first = self._first
        self.prices = msgspec.structs.replace(
            prices,
            attempt=prices.attempt + (first.attempt - prices.attempt) // 64,
            block=prices.block + (first.block - prices.block) // 64,
        )

    def learn_shared(self, load: Load, taken_ns: int, workers: int) -> None:
        """Learn what a block took when it was shared out, in nanoseconds."""
        prices = self.prices
        wrong = 1_000 * taken_ns - shared_ps(prices, load, workers)
        if not load.transactions:
            return
        attempt = _moved(prices.attempt, wrong, load.transactions)
        self.prices = msgspec.structs.replace(prices, attempt=attempt)


def _moved(price: int, wrong: int, units: int) -> int:
    """Return a price a quarter closer to what would have been right.

    It is never halved or doubled at once: a machine that was busy for a moment must not turn
    everything round.
    """
    aimed = price + wrong // (4 * units)
    return max(price // 2, min(2 * price, aimed), 1)
