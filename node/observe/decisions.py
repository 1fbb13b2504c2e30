"""How long agreeing on a block takes at one replica."""

WAITING_MAX = 1_024
"""Sequences that are waited for; a replica has far fewer in flight."""


class Decisions:
    """Matches accepted proposals with commits, by sequence."""

    __slots__ = ("_accepted",)

    def __init__(self) -> None:
        self._accepted: dict[int, int] = {}
        """Sequence to the instant of its first accepted proposal."""

    def accepted(self, at_ns: int, sequence: int) -> None:
        """A proposal was accepted; of one sequence the first counts, in whatever view."""
        if sequence not in self._accepted and len(self._accepted) < WAITING_MAX:
            self._accepted[sequence] = at_ns

    def committed(self, at_ns: int, sequence: int) -> int | None:
        """A sequence is committed; return how long that took in ns, None where it was fetched.

        What lies below it is committed too, or was fetched, and is waited for no more.
        """
        accepted_ns = self._accepted.get(sequence)
        for known in [each for each in self._accepted if each <= sequence]:
            del self._accepted[known]
        return None if accepted_ns is None else at_ns - accepted_ns
