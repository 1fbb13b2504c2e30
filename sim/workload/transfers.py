"""Transfers between accounts: which of the two loops the options ask for."""

from collections.abc import Mapping

from sim.workload.closed_loop import ClosedLoop
from sim.workload.minting import transfer_mint
from sim.workload.open_loop import OpenLoop
from sim.workload.options import TransferOptions, decode_options
from sim.workload.workload import WorkloadContext


def make_transfers(
    options: Mapping[str, object], context: WorkloadContext
) -> OpenLoop | ClosedLoop:
    """Make an open loop for `rate`, a closed one for `clients`. Entry point `transfers`."""
    decoded = decode_options(TransferOptions, options)
    mint = transfer_mint(decoded, context)
    if decoded.clients is not None:
        return ClosedLoop(decoded, context, mint)
    return OpenLoop(decoded, context, mint)
