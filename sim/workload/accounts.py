"""The accounts of a workload: keys that follow from the run seed, so that no file holds them."""

from collections.abc import Sequence

from primitives.account_key import AccountKey
from primitives.ids import Address, Wei
from primitives.keccak import keccak256
from primitives.secp256k1 import ORDER


def account_secret(seed: int, index: int) -> bytes:
    """Return the private key of account `index` in runs of `seed`: 32 bytes.

    The same seed gives the same accounts in every workload and every process. These keys guard
    play money; they are as public as the seed.
    """
    digest = keccak256(f"orrery/account/{seed}/{index}".encode())
    # Fold the digest into [1, order): all but one in 2**127 stay what they are.
    number = int.from_bytes(digest, "big")
    return (number if 0 < number < ORDER else number % (ORDER - 1) + 1).to_bytes(32, "big")


def derive_accounts(seed: int, count: int) -> list[AccountKey]:
    """Return the accounts 0..count-1 of a seed. Costs about 30 us each."""
    return [AccountKey(account_secret(seed, index)) for index in range(count)]


def equal_alloc(addresses: Sequence[Address], balance: Wei) -> tuple[tuple[Address, Wei], ...]:
    """Return genesis balances: the same for everyone, each address once, in first-seen order."""
    return tuple((address, balance) for address in dict.fromkeys(addresses))
