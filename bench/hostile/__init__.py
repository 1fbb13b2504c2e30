"""Attacks on the two ports of a live node, for `orrery bench hostile` and tests/live.

`rpc` and `p2p` have the attacks: each does one thing that a stranger might, for a while, and says
what it got. `watch` is a process of its own that looks at the node meanwhile, as its clients and
its operator would.
"""

from bench.hostile.target import Attack, Tally, Target

__all__ = ["Attack", "Tally", "Target"]
