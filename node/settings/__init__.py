"""A live node's configuration: one TOML text, strictly decoded, and the genesis that it names.

`decode_settings` is the way in, `encode_settings` the way back. Nothing here opens a file: whoever
drives a node reads the texts, and whoever starts one writes them.
"""

from node.settings.consensus import ConsensusSettings
from node.settings.decode import decode_settings, encode_settings, setting_keys
from node.settings.execution import ExecutionSettings, NodeExecutionSettings
from node.settings.genesis import read_genesis, write_genesis
from node.settings.local import ChainSettings, LogSettings, MempoolSettings, StoreSettings
from node.settings.mistakes import Mistake, SettingsError
from node.settings.network import DictionarySettings, NetworkSettings, PeerSettings
from node.settings.node import OwnSettings
from node.settings.rpc import RpcSettings
from node.settings.settings import NodeSettings

__all__ = [
    "ChainSettings",
    "ConsensusSettings",
    "DictionarySettings",
    "ExecutionSettings",
    "LogSettings",
    "MempoolSettings",
    "Mistake",
    "NetworkSettings",
    "NodeExecutionSettings",
    "NodeSettings",
    "OwnSettings",
    "PeerSettings",
    "RpcSettings",
    "SettingsError",
    "StoreSettings",
    "decode_settings",
    "encode_settings",
    "read_genesis",
    "setting_keys",
    "write_genesis",
]
