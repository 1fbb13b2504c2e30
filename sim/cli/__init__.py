"""The command line: `orrery`."""

from sim.cli.entry import main as main
