"""Questions to a chain before a load begins."""

from collections.abc import Mapping, Sequence

import msgspec

from primitives.address import format_address
from primitives.ids import Address
from sim.load.blocks import HASHES_ONLY
from sim.load.errors import LoadRefused, RpcRefusal, UnusableAnswer
from sim.load.rpc import RpcClient, result_of

AT_ONCE = 100
"""Most questions of one request."""
Call = tuple[str, Sequence[object]]


class ChainFacts(msgspec.Struct, frozen=True):
    """Which chain it is."""

    chain_id: int
    genesis: str
    """Hash of block 0."""
    software: str
    """What the first node says of itself."""


async def ask_facts(clients: Sequence[RpcClient], chain_id: int | None) -> ChainFacts:
    """Return which chain the nodes are on.

    Args:
        clients: to the nodes.
        chain_id: which it must be; any if None.

    Raises:
        LoadRefused: it is another one, or they are not on the same.
        RpcError: a node does not answer.
    """
    found = [await _facts(client) for client in clients]
    first = found[0]
    if chain_id is not None and first.chain_id != chain_id:
        raise LoadRefused(clients[0].url, f"chain {chain_id}", f"chain {first.chain_id}")
    for client, other in zip(clients, found, strict=True):
        if (other.chain_id, other.genesis) != (first.chain_id, first.genesis):
            expected = f"the chain of {clients[0].url}, {first.chain_id} from {first.genesis[:10]}"
            raise LoadRefused(client.url, expected, f"{other.chain_id} from {other.genesis[:10]}")
    return first


async def _facts(client: RpcClient) -> ChainFacts:
    chain_id = read_number(client.url, await client.call("eth_chainId"))
    block = await client.call("eth_getBlockByNumber", "0x0", HASHES_ONLY)
    genesis = str(block.get("hash", "")) if isinstance(block, Mapping) else ""
    try:
        software = str(await client.call("web3_clientVersion"))
    except RpcRefusal:
        software = "unknown"
    return ChainFacts(chain_id, genesis, software)


async def ask_numbers(client: RpcClient, calls: Sequence[Call]) -> list[int]:
    """Return the answers to calls that give numbers.

    Raises:
        RpcError: the node does not answer, or not with numbers.
    """
    numbers: list[int] = []
    for start in range(0, len(calls), AT_ONCE):
        for reply in await client.batch(calls[start : start + AT_ONCE]):
            numbers.append(read_number(client.url, result_of(client.url, reply)))
    return numbers


async def ask_nonces(client: RpcClient, addresses: Sequence[Address]) -> dict[Address, int]:
    """Return the next nonce of each account, what waits in the node's pool included.

    Raises:
        RpcError: the node does not answer.
    """
    calls = [("eth_getTransactionCount", (format_address(each), "pending")) for each in addresses]
    return dict(zip(addresses, await ask_numbers(client, calls), strict=True))


async def ask_balances(client: RpcClient, addresses: Sequence[Address]) -> dict[Address, int]:
    """Return the balance of each account, wei.

    Raises:
        RpcError: the node does not answer.
    """
    calls = [("eth_getBalance", (format_address(each), "latest")) for each in addresses]
    return dict(zip(addresses, await ask_numbers(client, calls), strict=True))


async def ask_code(client: RpcClient, addresses: Sequence[Address]) -> list[bytes]:
    """Return the code of each account.

    Raises:
        RpcError: the node does not answer, or not with bytes.
    """
    codes: list[bytes] = []
    for start in range(0, len(addresses), AT_ONCE):
        part = addresses[start : start + AT_ONCE]
        replies = await client.batch([("eth_getCode", (format_address(a), "latest")) for a in part])
        codes += [read_bytes(client.url, result_of(client.url, reply)) for reply in replies]
    return codes


def read_number(url: str, found: object) -> int:
    """Read a number as JSON-RPC gives it.

    Raises:
        UnusableAnswer: it is none.
    """
    try:
        return int(str(found), 16)
    except ValueError as error:
        raise UnusableAnswer(url, f"no number, but {str(found)[:60]!r}") from error


def read_bytes(url: str, found: object) -> bytes:
    """Read bytes as JSON-RPC gives them.

    Raises:
        UnusableAnswer: they are none.
    """
    try:
        return bytes.fromhex(str(found).removeprefix("0x"))
    except ValueError as error:
        raise UnusableAnswer(url, f"no bytes, but {str(found)[:60]!r}") from error
