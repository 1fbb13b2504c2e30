"""How a gateway follows changes of the committee: from closing block to closing block.

It starts with the committee of genesis. A validator that hears from a gateway of an earlier epoch
sends the ends of all epochs since. Each is a header with the certificate of the committee that
ends, and the header commits to the next one, so nothing of it has to be believed.
"""

from consensus.certificate import InvalidCertificate
from node.config import Environment
from node.snapshot import Closing
from primitives.epoch import Epoch, epoch_commitment, is_checkpoint
from primitives.header import decode_header, header_hash


def succeed(environment: Environment, epoch: Epoch, closing: Closing) -> Epoch:
    """Return the epoch that a closing block begins.

    Raises:
        InvalidEncoding: header or certificate is none.
        InvalidCertificate: the committee of `epoch` has not made that block final, or it closes
            no epoch, or commits to another committee.
    """
    params = environment.genesis.params
    header = decode_header(closing.header)
    certificate = environment.certificates.read(closing.certificate)
    if not is_checkpoint(header.number, params):
        raise InvalidCertificate("closing", "a checkpoint", f"block {header.number}")
    if (certificate.sequence, certificate.digest) != (header.number, header_hash(header)):
        raise InvalidCertificate("closing", "a certificate of its header", certificate.sequence)
    verifier = environment.verifier_of(epoch)
    environment.certificates.verify(closing.certificate, epoch.committee, epoch.number, verifier)
    following = Epoch(epoch.number + 1, closing.committee, closing.committee, header.number)
    if header.extra_data != epoch_commitment(params, following.committee, following.number):
        raise InvalidCertificate("closing", "a commitment to its committee", "another")
    return following
