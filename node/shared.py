"""Results that the nodes of one process share: compute once, charge everyone.

Every node of a simulated network decodes the same transactions and executes the same blocks. The
results are pure functions of the chain's parameters and of bytes, so they are computed once per
process and looked up by content. What a node *pays* follows its own demand, never whether a
result was here already.

A cache belongs to one chain (its parameters are part of every key in that way), is bounded, and
drops the oldest first. `ComputeCache.isolated` remembers nothing: with it a node does all its
work itself.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Generic, TypeVar

from node.builder import BuildContext, build_block
from node.execution import ExecutedBlock
from node.execution_setting import ExecutionEngine
from node.executors.attempt import attempt
from node.executors.batches import Checked, check_transactions
from node.executors.executor import NO_HINTS, BlockExecutor, BlockHints, SerialExecutor
from node.executors.pool import InlinePool, Pool
from node.validation import PooledTransaction, recheck_transaction
from node.validation_block import execute_block
from node.validation_errors import InvalidBlock
from primitives.ids import Hash32
from primitives.params import ChainParams
from primitives.transaction import InvalidTransaction, transaction_hash

_TRIES_MAX = 64
"""Executed blocks that keep their state's trie. Of others only the accounts stay."""

_TRANSACTION_BYTES_MAX = 256 * 1024 * 1024
"""Bytes of encodings among the transactions kept; 2 kB each if there are as many as may be."""
_BLOCK_BYTES_MAX = 512 * 1024 * 1024
"""Bytes of payloads among the blocks kept."""

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Memo(Generic[_Key, _Value]):
    """A bounded map from content to result; the oldest entry leaves first.

    A plain dictionary would not do: one that loses its first entry again and again has to step over
    ever more of the places that they have left.

    Threads of a live node may share one: each step is one operation of the ordered dictionary. At
    worst a key counts twice or not at all among the bytes.

    Args:
        count_max: entries kept; 0 keeps none.
        byte_count_max: bytes of keys kept, for keys that strangers choose; None sets no bound.
        byte_count: returns the bytes of a key.
    """

    __slots__ = ("_byte_count", "_byte_count_max", "_count_max", "_held", "_results")

    def __init__(
        self,
        count_max: int,
        byte_count_max: int | None = None,
        byte_count: Callable[[_Key], int] = lambda key: 0,
    ) -> None:
        self._count_max = count_max
        self._byte_count_max = byte_count_max
        self._byte_count = byte_count
        self._held = 0
        self._results: OrderedDict[_Key, _Value] = OrderedDict()

    def __len__(self) -> int:
        return len(self._results)

    @property
    def byte_count(self) -> int:
        """Bytes of the keys kept, as far as `byte_count` was told how to count them."""
        return self._held

    def get(self, key: _Key) -> _Value | None:
        """Return the result kept for `key`, or None."""
        return self._results.get(key)

    def put(self, key: _Key, result: _Value) -> None:
        """Keep a result, which must be what anyone would compute for `key`."""
        if self._count_max == 0:
            return
        if key not in self._results:
            size = self._byte_count(key)
            self._held += size
        self._results[key] = result
        while len(self._results) > self._count_max or self._is_too_heavy():
            if not self._drop_oldest():
                return

    def _drop_oldest(self) -> bool:
        """Forget the oldest entry; False if there is none."""
        try:
            oldest, _ = self._results.popitem(last=False)
        except KeyError:
            self._held = 0
            return False
        size = self._byte_count(oldest)
        self._held -= size
        return True

    def _is_too_heavy(self) -> bool:
        return self._byte_count_max is not None and self._held > self._byte_count_max


