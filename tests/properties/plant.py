"""`python -m tests.properties.plant NAME fuzz ...`: the command line with a fault in it.

    python -m tests.properties.plant "digest not compared" fuzz scenarios/chaos.toml --runs 20
    python -m tests.properties.plant --hunt 50

The first repeats or looks for a failure with one planted fault of `mutations.toml`. The second
hunts for all of them anew, from seed 1, and prints a table of the seeds.
"""

import sys

import pytest

from sim.cli import main as orrery
from tests.properties.mutations import hunt, mutations


def table(runs: int) -> str:
    """Hunt for every fault that a search should find; return a line for each.

    Args:
        runs: seeds to try; at least as many as the recorded seed has found it in.
    """
    lines = []
    for mutation in mutations():
        if mutation.search is not None:
            last = max(runs, mutation.search.seed)
            found = hunt(mutation, range(1, last + 1))
            seed, how = ("-", f"not within {last} runs") if found is None else found
            lines.append(f"{mutation.name:50} {mutation.search.by:6} {seed:>4}  {how[:80]}")
    return "\n".join(lines)


def main(words: list[str]) -> int:
    """Run."""
    if words[:1] == ["--hunt"]:
        sys.stdout.write(table(int(words[1])) + "\n")
        return 0
    by_name = {mutation.name: mutation for mutation in mutations()}
    if not words or words[0] not in by_name:
        sys.stderr.write("which fault? one of:\n  " + "\n  ".join(by_name) + "\n")
        return 2
    with pytest.MonkeyPatch.context() as patch:
        by_name[words[0]].plant(patch)
        return orrery(words[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
