"""The accounts of a load: keys from a seed or a file, and the money they need."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from primitives.account_key import AccountKey
from primitives.address import format_address
from primitives.errors import CryptoError, InvalidInput
from primitives.ids import Address
from sim.load.chain import ask_balances, ask_nonces
from sim.load.errands import Errands
from sim.load.errors import LoadRefused
from sim.load.rpc import RpcClient
from sim.report.page.units import significant
from sim.workload.accounts import account_secret
from sim.workload.calls import Call
from sim.workload.options import ETHER, TRANSFER_GAS

VALUE_MAX = ETHER // 1_000
"""The largest payment of a load, wei."""
FUND_TIMES = 100
"""An account that is funded gets so many times what it needs at the least."""
KEY = re.compile("(0x)?[0-9a-fA-F]{64}")
KEY_EXPECTED = "a private key: 64 hexadecimal digits"


class Wallet(msgspec.Struct, frozen=True):
    """Private keys, and the accounts they are of."""

    secrets: tuple[bytes, ...]
    addresses: tuple[Address, ...]


def seeded_wallet(seed: int, count: int) -> Wallet:
    """Return the accounts that scenarios of a seed have, too."""
    return _wallet([account_secret(seed, index) for index in range(count)])


def read_wallet(path: Path) -> Wallet:
    """Read private keys from a file, one a line; empty lines and those with # are skipped.

    Raises:
        InvalidInput: the file cannot be read, has no key, one twice, or a line that is none.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInput(str(path), "a readable file of private keys", reason) from error
    secrets: dict[bytes, int] = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text and not text.startswith("#"):
            secret = read_secret(f"{path}:{number}", text)
            earlier = secrets.setdefault(secret, number)
            if earlier != number:
                raise InvalidInput(f"{path}:{number}", "each key once", f"that of line {earlier}")
    if not secrets:
        raise InvalidInput(str(path), "at least one private key", "none")
    return _wallet(list(secrets))


def read_secret(where: str, text: str) -> bytes:
    """Read a private key. What was found is not told: it may be most of a key.

    Raises:
        InvalidInput: it is none.
    """
    if not KEY.fullmatch(text):
        raise InvalidInput(where, KEY_EXPECTED, f"{len(text)} other characters")
    secret = bytes.fromhex(text.removeprefix("0x"))
    try:
        AccountKey(secret)
    except CryptoError as error:
        raise InvalidInput(where, KEY_EXPECTED, "a number that is no key of this curve") from error
    return secret


def needed_balance(gas_limit: int, max_fee: int, in_flight: int) -> int:
    """Return what an account must have to send as many transactions at one time as it may, wei."""
    return in_flight * (gas_limit * max_fee + VALUE_MAX)


async def poor_accounts(
    client: RpcClient, addresses: Sequence[Address], needed: int
) -> dict[Address, int]:
    """Return the accounts that have less than they need, with what they have.

    Raises:
        RpcError: the node does not answer.
    """
    balances = await ask_balances(client, addresses)
    return {address: balance for address, balance in balances.items() if balance < needed}


def refuse_poor(
    poor: Mapping[Address, int], addresses: Sequence[Address], needed: int
) -> LoadRefused:
    """Return the refusal of a load whose accounts cannot pay."""
    first, balance = next(iter(poor.items()))
    rich = addresses.index(first)
    hint = (
        f", --accounts {rich} does without the poor" if rich + len(poor) == len(addresses) else ""
    )
    expected = f"at least {ether_words(needed)} on each account (--fund-from KEY pays it"
    actual = f"{ether_words(balance)} on {format_address(first)}"
    others = len(poor) - 1
    more = f", and too little on {others:,} more of {len(addresses):,}" if others else ""
    return LoadRefused("accounts", expected + (hint if rich else "") + ")", actual + more)


async def fund(
    client: RpcClient,
    payer: AccountKey,
    chain_id: int,
    payments: Mapping[Address, int],
    tip: int | None,
    on_done: Callable[[int], None],
) -> None:
    """Pay accounts, and wait until they have it.

    Raises:
        LoadRefused: the payer has too little, or a payment is refused.
        RpcError: the node does not answer.
    """
    total = sum(payments.values())
    balance = (await ask_balances(client, [payer.address]))[payer.address]
    if balance <= total:
        expected = f"more than {ether_words(total)} on {format_address(payer.address)}"
        raise LoadRefused("--fund-from", expected, ether_words(balance))
    nonce = (await ask_nonces(client, [payer.address]))[payer.address]
    calls = [Call(address, value, b"", TRANSFER_GAS) for address, value in payments.items()]
    await Errands(client, payer, chain_id, nonce, tip).do(calls, on_done)


def ether_words(amount: int) -> str:
    """Return an amount in ether, with three significant digits."""
    return f"{significant(amount / ETHER)} ether"


def _wallet(secrets: Sequence[bytes]) -> Wallet:
    return Wallet(tuple(secrets), tuple(AccountKey(secret).address for secret in secrets))
