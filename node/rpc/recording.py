"""A journal that remembers all that was accessed, what was taken back included."""

from primitives.ids import Address
from storage.journal import Journal
from storage.reader import StateReader


class RecordingJournal(Journal):
    """One call's view of a state.

    Args:
        reader: the state before the call.
    """

    __slots__ = ("addresses", "slots")

    def __init__(self, reader: StateReader) -> None:
        super().__init__(reader)
        self.addresses: dict[Address, None] = {}
        """Accounts that were made warm, in order."""
        self.slots: dict[tuple[Address, int], None] = {}
        """Slots that were made warm, in order."""

    def warm_address(self, address: Address) -> bool:
        """Mark an address as accessed; return whether it was before (EIP-2929)."""
        self.addresses[address] = None
        return super().warm_address(address)

    def warm_slot(self, address: Address, slot: int) -> bool:
        """Mark a slot as accessed; return whether it was before (EIP-2929)."""
        self.slots[address, slot] = None
        return super().warm_slot(address, slot)
