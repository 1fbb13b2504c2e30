"""All that one node's process is told: its CONFIG file, decoded."""

import msgspec

from node.settings.consensus import ConsensusSettings
from node.settings.execution import NodeExecutionSettings
from node.settings.local import ChainSettings, LogSettings, MempoolSettings, StoreSettings
from node.settings.network import NetworkSettings
from node.settings.node import OwnSettings
from node.settings.rpc import RpcSettings


class NodeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One node's configuration, units resolved (ns, bytes)."""

    node: OwnSettings
    chain: ChainSettings = ChainSettings()
    consensus: ConsensusSettings = ConsensusSettings()
    network: NetworkSettings = NetworkSettings()
    rpc: RpcSettings = RpcSettings()
    store: StoreSettings = StoreSettings()
    mempool: MempoolSettings = MempoolSettings()
    execution: NodeExecutionSettings = NodeExecutionSettings()
    log: LogSettings = LogSettings()
