"""Results that the nodes of one process share: compute once, charge everyone.

Every node of a simulated network decodes the same transactions and executes the same blocks. The
results are pure functions of the chain's parameters and of bytes, so they are computed once per
process and looked up by content. What a node *pays* follows its own demand, never whether a
result was here already.

A cache belongs to one chain (its parameters are part of every key in that way), is bounded, and
drops the oldest first. `ComputeCache.isolated` remembers nothing: with it a node does all its
work itself.
"""

from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from node.builder import BuildContext, build_block
from node.execution import ExecutedBlock
from node.validation import PooledTransaction, check_transaction
from node.validation_block import execute_block
from node.validation_errors import InvalidBlock
from primitives.ids import Hash32
from primitives.params import ChainParams
from primitives.transaction import InvalidTransaction

_TRIES_MAX = 64
"""Executed blocks that keep their state's trie. Of others only the accounts stay."""

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Memo(Generic[_Key, _Value]):
    """A bounded map from content to result; the oldest entry leaves first.

    Args:
        count_max: entries kept; 0 keeps none.
    """

    __slots__ = ("_count_max", "_results")

    def __init__(self, count_max: int) -> None:
        self._count_max = count_max
        self._results: dict[_Key, _Value] = {}

    def __len__(self) -> int:
        return len(self._results)

    def get(self, key: _Key) -> _Value | None:
        """Return the result kept for `key`, or None."""
        return self._results.get(key)

    def put(self, key: _Key, result: _Value) -> None:
        """Keep a result, which must be what anyone would compute for `key`."""
        if self._count_max == 0:
            return
        if len(self._results) >= self._count_max and key not in self._results:
            del self._results[next(iter(self._results))]
        self._results[key] = result


class ComputeCache:
    """Decoded transactions, recovered senders and executed blocks of one chain.

    Args:
        params: the chain.
        transactions: how many checked transactions are kept.
        blocks: how many executed blocks are kept.
    """

    __slots__ = ("_blocks", "_transactions", "_with_trie", "params")

    def __init__(self, params: ChainParams, transactions: int = 131_072, blocks: int = 512) -> None:
        self.params = params
        self._transactions: Memo[bytes, PooledTransaction | InvalidTransaction] = Memo(transactions)
        self._blocks: Memo[tuple[Hash32, bytes], ExecutedBlock | InvalidBlock] = Memo(blocks)
        self._with_trie: deque[ExecutedBlock] = deque()

    @staticmethod
    def isolated(params: ChainParams) -> "ComputeCache":
        """Return a cache that keeps nothing."""
        return ComputeCache(params, 0, 0)

    def transaction(self, raw: bytes) -> PooledTransaction | InvalidTransaction:
        """Return the checked transaction, or the reason why it is refused."""
        known = self._transactions.get(raw)
        if known is not None:
            return known
        result = _outcome(InvalidTransaction, lambda: check_transaction(raw, self.params))
        self._transactions.put(raw, result)
        return result

    def require_transaction(self, raw: bytes) -> PooledTransaction:
        """Return the checked transaction.

        Raises:
            InvalidTransaction: it is refused.
        """
        result = self.transaction(raw)
        if isinstance(result, InvalidTransaction):
            raise result.with_traceback(None)
        return result

    def execute(self, parent: ExecutedBlock, payload: bytes) -> ExecutedBlock | InvalidBlock:
        """Return the executed block, or the reason why it is refused."""
        key = (parent.digest, payload)
        known = self._blocks.get(key)
        if known is not None:
            return known
        result = _outcome(
            InvalidBlock,
            lambda: execute_block(parent, payload, self.params, self.require_transaction),
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
        built = build_block(parent, candidates, context, self.params)
        self._keep((parent.digest, built.payload), built)
        return built

    def _keep(self, key: tuple[Hash32, bytes], result: ExecutedBlock | InvalidBlock) -> None:
        """Remember a result; let go of the trie of a block that few will build on any more."""
        self._blocks.put(key, result)
        if isinstance(result, ExecutedBlock) and len(self._blocks):
            self._with_trie.append(result)
            if len(self._with_trie) > _TRIES_MAX:
                self._with_trie.popleft().state.forget_trie()


_Error = TypeVar("_Error", bound=Exception)


def _outcome(kind: type[_Error], compute: Callable[[], _Value]) -> _Value | _Error:
    """Return what `compute` returns, or the error it raises, without the frames it came from."""
    try:
        return compute()
    except kind as error:
        if error.__cause__ is not None:
            error.__cause__.__traceback__ = None
        return error.with_traceback(None)
