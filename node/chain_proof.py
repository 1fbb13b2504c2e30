"""What proves a block that a node holds final, to somebody who knows the chain only."""

from node.config import Environment
from node.finality import ChainCommittee, FinalityProof, Handover, SignatureKind
from node.ledger import Ledger
from primitives.header import Header, decode_header


def chain_proof(
    environment: Environment, ledger: Ledger, header: Header, signatures: SignatureKind
) -> FinalityProof:
    """Return the proof of a final block above genesis.

    Args:
        environment: what the node shares with its network.
        ledger: its blocks.
        header: of the block.
        signatures: what kind the validators make.

    Raises:
        KeyError: its certificate is not held any more.
    """
    certificate = ledger.certificate(header.number)
    genesis, epoch = environment.genesis, certificate.epoch
    closings = ledger.checkpoints.closings[:epoch]
    committees = [genesis.committee, *(closing.committee for closing in closings)]
    return FinalityProof(
        signatures,
        ChainCommittee(environment.genesis_block.digest, 0, epoch, committees[epoch]),
        environment.genesis_block.block.header,
        genesis.params,
        header,
        certificate,
        tuple(
            Handover(
                committee,
                decode_header(closing.header),
                environment.certificates.read(closing.certificate),
            )
            for committee, closing in zip(committees, closings, strict=False)
        ),
    )
