"""`python -m node.runtime.create DIR`: found a chain, and write what its nodes start from.

    DIR/genesis.json          the same for all nodes
    DIR/node-0/config.toml    a configuration, with the addresses of the others
    DIR/node-0/node.key       its key; no other machine needs it

`orrery up` writes the same for a scenario, whose accounts and faults it brings along. This is for a
chain that somebody wants to use.
"""

import sys
from collections.abc import Sequence

from node.runtime.starting import run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files; return the exit code."""
    return run_command(
        "node.runtime.founding", arguments, "create: interrupted; no chain without genesis.json"
    )


if __name__ == "__main__":
    sys.exit(main())
