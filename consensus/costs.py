"""What consensus spends processor time on."""

from primitives.costs import CostKind

VOTE_SIGN = "consensus.vote_sign"
VOTE_VERIFY = "consensus.vote_verify"

COSTS = (
    CostKind(VOTE_SIGN, "signature", "Sign one consensus message with the validator's key."),
    CostKind(
        VOTE_VERIFY, "signature", "Verify one signature of a validator over a consensus message."
    ),
)
"""Every kind of work that consensus asks for."""
