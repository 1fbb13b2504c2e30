"""One node: a mempool, a builder, an executor and the cores of consensus and network, composed."""

from node.config import Environment, NodeConfig, Role
from node.node import Node
from node.wire import node_codec

__all__ = ["Environment", "Node", "NodeConfig", "Role", "node_codec"]
