"""Swaps at exchanges: every swap reads and writes its pair's reserves, so a pair is a queue."""

from sim.contracts import encode_arguments, encode_call, load_artifact, packed_word, selector
from sim.workload.calls import Call
from sim.workload.setting import Setting
from sim.workload.site import Placed
from sim.workload.tokens import AMOUNT_MAX, APPROVE_GAS, HOLDING, allow, approval, give, place_token

SWAP_GAS = 78_000
"""Gas limit of a swap; measured: 67,900."""
DEPOSIT_GAS = 140_000
"""Gas limit of the first deposit; measured: 120,800."""
RESERVE = HOLDING // 4
"""What each pair has of both its tokens at the beginning."""

_SWAP = selector("swap(bool,uint256,uint256)")


class _Market:
    """A pair with what a swap at it takes."""

    __slots__ = ("address", "tokens")

    def __init__(self, pair: Placed, tokens: tuple[Placed, Placed]) -> None:
        self.address = pair.address
        self.tokens = tokens


class Swaps:
    """Swaps of drawn amounts at drawn pairs, either way.

    Where no genesis has done it, an account's first swap of a token is preceded by its approval.

    Args:
        setting: accounts and chance.
        pairs: how many pairs there are, each with two tokens of its own.
        pair_skew: Zipf exponent of the choice of a pair.
        first_token: index of the first token, for who trades tokens that others send.
    """

    __slots__ = ("_amounts", "_approved", "_choices", "_is_genesis", "_markets", "_sides")

    gas_limit_max = SWAP_GAS

    def __init__(
        self, setting: Setting, pairs: int, pair_skew: float, first_token: int = 0
    ) -> None:
        self._markets = [
            _place_market(setting, index, first_token + 2 * index) for index in range(pairs)
        ]
        self._choices = setting.indexes(pairs, pair_skew)
        self._sides = setting.amounts(0, 1)
        self._amounts = setting.amounts(AMOUNT_MAX // 2, AMOUNT_MAX)
        self._is_genesis = setting.site.is_genesis
        self._approved: dict[tuple[int, bytes], None] = {}

    def call(self, sender: int) -> Call:
        """Return a swap, or the approval that it needs."""
        market = self._markets[next(self._choices)]
        side = next(self._sides)
        sold = market.tokens[1 - side].address
        if not self._is_genesis and (sender, sold) not in self._approved:
            self._approved[sender, sold] = None
            return approval(sold, market.address)
        data = _SWAP + encode_arguments(["bool", "uint256"], [side == 1, next(self._amounts)])
        # The least that the trader wants: anything, so that no swap fails by its order.
        return Call(market.address, 0, data + bytes(32), SWAP_GAS)


def _place_market(setting: Setting, index: int, first_token: int) -> _Market:
    tokens = place_token(setting, first_token), place_token(setting, first_token + 1)
    site = setting.site
    artifact = load_artifact("Pair")
    addresses = [token.address for token in tokens]
    pair = site.place(f"pair/{index}", artifact, encode_arguments(["address"] * 2, addresses))
    for token in tokens:
        give(token, pair.address, RESERVE)
        for owner in setting.addresses:
            allow(token, owner, pair.address)
        site.then(token, approval(token.address, pair.address).data, APPROVE_GAS)
    site.then(pair, encode_call("deposit(uint256,uint256)", RESERVE, RESERVE), DEPOSIT_GAS)
    for label, token in zip(("token0", "token1"), tokens, strict=True):
        pair.storage[artifact.slot(label)] = int.from_bytes(token.address, "big")
    offsets = {each.label: each.offset for each in artifact.storage}
    pair.storage[artifact.slot("reserve0")] = packed_word(
        (RESERVE, offsets["reserve0"]), (RESERVE, offsets["reserve1"])
    )
    return _Market(pair, tokens)
