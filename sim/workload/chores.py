"""Calls that stress one thing each: a counter that all share, storage, computing."""

from sim.contracts import encode_arguments, load_artifact, selector
from sim.workload.calls import Call
from sim.workload.setting import Setting

MINT_GAS = 100_000
"""Gas limit of a mint; measured: 90,300 for the first of a collection, 73,200 for a new owner."""
SLOT_GAS = 22_400
"""Gas for a slot that a call sets; measured: 22,230."""
SLOTS_GAS = 25_000
"""Gas of such a call beside its slots; measured: 21,900."""
ROUND_GAS = 152
"""Gas for a round of the mill; measured: 149."""
ROUNDS_GAS = 26_000
"""Gas of such a call beside its rounds; measured: 23,400."""

_MINT = selector("mint(address)")
_FILL = selector("fill(uint256,uint256,uint256)")
_RAISE = selector("raise(uint256,uint256,uint256)")
_GRIND = selector("grind(uint256,uint256)")


class Mints:
    """Mints of drawn collections; each takes the collection's next number.

    Args:
        setting: accounts and chance.
        collections: how many there are.
        collection_skew: Zipf exponent of the choice.
    """

    __slots__ = ("_addresses", "_choices", "_data")

    gas_limit_max = MINT_GAS

    def __init__(self, setting: Setting, collections: int, collection_skew: float) -> None:
        artifact = load_artifact("Collectible")
        self._addresses = [
            setting.site.place(f"collection/{index}", artifact).address
            for index in range(collections)
        ]
        self._choices = setting.indexes(collections, collection_skew)
        self._data = [_MINT + encode_arguments(["address"], [each]) for each in setting.addresses]

    def call(self, sender: int) -> Call:
        """Return a mint for the sender itself."""
        return Call(self._addresses[next(self._choices)], 0, self._data[sender], MINT_GAS)


class Shelving:
    """Calls that write many slots, each sender its own.

    Args:
        setting: accounts and chance.
        slots: how many slots a call writes.
        fresh: whether they are new ones each time, or always the same.
    """

    __slots__ = ("_address", "_fresh", "_next", "_slots", "gas_limit_max")

    def __init__(self, setting: Setting, slots: int, *, fresh: bool) -> None:
        self._address = setting.site.place("shelves", load_artifact("Shelves")).address
        self._slots = slots
        self._fresh = fresh
        # A chain that goes on has the slots of earlier calls, at most so many of each account.
        self._next = [slots * sent for sent in setting.sent] or [0] * len(setting.addresses)
        self.gas_limit_max = SLOTS_GAS + SLOT_GAS * slots

    def call(self, sender: int) -> Call:
        """Return a call that fills further slots, or changes those it had."""
        first = self._next[sender]
        if self._fresh:
            self._next[sender] += self._slots
        function = _FILL if self._fresh else _RAISE
        data = function + encode_arguments(["uint256"] * 3, [first, self._slots, 1])
        return Call(self._address, 0, data, self.gas_limit_max)


class Grinding:
    """Calls that compute and touch no storage.

    Args:
        setting: accounts and chance.
        rounds: how long each computes.
    """

    __slots__ = ("_address", "_head", "_seeds", "gas_limit_max")

    def __init__(self, setting: Setting, rounds: int) -> None:
        placed = setting.site.find("mill") or setting.site.place("mill", load_artifact("Mill"))
        self._address = placed.address
        self._head = _GRIND + encode_arguments(["uint256"], [rounds])
        self._seeds = setting.amounts(0, 2**62)
        self.gas_limit_max = ROUNDS_GAS + ROUND_GAS * rounds

    def call(self, sender: int) -> Call:
        """Return a call with a seed of its own."""
        data = self._head + next(self._seeds).to_bytes(32, "big")
        return Call(self._address, 0, data, self.gas_limit_max)
