"""net_ and web3_ methods, and those of eth_ that are about the node and not its chain."""

import platform
from importlib.metadata import PackageNotFoundError, version

from node.rpc.arguments import data, required
from node.rpc.backend import Backend, ChainBackend
from node.rpc.hexes import data_hex, quantity_hex
from node.rpc.methods import Method, Parameters
from primitives.keccak import keccak256


def network_methods() -> tuple[Method, ...]:
    """Return them."""
    return (
        Method("eth_chainId", chain_id),
        Method("eth_syncing", lambda backend, _: syncing(backend)),
        Method("eth_accounts", accounts),
        Method("net_version", network_id),
        Method("net_listening", listening),
        Method("net_peerCount", peer_count),
        Method("web3_clientVersion", client_version),
        Method("web3_sha3", sha3, 1),
    )


def chain_id(backend: Backend, parameters: Parameters) -> str:
    """eth_chainId."""
    return quantity_hex(backend.environment.genesis.params.chain_id)


def syncing(backend: ChainBackend) -> object:
    """eth_syncing: false, or from where to where the node is catching up."""
    state = backend.node.parts.sync.state
    height = backend.node.ledger.height
    if state.started_at is None:
        return False
    return {
        "startingBlock": quantity_hex(state.started_at),
        "currentBlock": quantity_hex(height),
        "highestBlock": quantity_hex(max(height, *state.heights.values(), 0)),
    }


def accounts(backend: Backend, parameters: Parameters) -> list[str]:
    """eth_accounts: none, for the node has no keys of accounts."""
    return []


def network_id(backend: Backend, parameters: Parameters) -> str:
    """net_version: the chain id, as text."""
    return str(backend.environment.genesis.params.chain_id)


def listening(backend: Backend, parameters: Parameters) -> bool:
    """net_listening: a node that answers listens."""
    return True


def peer_count(backend: Backend, parameters: Parameters) -> str:
    """net_peerCount."""
    return quantity_hex(len(backend.peers()))


def client_version(backend: Backend, parameters: Parameters) -> str:
    """web3_clientVersion."""
    system, machine = platform.system().lower(), platform.machine()
    return f"orrery/v{_version()}/{system}-{machine}/python{platform.python_version()}"


def sha3(backend: Backend, parameters: Parameters) -> str:
    """web3_sha3: keccak-256."""
    return data_hex(keccak256(required(parameters, 0, data)))


def _version() -> str:
    try:
        return version("orrery")
    except PackageNotFoundError:
        return "unknown"
