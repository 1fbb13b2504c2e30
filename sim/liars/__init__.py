"""Nodes that misbehave on purpose.

Each wraps the honest machine of its node and lies in one way. With at most f of them the committee
must stay safe and come back to life; `scenarios/liars` shows each at work.
"""

from sim.liars.built_in import (
    BUILT_IN_LIARS as BUILT_IN_LIARS,
    COMPACT_LIARS as COMPACT_LIARS,
    SPREAD_LIARS as SPREAD_LIARS,
)
from sim.liars.context import (
    LiarContext as LiarContext,
    LiarFactory as LiarFactory,
    LiarTimer as LiarTimer,
)
from sim.liars.place import LiarPlace as LiarPlace, Places as Places
