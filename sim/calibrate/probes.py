"""All probes."""

from sim.calibrate.probes_confirmation import PROBES as CONFIRMATION_PROBES
from sim.calibrate.probes_consensus import PROBES as CONSENSUS_PROBES
from sim.calibrate.probes_execution import PROBES as EXECUTION_PROBES
from sim.calibrate.probes_network import PROBES as NETWORK_PROBES
from sim.calibrate.probes_node import PROBES as NODE_PROBES
from sim.calibrate.probes_packing import PROBES as PACKING_PROBES
from sim.calibrate.sampling import Probe

PROBES: tuple[Probe, ...] = (
    *CONSENSUS_PROBES,
    *NETWORK_PROBES,
    *PACKING_PROBES,
    *NODE_PROBES,
    *EXECUTION_PROBES,
    *CONFIRMATION_PROBES,
)
"""One for each kind of `sim.cost_kinds`."""
