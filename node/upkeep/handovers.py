"""Whether the ends of epochs that a store names lead from the first committee to the last.

Certificates are held against committees, and the later ones come from the store itself. So each
must have been handed over: the closing block commits to it, and those before it have signed that
block. Otherwise whoever makes a store could make the validators, too.
"""

from collections.abc import Iterator, Sequence

from consensus.certificate import InvalidCertificate
from node.certificates import CertificateReader
from node.config import Environment
from node.snapshot import Closing
from node.upkeep.blocks import Link, misfit, verify_certificate
from node.upkeep.committees import Committees
from node.upkeep.finding import Finding, faulty
from primitives.epoch import epoch_commitment
from primitives.errors import InvalidEncoding
from primitives.header import decode_header, header_hash


def check_handovers(
    closings: Sequence[Closing],
    environment: Environment | None,
    committees: Committees,
    place: str,
) -> Iterator[Finding]:
    """Yield what is wrong with the ends of epochs.

    Args:
        closings: all since genesis.
        environment: of the chain; without it nobody knows what headers commit to.
        committees: which have learnt of these closings.
        place: the table they stand in.
    """
    reader, below = CertificateReader(0), 0
    for number, closing in enumerate(closings):
        name = f"end of epoch {number}"
        try:
            header = decode_header(closing.header)
            certificate = reader.read(closing.certificate)
        except InvalidEncoding as error:
            yield faulty(place, name, error)
            return
        if header.number <= below:
            yield Finding(place, name, f"a block above {below}", f"block {header.number}")
        below = header.number
        if environment is not None:
            params = environment.genesis.params
            expected = epoch_commitment(params, closing.committee, number + 1)
            if header.extra_data != expected:
                said = f"a header that commits to the next committee, 0x{expected.hex()}"
                yield Finding(place, name, said, f"0x{header.extra_data.hex()}")
        wrong = misfit(certificate, Link(header.number, header_hash(header)), place)
        if wrong is not None:
            yield wrong
            continue
        try:
            verify_certificate(certificate, header.number, committees)
        except InvalidCertificate as error:
            yield faulty(place, name, error)
