"""Proofs about KZG commitments, under Ethereum's trusted setup, by c-kzg-4844.

The setup is a public constant, the result of the ceremony of 2023: 4,096 points of G1 in Lagrange
form, 65 of G2, and those of G1 again in monomial form. The published text (`trusted_setup.txt` of
ethereum/c-kzg-4844; the same points as `trusted_setup_4096.json` of ethereum/consensus-specs) has
them in hexadecimal. `kzg_trusted_setup.bin` beside this module is that text without its two lines
of counts, as bytes, which is half the size. Loading it puts the text together again and compares
its SHA-256, so that a package with another setup proves nothing.

Reference: EIP-4844.
"""

import hashlib
import tempfile
from importlib import resources

import ckzg

from primitives.errors import CryptoError

G1_POINTS, G2_POINTS = 4_096, 65
G1_BYTES, G2_BYTES = 48, 96
"""Of a compressed point."""
SETUP_FILE = "kzg_trusted_setup.bin"
SETUP_SHA256 = "d39b9f2d047cc9dca2de58f264b6a09448ccd34db967881a6713eacacf0f26b7"
"""Of the published text."""


class CkzgVerifier:
    """Verifies openings of commitments (`contracts.kzg.KzgVerifier`).

    The setup is loaded at the first question, which takes 1.7 s of processor time (the library
    checks that every point is in its group) and about 20 MB; a proof is verified in about 1 ms.
    So a process needs one such object, which everybody in it shares. The library keeps Python's
    lock meanwhile: threads do not verify in parallel.
    """

    __slots__ = ("_setup",)

    def __init__(self) -> None:
        self._setup: object = None

    def verify_proof(self, commitment: bytes, point: bytes, value: bytes, proof: bytes) -> bool:
        """Return whether the polynomial of `commitment` has `value` at `point`.

        False also for bytes that are no field element or no point of the group, and for others
        than 48, 32, 32 and 48 of them.

        Raises:
            CryptoError: the package's setup is not the published one.
        """
        if self._setup is None:
            self._setup = load_setup(setup_text(read_setup()))
        try:
            return bool(ckzg.verify_kzg_proof(commitment, point, value, proof, self._setup))
        except (RuntimeError, ValueError):
            return False


def read_setup() -> bytes:
    """Return the points as the package has them, one after the other."""
    return resources.files("primitives").joinpath(SETUP_FILE).read_bytes()


def setup_text(points: bytes) -> bytes:
    """Return the points in the form that was published: counts, then a point a line.

    Raises:
        CryptoError: these are not the points that were.
    """
    lines = [str(G1_POINTS), str(G2_POINTS)]
    start = 0
    for count, size in ((G1_POINTS, G1_BYTES), (G2_POINTS, G2_BYTES), (G1_POINTS, G1_BYTES)):
        end = start + count * size
        lines += (points[at : at + size].hex() for at in range(start, end, size))
        start = end
    text = "\n".join([*lines, ""]).encode("ascii")
    found = hashlib.sha256(text).hexdigest()
    if found != SETUP_SHA256 or start != len(points):
        raise CryptoError("trusted setup", f"SHA-256 {SETUP_SHA256}", found)
    return text


def load_setup(text: bytes) -> object:
    """Return the library's form of a setup. It reads files only, so the text goes through one."""
    with tempfile.NamedTemporaryFile(prefix="kzg-setup-") as file:
        file.write(text)
        file.flush()
        loaded: object = ckzg.load_trusted_setup(file.name, 0)
    return loaded
