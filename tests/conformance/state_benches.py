"""The states that public state tests are run on: the real one, and its twin of plain dicts."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from primitives.fork import Fork
from primitives.ids import Address, Hash32, Wei
from primitives.keccak import keccak256
from primitives.receipt import Log
from storage.account import Account as StoredAccount
from storage.changes import StateChanges
from storage.journal import Journal
from storage.outcome import Outcome
from storage.state import StateLayer, StateOverlay
from tests.conformance.state_runs import Account, BenchMaker
from tests.unit.contracts.naive_state import NaiveAccount, NaiveState, state_root


class NaiveBench:
    """The state of plain dicts."""

    oldest: ClassVar[Fork] = Fork.FRONTIER

    def __init__(self, accounts: Mapping[Address, Account], fork: Fork) -> None:
        self.state = NaiveState(
            {
                address: NaiveAccount(each.nonce, each.balance, each.code, dict(each.storage))
                for address, each in accounts.items()
            }
        )
        self._fork = fork

    def finish(self) -> tuple[tuple[Log, ...], Hash32]:
        """End the transaction; return its logs and the root after it."""
        logs = self.state.finish(clear_empty=self._fork >= Fork.SPURIOUS_DRAGON)
        return logs, state_root(self.state)

    def account(self, address: Address) -> Account | None:
        """Return an account after `finish`."""
        found = self.state.now.accounts.get(address)
        if found is None:
            return None
        return Account(found.nonce, found.balance, found.code, found.storage)


class JournalBench:
    """A journal over an overlay over a first layer, as a node has them."""

    oldest: ClassVar[Fork] = Fork.SPURIOUS_DRAGON
    """It has no empty accounts, which earlier forks keep (EIP-161)."""

    def __init__(self, accounts: Mapping[Address, Account], fork: Fork) -> None:
        del fork
        self._overlay = StateOverlay(genesis_layer(accounts))
        self._layer: StateLayer | None = None
        self.state = Journal(self._overlay)
        self.outcome: Outcome | None = None

    def finish(self) -> tuple[tuple[Log, ...], Hash32]:
        """End the transaction; return its logs and the root after it."""
        outcome = self.outcome = self.state.finish()
        assert self._overlay.accepts(outcome), "what was just seen is not there"
        self._overlay.apply(outcome)
        self._layer = self._overlay.commit()
        return outcome.logs, self._layer.root()

    def account(self, address: Address) -> Account | None:
        """Return an account after `finish`."""
        assert self._layer is not None
        found = self._layer.account(address)
        if found is None:
            return None
        slots = self._layer.everything().slots.get(address, {})
        return Account(found.nonce, found.balance, self._layer.code(found.code_hash), slots)


def genesis_layer(accounts: Mapping[Address, Account]) -> StateLayer:
    """Return a first layer with these accounts, their code and storage."""
    stored = {
        address: StoredAccount(each.nonce, Wei(each.balance), code_hash=keccak256(each.code))
        for address, each in accounts.items()
    }
    slots = {address: dict(each.storage) for address, each in accounts.items() if each.storage}
    codes = {keccak256(each.code): each.code for each in accounts.values() if each.code}
    return StateLayer(None, StateChanges(stored, slots, {}, codes))


BENCHES: Mapping[str, BenchMaker] = MappingProxyType({"journal": JournalBench, "naive": NaiveBench})
