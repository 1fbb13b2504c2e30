"""Transfers of ERC-20 tokens, hot or cold.

Whose balances of one token two transfers touch decides whether they can run side by side. Many
receivers and tokens make cold load, where hardly any two meet; one token that few receive makes
hot load, where nearly all do.
"""

from collections.abc import Sequence

from primitives.ids import Address
from sim.contracts import encode_arguments, load_artifact, mapping_slot, selector
from sim.workload.calls import Call
from sim.workload.setting import Setting
from sim.workload.site import Placed

HOLDING = 10**24
"""What every account holds of each token: a million, at 18 decimals."""
AMOUNT_MAX = 10**15
"""Largest amount of one transfer: nobody runs dry in a run."""
UNLIMITED = 2**256 - 1
"""An allowance that is not used up."""

TRANSFER_GAS = 40_000
"""Gas limit of a transfer between holders; measured: 34,300."""
APPROVE_GAS = 50_000
"""Gas limit of a first approval; measured: 46,500."""

DISTRIBUTION_GAS = 50_000
"""Gas of a transaction that gives to many, beside what each costs."""
HOLDERS_AT_ONCE = 200
"""How many accounts one transaction of the deployer gives to."""
HOLDER_GAS = 26_000
"""Gas for each of them; measured: 25,100."""


def place_token(setting: Setting, index: int) -> Placed:
    """Return a token that every account holds, and so does the deployer if there is one.

    What was placed before under the same index is placed no second time.
    """
    label = f"token/{index}"
    site = setting.site
    placed = site.find(label)
    if placed is not None:
        return placed
    artifact = load_artifact("Token")
    supply = HOLDING * (len(setting.addresses) + 1)
    placed = site.place(label, artifact, encode_arguments(["uint256"], [supply]))
    balances = artifact.slot("balanceOf")
    placed.storage[artifact.slot("totalSupply")] = HOLDING * len(setting.addresses)
    for holder in setting.addresses:
        placed.storage[mapping_slot(balances, holder)] = HOLDING
    for start in range(0, len(setting.addresses), HOLDERS_AT_ONCE):
        holders = setting.addresses[start : start + HOLDERS_AT_ONCE]
        site.then(placed, _distribute(holders), DISTRIBUTION_GAS + HOLDER_GAS * len(holders))
    return placed


def _distribute(holders: Sequence[Address]) -> bytes:
    arguments = encode_arguments(["address[]", "uint256"], [list(holders), HOLDING])
    return selector("distribute(address[],uint256)") + arguments


def give(placed: Placed, holder: Address, amount: int) -> None:
    """Let genesis give tokens to an account beside those of the workload."""
    artifact = load_artifact("Token")
    placed.storage[mapping_slot(artifact.slot("balanceOf"), holder)] = amount
    placed.storage[artifact.slot("totalSupply")] += amount


def allow(placed: Placed, owner: Address, spender: Address) -> None:
    """Let genesis allow a spender whatever an owner has."""
    slot = load_artifact("Token").slot("allowance")
    placed.storage[mapping_slot(slot, owner, spender)] = UNLIMITED


def approval(token: Address, spender: Address) -> Call:
    """Return the call that allows a spender whatever the caller has."""
    arguments = encode_arguments(["address", "uint256"], [spender, UNLIMITED])
    return Call(token, 0, selector("approve(address,uint256)") + arguments, APPROVE_GAS)


class TokenTransfers:
    """Transfers of drawn tokens to drawn accounts.

    Args:
        setting: accounts and chance.
        tokens: how many tokens there are.
        token_skew: Zipf exponent of the choice of a token.
        receivers: how many of the accounts receive; all when None.
        receiver_skew: Zipf exponent of the choice of a receiver.
    """

    __slots__ = ("_amounts", "_choices", "_heads", "_receivers", "_senders", "_tokens")

    gas_limit_max = TRANSFER_GAS

    def __init__(
        self,
        setting: Setting,
        tokens: int,
        token_skew: float,
        receivers: int | None,
        receiver_skew: float,
    ) -> None:
        self._tokens = [place_token(setting, index).address for index in range(tokens)]
        self._choices = setting.indexes(tokens, token_skew)
        order = setting.generator.permutation(len(setting.addresses))
        chosen = order[:receivers].tolist()
        transfer = selector("transfer(address,uint256)")
        self._senders = {index: place for place, index in enumerate(chosen)}
        self._heads = [
            transfer + encode_arguments(["address"], [setting.addresses[index]]) for index in chosen
        ]
        self._receivers = setting.indexes(len(chosen), receiver_skew)
        self._amounts = setting.amounts(1, AMOUNT_MAX)

    def call(self, sender: int) -> Call:
        """Return a transfer to another account, if there is another."""
        token = self._tokens[next(self._choices)]
        receiver = next(self._receivers)
        if receiver == self._senders.get(sender):
            receiver = (receiver + 1) % len(self._heads)
        data = self._heads[receiver] + next(self._amounts).to_bytes(32, "big")
        return Call(token, 0, data, TRANSFER_GAS)
