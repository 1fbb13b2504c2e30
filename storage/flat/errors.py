"""Why a state can't be read."""

from primitives.errors import InvalidInput


class NoFlatState(InvalidInput):
    """A store that holds no flat state: its head row is missing."""

    def __init__(self) -> None:
        super().__init__("state.head", "the row of the newest block", "no row")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), ()


class StateNotKept(InvalidInput):
    """A state of the past that can't be made any more, or one of the future.

    Args:
        height: of the block after which it was asked for.
        lowest: of the earliest block whose state is kept.
        head: of the newest block.
    """

    def __init__(self, height: int, lowest: int, head: int) -> None:
        self.height, self.lowest, self.head = height, lowest, head
        super().__init__("state.history", f"a height from {lowest} to {head}", height)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.height, self.lowest, self.head)
