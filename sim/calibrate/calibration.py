"""The command: measure, show, write."""

import sys
from argparse import Namespace
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from primitives.errors import InvalidInput
from sim.calibrate.machine import machine_facts
from sim.calibrate.material import make_material
from sim.calibrate.probes import PROBES
from sim.calibrate.sampling import ROUNDS, SAMPLE_NS, match_probes, measure
from sim.cli.progress import counting_bar
from sim.cli.summary import output_console
from sim.cost_kinds import KINDS
from sim.profile import Profile, encode_profile

DEFAULT_OUT = Path("profile.json")


def command(arguments: Namespace) -> int:
    """Measure every kind of work, print a table or the profile, write the profile, return 0.

    Raises:
        InvalidInput: the file cannot be written; found out before measuring.
    """
    out: Path = arguments.out or DEFAULT_OUT
    check_writable(out)
    profile = calibrate()
    data = encode_profile(profile)
    write_profile(out, data)
    if arguments.json:
        sys.stdout.write(data.decode())
    else:
        show_profile(profile, output_console())
    place = Text(f"profile {profile.fingerprint()} written to {out}")
    console = Console(stderr=True, highlight=False) if arguments.json else output_console()
    console.print(place, soft_wrap=True)
    return 0


def calibrate(rounds: int = ROUNDS, sample_ns: int = SAMPLE_NS) -> Profile:
    """Measure every kind of work on this machine.

    Args:
        rounds: samples of each kind.
        sample_ns: least length of a sample, ns.
    """
    pairs = match_probes(KINDS, PROBES)
    with counting_bar("calibrating", rounds, Console(stderr=True)) as bar:

        def advance() -> None:
            if bar is not None:
                bar.advance(bar.task_ids[0])

        costs = measure(pairs, make_material(), rounds, sample_ns, advance)
    return Profile(machine_facts(), costs)


def check_writable(out: Path) -> None:
    """Find out whether a file can be written, and leave what is there as it is.

    Raises:
        InvalidInput: it cannot.
    """
    existed = out.exists()
    try:
        with out.open("ab"):
            pass
        if not existed:
            out.unlink()
    except OSError as error:
        raise _unwritable(out, error) from error


def write_profile(out: Path, data: bytes) -> None:
    """Write the file.

    Raises:
        InvalidInput: it cannot be written any more.
    """
    try:
        out.write_bytes(data)
    except OSError as error:
        raise _unwritable(out, error) from error


def show_profile(profile: Profile, console: Console) -> None:
    """Print what was measured, and where."""
    machine = profile.machine
    memory = f"{machine.memory_bytes / 2**30:.1f} GiB"
    title = f"{machine.processor}, {machine.cores} cores, {memory}, {machine.system}"
    table = Table(title=Text(f"{title}, {machine.python}"), title_justify="left")
    table.add_column("kind", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("median", justify="right", no_wrap=True)
    table.add_column("10 % to 90 %", justify="right", no_wrap=True)
    table.add_column("library", overflow="fold")
    for row in profile.costs:
        spread = f"{format_time(row.low_ps)} to {format_time(row.high_ps)}"
        table.add_row(
            row.kind,
            row.unit,
            format_time(row.median_ps),
            spread,
            Text(row.library.replace(", ", "\n")),
        )
    console.print(table)


def format_time(picoseconds: int) -> str:
    """Return a time to three figures, with the unit that suits it."""
    size = 1
    for unit in ("ps", "ns", "us"):
        if picoseconds < 999.5 * size:
            return f"{picoseconds / size:.3g} {unit}"
        size *= 1_000
    return f"{picoseconds / size:.3g} ms"


def _unwritable(out: Path, error: OSError) -> InvalidInput:
    expected = "a file that can be written; name another one with --out"
    return InvalidInput(f"profile {out}", expected, error.strerror or str(error))
