"""Who sends what, and when: transfers and calls of contracts in loops, replays of signed files."""

from sim.workload.accounts import (
    account_secret as account_secret,
    derive_accounts as derive_accounts,
)
from sim.workload.calls import Call as Call, CallSource as CallSource
from sim.workload.closed_loop import ClosedLoop as ClosedLoop
from sim.workload.contracts import (
    make_amm as make_amm,
    make_compute as make_compute,
    make_erc20 as make_erc20,
    make_mainnet_like as make_mainnet_like,
    make_nft as make_nft,
    make_storage as make_storage,
)
from sim.workload.open_loop import OpenLoop as OpenLoop
from sim.workload.options import (
    ReplayOptions as ReplayOptions,
    TransferOptions as TransferOptions,
    decode_options as decode_options,
)
from sim.workload.pace import Burst as Burst, Ramp as Ramp
from sim.workload.replay import Replay as Replay, make_replay as make_replay
from sim.workload.tables import decode_table as decode_table
from sim.workload.transfers import make_transfers as make_transfers
from sim.workload.workload import (
    BringsContracts as BringsContracts,
    NetworkView as NetworkView,
    Submission as Submission,
    Workload as Workload,
    WorkloadContext as WorkloadContext,
    WorkloadFactory as WorkloadFactory,
)
