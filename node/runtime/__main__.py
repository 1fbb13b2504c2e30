"""`python -m node.runtime CONFIG [--SECTION.KEY VALUE ...]`: run one node."""

import sys
from collections.abc import Sequence

from node.runtime.starting import run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a node until it ends; return the exit code."""
    return run_command("node.runtime.command", arguments, "node: interrupted")


if __name__ == "__main__":
    sys.exit(main())