class ComputeCache:
    """Decoded transactions, recovered senders and executed blocks of one chain.

    Args:
        params: the chain.
        transactions: how many checked transactions are kept.
        blocks: how many executed blocks are kept.
        pool: shares out the checks of a batch of transactions; nobody if None.
        executor: executes blocks; serially if None. Which one it is cannot be observed.
    """

    __slots__ = (
        "_blocks",
        "_executor",
        "_first_rules",
        "_pool",
        "_transactions",
        "_with_trie",
        "engine",
        "params",
    )

    def __init__(
        self,
        params: ChainParams,
        transactions: int = 32_768,
        blocks: int = 512,
        pool: Pool | None = None,
        executor: BlockExecutor | None = None,
    ) -> None:
        self.params = params
        self._first_rules = params.at(0)
        self.engine = ExecutionEngine()
        """Has the virtual machines that blocks run on."""
        self._pool = InlinePool() if pool is None else pool
        self._executor = SerialExecutor() if executor is None else executor
        self._transactions: Memo[bytes, Checked] = Memo(transactions, _TRANSACTION_BYTES_MAX, len)
        self._blocks: Memo[tuple[Hash32, bytes], ExecutedBlock | InvalidBlock] = Memo(
            blocks, _BLOCK_BYTES_MAX, lambda key: len(key[1])
        )
        self._with_trie: deque[ExecutedBlock] = deque()

    @staticmethod
    def isolated(params: ChainParams) -> "ComputeCache":
        """Return a cache that keeps nothing."""
        return ComputeCache(params, 0, 0)

    @property
    def transaction_bytes(self) -> int:
        """Bytes of the encodings of the transactions that are kept."""
        return self._transactions.byte_count

    @property
    def block_bytes(self) -> int:
        """Bytes of the payloads of the blocks that are kept."""
        return self._blocks.byte_count

    def transaction(self, raw: bytes, rules: ChainParams | None = None) -> Checked:
        """Return the checked transaction, or the reason why it is refused.

        Args:
            raw: encoding (EIP-2718), not trusted.
            rules: in force for it; those that the chain begins with if None.
        """
        return self.transactions((raw,), rules)[0]

    def transactions(
        self, raws: Sequence[bytes], rules: ChainParams | None = None
    ) -> list[Checked]:
        """Return for each encoding the checked transaction, or why it is refused.

        What is not known yet is checked together. A block whose transactions were all seen
        before costs no recovery, whatever rules they were seen by.

        Args:
            raws: encodings (EIP-2718), not trusted.
            rules: in force for them; those that the chain begins with if None.
        """
        rules = self._first_rules if rules is None else rules
        known = [self._known(raw, rules) for raw in raws]
        fresh = [raw for raw, found in zip(raws, known, strict=True) if found is None]
        if not fresh:
            return [found for found in known if found is not None]
        unique = list(dict.fromkeys(fresh))
        checked = dict(zip(unique, check_transactions(unique, rules, self._pool), strict=True))
        for raw, result in checked.items():
            self._transactions.put(raw, result)
        return [
            checked[raw] if found is None else found for raw, found in zip(raws, known, strict=True)
        ]

    def _known(self, raw: bytes, rules: ChainParams) -> Checked | None:
        """Return what is known of a transaction under some rules.

        Where rules change, a refusal is forgotten: it does not say whose rules it broke.
        """
        known = self._transactions.get(raw)
        if known is None or not self.params.upgrades:
            return known
        if not isinstance(known, PooledTransaction):
            return None
        return known if known.fork == rules.fork else self._renewed(known, rules)

    def _renewed(self, known: PooledTransaction, rules: ChainParams) -> Checked:
        renewed = attempt(InvalidTransaction, lambda: recheck_transaction(known, rules))
        if isinstance(renewed, PooledTransaction):
            self._transactions.put(known.raw, renewed)
        return renewed

    def hash(self, raw: bytes) -> Hash32:
        """Return the hash of a transaction's encoding, be it well-formed or not."""
        known = self._transactions.get(raw)
        return known.hash if isinstance(known, PooledTransaction) else transaction_hash(raw)

    def require_transaction(self, raw: bytes) -> PooledTransaction:
        """Return the checked transaction.

        Raises:
            InvalidTransaction: it is refused.
        """
        result = self.transaction(raw)
        if isinstance(result, InvalidTransaction):
            raise result.with_traceback(None)
        return result

    def execute(
        self, parent: ExecutedBlock, payload: bytes, hints: BlockHints = NO_HINTS
    ) -> ExecutedBlock | InvalidBlock:
        """Return the executed block, or the reason why it is refused.

        Args:
            parent: the block below.
            payload: the block's encoding.
            hints: may speed it up, and change nothing else.
        """
        key = (parent.digest, payload)
        known = self._blocks.get(key)
        if known is not None:
            return known
        executor = partial(self._executor, hints=hints)
        check, engine = self.transactions, self.engine
        result = attempt(
            InvalidBlock,
            lambda: execute_block(parent, payload, self.params, check, engine, executor),
        )
        self._keep(key, result)
        return result

    def build(
        self,
        parent: ExecutedBlock,
        candidates: tuple[PooledTransaction, ...],
        context: BuildContext,
    ) -> ExecutedBlock:
        """Build a block, and keep it for those who will execute it."""
        built = build_block(parent, candidates, context, self.params, self.engine)
        self._keep((parent.digest, built.payload), built)
        return built

    def _keep(self, key: tuple[Hash32, bytes], result: ExecutedBlock | InvalidBlock) -> None:
        """Remember a result; let go of the trie of a block that few will build on any more."""
        self._blocks.put(key, result)
        if isinstance(result, ExecutedBlock):
            self._executor.follow(result)
        if isinstance(result, ExecutedBlock) and len(self._blocks):
            self._with_trie.append(result)
            if len(self._with_trie) > _TRIES_MAX:
                self._with_trie.popleft().state.forget_trie()
