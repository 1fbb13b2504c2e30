"""Kinds of processor cost. Each package lists its own in a module `costs`.

A core says how much it works (`Work("consensus.vote_verify", 1)`); what that takes is not its
concern. A calibration profile, measured on a real machine, gives nanoseconds for each unit.
"""

import msgspec


class CostKind(msgspec.Struct, frozen=True):
    """One kind of work."""

    name: str
    """Dotted, the owning package first: "consensus.vote_verify"."""
    unit: str
    """What one unit is: "signature", "byte", "transaction", "gas"."""
    meaning: str
    """What the node does, in one sentence."""
