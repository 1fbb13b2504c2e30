"""Batched PBFT over hash-linked blocks that are executed before the vote.

Consensus orders opaque blocks and knows nothing about them: what it needs it asks its node for
(`consensus.effects`). Start with `consensus.replica` (the engine), then `consensus.normal` (the
three phases), `consensus.new_view_rules` (why a committed block survives a change of primary)
and `consensus.repair` (how a replica that was away finds back).

Reference: Castro & Liskov, Practical Byzantine Fault Tolerance, OSDI 1999 and TOCS 2002.
"""

from consensus.certificate import Certificate, InvalidCertificate, PreparedCertificate
from consensus.messages import MESSAGE_TYPES
from consensus.params import ConsensusParams, ReplicaConfig
from consensus.replica import Replica
from consensus.signing import CommitteeVerifier, MemoVerifier, MessageVerifier, verify_certificate
from consensus.state import Timer

__all__ = [
    "MESSAGE_TYPES",
    "Certificate",
    "CommitteeVerifier",
    "ConsensusParams",
    "InvalidCertificate",
    "MemoVerifier",
    "MessageVerifier",
    "PreparedCertificate",
    "Replica",
    "ReplicaConfig",
    "Timer",
    "verify_certificate",
]
