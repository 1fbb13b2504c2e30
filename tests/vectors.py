"""Where the public test vectors are. They are not part of the repository."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def vectors_directory() -> Path:
    """Return the directory that ORRERY_VECTORS names, or `../shared/vectors`; it may be absent."""
    named = os.environ.get("ORRERY_VECTORS")
    return Path(named) if named else ROOT.parent / "shared" / "vectors"
