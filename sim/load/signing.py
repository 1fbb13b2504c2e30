"""Signing transactions before they are due, in a process of its own.

A signature takes some 20 us, as much as all else that a client does for a transaction. So the
sender asks ahead for as many as it will need soon; another process draws what the accounts do and
signs it, and the sender only takes bytes from a pipe.
"""

import asyncio
import contextlib
import multiprocessing
import signal
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Protocol

import msgspec

from primitives.account_key import AccountKey
from primitives.ids import Address
from primitives.transaction import decode_transaction, max_priority_fee
from sim.load.fees import FeeQuote
from sim.load.mixes import Mix, make_source
from sim.workload.calls import Call, CallSource
from sim.workload.minting import Purse
from sim.workload.site import Site

BUMP_PERCENT = 113


class Signed(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A transaction that is ready to be sent."""

    account: int
    """Index of the sender."""
    nonce: int
    max_fee: int
    """The cap that it was signed with, wei per gas."""
    digest: bytes
    raw: bytes


class Order(msgspec.Struct, frozen=True, array_like=True):
    """What the sender wants signed."""

    accounts: list[int]
    """One transaction for each mention, in this order."""
    tip: int
    max_fee: int
    corrections: dict[int, int] = {}
    """Nonces with which accounts go on instead of those that they would have next."""


class SigningSetup(msgspec.Struct, frozen=True):
    """What the signing process begins with."""

    secrets: list[bytes]
    """Private keys of the accounts."""
    chain_id: int
    mix: Mix
    seed: int
    nonces: list[int]
    """With which the accounts go on."""
    deployer: bytes | None
    """Address of the account that has created the contracts; None where genesis has them."""


class Signer:
    """Draws what accounts do and signs it.

    Args:
        setup: accounts and mix.
    """

    def __init__(self, setup: SigningSetup) -> None:
        keys = [AccountKey(secret) for secret in setup.secrets]
        self._purse = Purse(keys, setup.chain_id)
        self._nonces = list(setup.nonces)
        deployer = None if setup.deployer is None else Address(setup.deployer)
        self.site = Site(deployer)
        """The contracts that the mix needs."""
        addresses = [key.address for key in keys]
        self._source: CallSource = make_source(
            setup.mix, addresses, setup.seed, self.site, setup.nonces
        )

    def address(self, account: int) -> Address:
        """Return the address of an account."""
        return self._purse.keys[account].address

    def fill(self, order: Order) -> list[Signed]:
        """Return new transactions."""
        for account, nonce in order.corrections.items():
            self._nonces[account] = nonce
        return [self._next(account, order) for account in order.accounts]

    def again(self, signed: Signed, tip: int, max_fee: int) -> Signed:
        """Return the same transaction with another offer."""
        old = decode_transaction(signed.raw)
        call = Call(old.to, old.value, bytes(old.data), old.gas_limit)
        return self._sign(signed.account, signed.nonce, call, tip, max_fee)

    def outbid(self, signed: Signed, quote: FeeQuote) -> Signed:
        """Return what can take a transaction's place in a pool and be in the next block."""
        old = decode_transaction(signed.raw)
        tip = max(quote.tip, raised(max_priority_fee(old)))
        return self.again(signed, tip, max(quote.cap(tip), raised(signed.max_fee)))

    def _next(self, account: int, order: Order) -> Signed:
        nonce = self._nonces[account]
        self._nonces[account] = nonce + 1
        return self._sign(account, nonce, self._source.call(account), order.tip, order.max_fee)

    def _sign(self, account: int, nonce: int, call: Call, tip: int, max_fee: int) -> Signed:
        raw, digest = self._purse.sign_at(account, nonce, call, tip, max_fee)
        return Signed(account, nonce, max_fee, digest, raw)


class Signing(Protocol):
    """Signs ahead while the sender does other things."""

    async def fill(self, order: Order) -> list[Signed]:
        """Return new transactions.

        Raises:
            EOFError: nobody signs any more.
        """
        ...

    def close(self) -> None:
        """End it."""
        ...


class SigningProcess:
    """A `Signer` in a process of its own. One order is under way at a time.

    Args:
        setup: accounts and mix.
    """

    def __init__(self, setup: SigningSetup) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=serve, args=(theirs, msgspec.msgpack.encode(setup)), daemon=True
        )
        # A Ctrl-C on a terminal reaches all its processes; this one ends when its sender does.
        # Starting the tracker of resources would unblock the signal again, so it goes first.
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()

    async def fill(self, order: Order) -> list[Signed]:
        """Return new transactions.

        Raises:
            EOFError: the process is gone.
        """
        answer = await asyncio.to_thread(self._exchange, msgspec.msgpack.encode(order))
        return msgspec.msgpack.decode(answer, type=list[Signed])

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(2.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _exchange(self, order: bytes) -> bytes:
        self._pipe.send_bytes(order)
        return self._pipe.recv_bytes()


def raised(fee: int) -> int:
    """Return an eighth more, and a bit: pools ask for 10 to 12.5 % in both fees."""
    return fee * BUMP_PERCENT // 100 + 1


def serve(pipe: Connection, setup: bytes) -> None:
    """Sign what is ordered until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, OSError):
        signer = Signer(msgspec.msgpack.decode(setup, type=SigningSetup))
        while True:
            order = msgspec.msgpack.decode(pipe.recv_bytes(), type=Order)
            pipe.send_bytes(msgspec.msgpack.encode(signer.fill(order)))
