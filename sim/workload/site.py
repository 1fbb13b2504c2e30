"""How the contracts of a workload come to be on the chain.

Either genesis has them, with code and storage as if all had been set up long ago; or an account
of its own creates them and hands out what they hold, by transactions that are there before the
load. The first is what a measurement wants, the second shows the way that a real one takes.
"""

from collections.abc import Mapping

import msgspec

from primitives.genesis import GenesisContract
from primitives.ids import Address
from primitives.keccak import keccak256
from primitives.rlp import encode_bytes, encode_int, list_header
from sim.contracts import Artifact
from sim.workload.calls import Call

CREATION_GAS = 130_000
"""Gas of a creation beside what its code's length costs: base, constructor, execution."""
CODE_BYTE_GAS = 230
"""Gas for one byte of code: its deposit (200), and its place in the creation's data."""


class Placed(msgspec.Struct, frozen=True):
    """A contract with its address and the slots that genesis gives it."""

    address: Address
    code: bytes
    storage: dict[int, int]
    """To be filled until the site is asked for its contracts."""


class Site:
    """Places contracts and notes what has to be done for it.

    Args:
        deployer: the account that creates contracts; None if genesis has them.
    """

    __slots__ = ("_deployer", "_placed", "steps")

    def __init__(self, deployer: Address | None) -> None:
        self._deployer = deployer
        self._placed: dict[str, Placed] = {}
        self.steps: list[Call] = []
        """What the deployer does, in this order."""

    @property
    def is_genesis(self) -> bool:
        """Whether genesis has the contracts."""
        return self._deployer is None

    @property
    def contracts(self) -> tuple[GenesisContract, ...]:
        """The contracts of genesis."""
        if not self.is_genesis:
            return ()
        return tuple(
            GenesisContract(placed.address, placed.code, storage=_slots(placed.storage))
            for placed in self._placed.values()
        )

    def find(self, label: str) -> Placed | None:
        """Return what was placed under a label."""
        return self._placed.get(label)

    def place(self, label: str, artifact: Artifact, arguments: bytes = b"") -> Placed:
        """Place a contract.

        Args:
            label: a name of its own.
            artifact: the compiled contract.
            arguments: of its constructor, which only a creation runs.
        """
        if label in self._placed:
            raise AssertionError(f"{label} is there already")
        if self._deployer is None:
            address = Address(keccak256(f"orrery/contract/{label}".encode())[-20:])
        else:
            address = created_address(self._deployer, len(self.steps))
            data = artifact.creation_code + arguments
            self.steps.append(Call(None, 0, data, CREATION_GAS + CODE_BYTE_GAS * len(data)))
        placed = Placed(address, artifact.runtime_code, {})
        self._placed[label] = placed
        return placed

    def then(self, placed: Placed, data: bytes, gas_limit: int) -> None:
        """Let the deployer call a contract, if there is a deployer."""
        if self._deployer is not None:
            self.steps.append(Call(placed.address, 0, data, gas_limit))


def created_address(sender: Address, nonce: int) -> Address:
    """Return the address of what an account creates. Reference: Yellow Paper, equation 88."""
    fields = encode_bytes(sender) + encode_int(nonce)
    return Address(keccak256(list_header(len(fields)) + fields)[-20:])


def _slots(storage: Mapping[int, int]) -> tuple[tuple[int, int], ...]:
    return tuple((slot, value) for slot, value in sorted(storage.items()) if value)
