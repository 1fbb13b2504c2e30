"""The liars that ship, by the name that `liar` of a node class gives them."""

from collections.abc import Mapping
from types import MappingProxyType

from sim.liars.censoring import Censoring
from sim.liars.colluding import Colluding
from sim.liars.context import LiarFactory
from sim.liars.equivocating_primary import equivocating_primary
from sim.liars.equivocating_voter import equivocating_voter
from sim.liars.false_forms import false_forms
from sim.liars.false_ids import false_ids
from sim.liars.false_shreds import false_shreds
from sim.liars.flooding import Flooding
from sim.liars.garbage import Garbage
from sim.liars.invalid_state_root import invalid_state_root
from sim.liars.lying_server import lying_server
from sim.liars.misinforming import misinforming
from sim.liars.replaying import Replaying
from sim.liars.silent import silent
from sim.liars.slow import Slow
from sim.liars.twins import Twins
from sim.liars.two_faced import TwoFaced
from sim.liars.usurping import Usurping
from sim.liars.withholding import withholding
from sim.liars.wrong_hint import wrong_hint

BUILT_IN_LIARS: Mapping[str, LiarFactory] = MappingProxyType(
    {
        "silent": silent,
        "slow": Slow,
        "equivocating-primary": equivocating_primary,
        "equivocating-voter": equivocating_voter,
        "two-faced": TwoFaced,
        "withholding": withholding,
        "invalid-state-root": invalid_state_root,
        "wrong-hint": wrong_hint,
        "censoring": Censoring,
        "replaying": Replaying,
        "flooding": Flooding,
        "garbage": Garbage,
        "colluding": Colluding,
        "lying-server": lying_server,
        "twins": Twins,
        "usurping": Usurping,
        "misinforming": misinforming,
        "false-forms": false_forms,
        "false-shreds": false_shreds,
        "false-ids": false_ids,
    }
)

SPREAD_LIARS = frozenset(
    (
        *("silent", "slow", "replaying", "flooding", "garbage", "lying-server", "misinforming"),
        *("false-shreds", "false-ids"),
    )
)
"""Those whose own proposals go over a mesh or down coded trees where their network has them. The
others lie in whole proposals, to each of the others as they like; peers take both."""

COMPACT_LIARS = frozenset(
    (
        *("silent", "slow", "replaying", "flooding", "garbage", "lying-server", "misinforming"),
        *("withholding", "false-forms"),
    )
)
"""Those whose own proposals leave in compact form where their network knows it. The others change
whole blocks, so they send such; peers take both."""
