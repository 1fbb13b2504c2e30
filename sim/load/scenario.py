"""The workload of a scenario on a chain that may have a past."""

from collections.abc import Mapping, Sequence

from primitives.ids import Address
from primitives.params import ChainParams
from sim.founding import scenario_workload
from sim.load.chain import ask_nonces
from sim.load.errors import RpcError
from sim.load.rpc import RpcClient
from sim.scenario import Scenario
from sim.workload import Workload


async def first_nonces(urls: Sequence[str], addresses: Sequence[Address]) -> dict[Address, int]:
    """Ask the first node that answers for the nonces that accounts have to go on with.

    Args:
        urls: of the nodes.
        addresses: of the accounts.

    Raises:
        RpcError: no node answers.
    """
    error: RpcError | None = None
    for url in urls:
        client = RpcClient(url, 1)
        try:
            return await ask_nonces(client, addresses)
        except RpcError as failed:
            error = error or failed
        finally:
            await client.close()
    assert error is not None, "at least one URL"
    raise error


async def live_workload(
    scenario: Scenario, seed: int, params: ChainParams, urls: Sequence[str]
) -> Workload:
    """Make the workload of a scenario so that it goes on where the chain stands.

    Args:
        scenario: checked.
        seed: of the run; accounts derive from it.
        params: of the chain.
        urls: of nodes to ask.

    Raises:
        InvalidInput: an option of the workload is wrong.
        RpcError: no node answers.
    """
    fresh = scenario_workload(scenario, seed, params)
    nonces = await first_nonces(urls, [address for address, _ in fresh.alloc])
    if not any(nonces.values()):
        return fresh
    return scenario_workload(scenario, seed, params, started(nonces))


def started(nonces: Mapping[Address, int]) -> dict[Address, int]:
    """Return the accounts that have sent something."""
    return {address: nonce for address, nonce in nonces.items() if nonce}
