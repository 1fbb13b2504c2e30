"""The committee changes of a scenario, handed to live nodes.

Each is a transaction of the governance account, as in virtual time (`sim.governance`). It goes to
a validator that answers, and after a while to another one, until it is final. On a chain that
goes on, those that are final already are not asked for again.
"""

import asyncio
import contextlib

from primitives.address import format_address
from sim.founding import Founding
from sim.governance import AGAIN_NS, governance_account, signed_changes
from sim.live.client import Refused, Unanswered
from sim.live.events import Chronicle
from sim.live.fleet import Fleet

SECOND_NS = 1_000_000_000
LOOK_S = 0.5


class Governor:
    """Hands in committee changes when they are due.

    Args:
        founding: has the changes, and the chain.
        seed: of the account.
        fleet: whose nodes are asked.
        chronicle: knows the time, and is told.
    """

    def __init__(self, founding: Founding, seed: int, fleet: Fleet, chronicle: Chronicle) -> None:
        self._changes = founding.electorate.changes
        self._chain_id = founding.genesis.params.chain_id
        self._seed = seed
        self._account = format_address(governance_account(seed).address)
        self._fleet = fleet
        self._chronicle = chronicle
        self._turn = 0

    async def run(self) -> None:
        """Hand in every change, one after the other is final."""
        for nonce, (at, changes) in enumerate(self._changes):
            await asyncio.sleep(max(0, at - self._chronicle.now_ns) / SECOND_NS)
            raw = "0x" + signed_changes(self._seed, self._chain_id, nonce, changes).hex()
            if await self._nonce() > nonce:
                continue
            wanted = ", ".join(f"{each.kind} {each.node}" for each in changes)
            self._chronicle.tell("committee change asked for", None, wanted)
            while await self._nonce() <= nonce:
                await self._submit(raw)
                await self._wait(nonce)
            self._chronicle.tell("committee change final", None, wanted)

    async def _wait(self, nonce: int) -> None:
        """Wait until a change is final, or is to be handed in again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(AGAIN_NS / SECOND_NS):
                while await self._nonce() <= nonce:
                    await asyncio.sleep(LOOK_S)

    async def _nonce(self) -> int:
        """Return the account's nonce, as the first node that answers has it; 0 if none does."""
        for member in self._fleet.members:
            if self._fleet.answers(member.number):
                with contextlib.suppress(Unanswered, Refused):
                    asked = (self._account, "latest")
                    return int(await member.client.ask("eth_getTransactionCount", *asked), 16)
        return 0

    async def _submit(self, raw: str) -> None:
        """Hand a change to the next node that can be asked."""
        up = [each for each in self._fleet.members if self._fleet.answers(each.number)]
        if not up:
            await asyncio.sleep(LOOK_S)
            return
        self._turn += 1
        # A pool that has it already refuses it, which is as good.
        with contextlib.suppress(Unanswered, Refused):
            await up[self._turn % len(up)].client.ask("eth_sendRawTransaction", raw)
