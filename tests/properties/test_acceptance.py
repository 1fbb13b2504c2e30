"""An outcome that a state accepts is the one that running the transaction there gives (ADR 13).

Whole transactions run on a random state, and then on neighbours of it: a few cells differ, mostly
of accounts that the transaction has touched, and balances mostly by little. Wherever the neighbour
accepts the outcome, running the transaction there must give it again: the same result, logs,
touched accounts, and state.
"""

from copy import deepcopy
from random import Random, SystemRandom
from typing import Any

import pytest

from bench.peers.orrery_row import layer_of
from node.execution_setting import BlockSetting, ExecutionEngine
from node.execution_transaction import TransactionRun, run_transaction
from node.validation import PooledTransaction, check_transaction
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.params import ChainParams
from primitives.transaction import (
    DynamicFeeTransaction,
    InvalidTransaction,
    Transaction,
    encode_transaction,
    sign_transaction,
)
from storage.outcome import Outcome
from storage.state import StateLayer, StateOverlay
from tests.conformance.eels_runs import context_of
from tests.conformance.eels_worlds import (
    KEYS,
    MINER,
    NOBODY,
    PLAIN,
    SENDERS,
    Accounts,
    World,
    precompile_inputs,
)

INPUTS = precompile_inputs(None)
ENGINE = ExecutionEngine()
NEIGHBOURS = 12
KILLING = "60016000556001ff"
"""Writes a slot and destroys itself in favour of a precompile."""


class Trial:
    """A transaction in a world, and the states that it is run on."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.world = World(self.random, INPUTS)
        self.accounts = without_empty(self.world.accounts)
        params = ChainParams(chain_id=1, fork=self.world.fork)
        self.setting = BlockSetting(
            params,
            context_of(self.world.case([]), params, ENGINE.kzg),
            ENGINE.evm(params.fork),
            Hash32(bytes(32)),
            None,
        )
        raw = encode_transaction(self._transaction())
        self.transaction: PooledTransaction | None
        try:
            self.transaction = check_transaction(raw, params)
        except InvalidTransaction:
            self.transaction = None

    def run(self, accounts: Accounts) -> tuple[StateLayer, TransactionRun | None]:
        """Run it; None if it may not stand on that state."""
        layer = layer_of({"accounts": accounts})
        assert self.transaction is not None
        try:
            return layer, run_transaction(self.transaction, layer, self.setting)
        except InvalidTransaction:
            return layer, None

    def neighbour(self, outcome: Outcome) -> Accounts:
        """Return the accounts with a few cells changed."""
        random, accounts = self.random, deepcopy(self.accounts)
        touched = [address.hex() for address in outcome.touched]
        others = [*accounts, *[address.hex() for address in self.world.around.targets]]
        for _ in range(random.choice((1, 1, 2, 4))):
            address = random.choice(touched * 3 + others)
            account = accounts.setdefault(
                address, {"nonce": 0, "balance": 0, "code": "", "storage": {}}
            )
            kind = random.randrange(9)
            if kind < 5:
                account["balance"] = self._balance(account["balance"], address, outcome)
            elif kind == 5:
                account["nonce"] = random.choice((0, 1, account["nonce"] + 1))
            elif kind == 6:
                codes = [each["code"] for each in self.accounts.values()]
                account["code"] = random.choice(("", "00", KILLING, *codes))
            elif kind == 7:
                value = random.randrange(3)
                account["storage"].pop(slot := str(random.randrange(5)), None)
                account["storage"] |= {slot: value} if value else {}
            else:
                del accounts[address]
        return without_empty(accounts)

    def _balance(self, before: int, address: str, outcome: Outcome) -> int:
        near = [0, 1, 5, 10**6, 10**18, before + 1, max(0, before - 1), before + 1_000]
        for sight in outcome.sights:
            if sight.address.hex() == address and sight.balance_min:
                near += [sight.balance_min + change for change in (-1, 0, 1)] * 4
        return self.random.choice(near)

    def _transaction(self) -> Transaction:
        random, nonce = self.random, self.world.nonces[0]
        if random.random() < 0.85:
            gas = random.choice((None, None, None, random.randrange(200_000)))
            return self.world.transaction(0, nonce, gas)
        to = random.choice((PLAIN, NOBODY, SENDERS[1], MINER, SENDERS[0]))
        value = Wei(random.choice((0, 1, 1_000)))
        payment = DynamicFeeTransaction(
            1, nonce, Wei(1), Wei(10), Gas(21_000), Address(to), value, b"", ()
        )
        return sign_transaction(payment, KEYS[0])


def without_empty(accounts: Accounts) -> Accounts:
    """Return the accounts that a state can have."""
    return {
        address: each
        for address, each in accounts.items()
        if each["nonce"] or each["balance"] or each["code"]
    }


def check(seed: int) -> tuple[int, int]:
    """Return how many neighbours have accepted the outcome, and how many have not."""
    trial = Trial(seed)
    if trial.transaction is None:
        return 0, 0
    _, here = trial.run(trial.accounts)
    if here is None:
        return 0, 0
    accepted = 0
    for _ in range(NEIGHBOURS):
        accounts = trial.neighbour(here.outcome)
        layer, there = trial.run(accounts)
        overlay = StateOverlay(layer)
        if overlay.accepts(here.outcome):
            accepted += 1
            assert there is not None, f"seed {seed}: accepted where it may not stand"
            assert picture(here, overlay) == picture(there, StateOverlay(layer)), f"seed {seed}"
    return accepted, NEIGHBOURS - accepted


def picture(run: TransactionRun, overlay: StateOverlay) -> list[Any]:
    """Return all that a run can be told by, and the state that it leads to."""
    outcome = run.outcome
    overlay.apply(outcome)
    root = overlay.commit().root()
    return [run.result, outcome.logs, outcome.touched, outcome.fresh_slots, root]


def test_what_a_neighbouring_state_accepts_is_what_happens_there() -> None:
    counts = [check(seed) for seed in range(150)]
    assert sum(accepted for accepted, _ in counts) > 500
    assert sum(refused for _, refused in counts) > 50


@pytest.mark.soak
def test_what_many_neighbouring_states_accept_is_what_happens_there(soak_runs: int) -> None:
    start = SystemRandom().randrange(2**40)
    for seed in range(start, start + 100 * soak_runs):
        check(seed)
