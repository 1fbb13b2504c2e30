"""What consensus spends processor time on."""

from primitives.costs import CostKind

VOTE_SIGN = "consensus.vote_sign"
VOTE_VERIFY = "consensus.vote_verify"
BLS_VOTE_SIGN = "consensus.bls_vote_sign"
BLS_VOTE_VERIFY = "consensus.bls_vote_verify"
BLS_COMBINE = "consensus.bls_combine"
BLS_KEY = "consensus.bls_key"
BLS_CERTIFICATE = "consensus.bls_certificate"

COSTS = (
    CostKind(VOTE_SIGN, "signature", "Sign one consensus message with the validator's key."),
    CostKind(
        VOTE_VERIFY, "signature", "Verify one signature of a validator over a consensus message."
    ),
    CostKind(BLS_VOTE_SIGN, "signature", "Sign one PREPARE or COMMIT with a BLS key."),
    CostKind(BLS_VOTE_VERIFY, "signature", "Verify the BLS signature of one PREPARE or COMMIT."),
    CostKind(BLS_COMBINE, "signature", "Add one BLS signature to a new certificate."),
    CostKind(BLS_KEY, "signer", "Add one signer's BLS key, to verify an aggregate."),
    CostKind(BLS_CERTIFICATE, "certificate", "Verify an aggregate under the sum of the keys."),
)
"""Every kind of work that consensus asks for."""
