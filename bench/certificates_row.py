"""One row of `orrery bench certificates`: how fast a light client can follow a chain.

Each certificate is verified as `orrery verify-certificate` does it: a quorum of Ed25519
signatures, one by one, nothing remembered. The library's own check of the same signatures, in
the same process, is the limit.
"""

import json
import sys
import time
from collections.abc import Callable
from statistics import median

from nacl.bindings import crypto_sign_open

from consensus.certificate import Certificate
from consensus.messages import Commit
from consensus.signing import binding, signed_payload, verify_certificate
from primitives.codec import encode_canonical
from primitives.committee import Committee
from primitives.ids import Hash32, Sequence, View
from primitives.keys import ValidatorKey

TURNS = 10
GENESIS, DIGEST = Hash32(b"g" * 32), Hash32(b"d" * 32)


def run(nodes: int, seconds: float) -> dict[str, object]:
    """Verify a committee's certificate over and over, and return the row.

    Args:
        nodes: validators in the committee.
        seconds: how long each of the two loops lasts, wall time; they take turns, so that a
            busy machine slows both.
    """
    keys = [ValidatorKey(index.to_bytes(32, "big")) for index in range(nodes)]
    committee = Committee.of_keys(key.public_key for key in keys)
    quorum = committee.quorum
    payload = signed_payload(binding(GENESIS), Commit(View(0), Sequence(1), DIGEST, 0, b""))
    signers = tuple(range(quorum))
    signatures = tuple(keys[index].sign(payload) for index in signers)
    certificate = Certificate(0, View(0), Sequence(1), DIGEST, signers, signatures)
    public_keys = committee.public_keys
    bare = [(mark + payload, public_keys[i]) for i, mark in zip(signers, signatures, strict=True)]

    def ours() -> None:
        verify_certificate(certificate, committee, GENESIS)

    def library() -> None:
        for signed, key in bare:
            crypto_sign_open(signed, key)

    slices = [(_rate(ours, seconds / TURNS), _rate(library, seconds / TURNS)) for _ in range(TURNS)]
    rate, limit = median(rates[0] for rates in slices), median(rates[1] for rates in slices)
    return {
        "nodes": nodes,
        "quorum": quorum,
        "certificate_bytes": len(encode_canonical(certificate)),
        "certificates_per_second": round(rate, 1),
        "checks_per_second": round(rate * quorum),
        "library_checks_per_second": round(limit * quorum),
    }


def _rate(work: Callable[[], None], seconds: float) -> float:
    """Return how often `work` is done in a second."""
    work()
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        work()
        done += 1
    return done / (time.perf_counter() - start)


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
