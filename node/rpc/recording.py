"""A journal that remembers what a call pays to access, what was taken back included."""

from collections.abc import Generator

from contracts.frame import Frame
from contracts.sliced import run_sliced
from primitives.ids import Address
from storage.journal import Journal
from storage.reader import StateReader


class RecordingJournal(Journal):
    """One call's view of a state.

    Args:
        reader: the state before the call.
    """

    __slots__ = ("_has_begun", "_newest", "addresses", "slots")

    def __init__(self, reader: StateReader) -> None:
        super().__init__(reader)
        self._has_begun = False
        self._newest: Address | None = None
        """What became warm by the last access to an account, if anything did."""
        self.addresses: dict[Address, None] = {}
        """Accounts that became warm once the call ran, in order. Those of before cost nothing."""
        self.slots: dict[tuple[Address, int], None] = {}
        """Slots that were accessed, in order."""

    def run(self, outermost: Frame) -> Generator[None, None, None]:
        """Run a frame as `run_sliced` does, and begin to remember."""
        self._has_begun = True
        yield from run_sliced(outermost)

    def warm_address(self, address: Address) -> bool:
        """Mark an address as accessed; return whether it was before (EIP-2929)."""
        was_warm = super().warm_address(address)
        self._newest = None
        if self._has_begun and not was_warm and address not in self.addresses:
            self._newest = address
            self.addresses[address] = None
        return was_warm

    def begin_contract(self, address: Address) -> None:
        """Make a new contract; creating it made it warm for nothing."""
        if address == self._newest:
            del self.addresses[address]
            self._newest = None
        super().begin_contract(address)

    def warm_slot(self, address: Address, slot: int) -> bool:
        """Mark a slot as accessed; return whether it was before (EIP-2929)."""
        self.slots[address, slot] = None
        return super().warm_slot(address, slot)
