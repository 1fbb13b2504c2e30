"""The state on disk as flat rows: one for each account, slot and code, as of the newest block.

A block's rows (`state_records`) go into one batch with whatever else the block makes durable, so a
store shows the state after exactly the block that its head row names. `DiskState` reads it, and
what led away from earlier states is kept beside it for as many blocks as a node wants, so that
`HistoricState` can read those.
"""

from storage.flat.caches import StateCaches as StateCaches
from storage.flat.disk import DiskState as DiskState
from storage.flat.errors import NoFlatState as NoFlatState, StateNotKept as StateNotKept
from storage.flat.head import (
    FlatHead as FlatHead,
    lowest_height as lowest_height,
    read_head as read_head,
)
from storage.flat.historic import HistoricState as HistoricState
from storage.flat.pruning import adapt_records as adapt_records, prune_records as prune_records
from storage.flat.records import (
    expired_records as expired_records,
    index_start_records as index_start_records,
    state_records as state_records,
    whole_state_records as whole_state_records,
)
from storage.flat.tables import (
    ACCOUNTS as ACCOUNTS,
    CODE as CODE,
    HEAD as HEAD,
    HISTORY as HISTORY,
    INDEX as INDEX,
    STORAGE as STORAGE,
)
