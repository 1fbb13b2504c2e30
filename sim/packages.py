"""The installed packages that a run's digest may depend on, as one short hash."""

import hashlib
from importlib.metadata import version

PACKAGES = (
    "blake2b-py",
    "ckzg",
    "coincurve",
    "cryptography",
    "lz4",
    "msgspec",
    "networkx",
    "numpy",
    "py-arkworks-bls12381",
    "pynacl",
    "safe-pysha3",
    "siphashc",
    "zstandard",
)
"""Random streams, encodings, graphs, hashes, signatures, precompiles, the lengths of compressed
frames: all come from these."""


def packages_fingerprint() -> str:
    """Return a hash of the packages' versions; runs are comparable only where it is equal."""
    versions = "\n".join(f"{name}=={version(name)}" for name in PACKAGES)
    return hashlib.blake2b(versions.encode(), digest_size=4).hexdigest()
