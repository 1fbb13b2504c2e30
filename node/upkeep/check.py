"""Whether a store holds one chain and the state that it commits to.

Rows are read by whoever opened the store (`node.upkeep.rows`): here it is what they mean. Nothing
is executed. What a certificate proves depends on who reads it: `node.upkeep.committees`.
"""

from collections.abc import Iterator, Sequence

import msgspec

from node.config import Environment
from node.durable_runs import SNAPSHOT
from node.finality import ChainCommittee
from node.flat_rows import CHAIN
from node.ledger import BLOCKS
from node.snapshot import Closing
from node.storage_config import StateForm
from node.upkeep.blocks import ChainFound, Link, check_blocks, stored_link
from node.upkeep.committees import Committees
from node.upkeep.epoch_row import check_epoch
from node.upkeep.finding import Finding, Watch, ignore, note
from node.upkeep.flat import FlatFound, check_flat
from node.upkeep.flat_chain import check_bodies, find_anchor, learn_epochs
from node.upkeep.form import form_of
from node.upkeep.handovers import check_handovers
from node.upkeep.places import check_places
from node.upkeep.rows import passed_over
from node.upkeep.runs import RunsFound, check_runs, find_checkpoint
from node.upkeep.votes import check_votes
from primitives.header import Header, header_hash
from storage.store import Store


class Summary(msgspec.Struct):
    """What a store holds; filled while it is looked through."""

    form: str = "empty"
    """In which form the state is kept: "runs", "flat"; "empty" without a chain."""
    blocks: int = 0
    lowest: int = 0
    """Height of the first block; 0 without any."""
    height: int = 0
    """Of the last block."""
    reads_to_end: bool = True
    """Whether all blocks could be read; if not, these are those below the first that could not."""
    digest: str = ""
    """Its hash."""
    state_height: int = 0
    """Of the block after which the stored state is."""
    state_root: str = ""
    """Computed from the state's rows; nothing if it was not, or is not what the header says."""
    accounts: int = 0
    slots: int = 0
    codes: int = 0
    readable_from: int = 0
    """Form flat: the earliest height whose state can be read."""
    unjudged: int = 0
    """Certificates whose signatures were not checked, because nobody said who may sign."""


class StoreCheck:
    """One look through a store.

    Args:
        store: which nobody writes to meanwhile.
        environment: of the chain, if the reader knows it.
        trusted: a committee that the reader knows instead.
        watch: told of the progress.
    """

    __slots__ = ("_committees", "_environment", "_store", "_watch", "summary")

    def __init__(
        self,
        store: Store,
        environment: Environment | None = None,
        trusted: ChainCommittee | None = None,
        watch: Watch = ignore,
    ) -> None:
        self._store = store
        self._environment = environment
        self._committees = Committees(environment, trusted)
        self._watch = watch
        self.summary = Summary()

    def findings(self) -> Iterator[Finding]:
        """Yield what is not as it should be; afterwards `summary` is filled."""
        yield from passed_over(check_votes(self._store, self._environment, self._watch))
        form = form_of(self._store)
        if form is None:
            return
        self.summary.form = form.value
        yield from self._flat() if form is StateForm.FLAT else self._runs()
        if self.summary.unjudged:
            expected = "who may sign: name the run with --run, or a committee with --committee"
            yield note("certificates", expected, f"{self.summary.unjudged} signed by strangers")

    def _runs(self) -> Iterator[Finding]:
        store, watch, summary = self._store, self._watch, self.summary
        found, chain = RunsFound(), ChainFound()
        yield from passed_over(find_checkpoint(store, self._committees, found, watch))
        if found.snapshot is not None:
            yield from passed_over(self._handovers(found.snapshot.manifest.closings))
        genesis = [Link(each.number, header_hash(each)) for each in self._genesis()]
        known = [*genesis, *([] if found.base is None else [found.base])]
        yield from passed_over(check_blocks(store, known, self._committees, chain, watch))
        self._note_chain(chain)
        if found.base is not None:
            yield from passed_over(_fits(store, found.base, chain))
        yield from passed_over(check_runs(store, self._environment, found, watch))
        if found.base is not None:
            summary.state_height = found.base.height
            if not chain.blocks:
                summary.height, summary.digest = found.base.height, "0x" + found.base.digest.hex()
        if found.state is not None and found.header is not None:
            summary.state_root = "0x" + found.header.state_root.hex()
            everything = found.state.everything()
            summary.accounts = len(everything.accounts)
            summary.slots = sum([len(slots) for slots in everything.slots.values()])
            summary.codes = len(everything.codes)

    def _flat(self) -> Iterator[Finding]:
        store, watch, summary = self._store, self._watch, self.summary
        found, chain = FlatFound(), ChainFound()
        anchors: list[Header] = []
        yield from passed_over(learn_epochs(store, self._committees))
        yield from passed_over(self._handovers(self._committees.closings))
        yield from passed_over(find_anchor(store, self._committees, anchors))
        known = [*self._genesis(), *anchors]
        links = [Link(each.number, header_hash(each)) for each in known]
        yield from passed_over(check_blocks(store, links, self._committees, chain, watch))
        yield from passed_over(check_bodies(store, watch))
        yield from passed_over(check_places(store, watch))
        yield from passed_over(check_epoch(store, self._environment, self._committees.closings))
        self._note_chain(chain)
        yield from passed_over(check_flat(store, chain, known, found, watch))
        if found.head is not None:
            summary.state_height = found.head.height
            if not chain.blocks:
                summary.height, summary.digest = found.head.height, "0x" + found.head.digest.hex()
        summary.state_root = "" if found.root is None else "0x" + found.root.hex()
        summary.accounts, summary.slots, summary.codes = found.accounts, found.slots, found.codes
        summary.readable_from = found.readable_from

    def _handovers(self, closings: Sequence[Closing]) -> Iterator[Finding]:
        place = CHAIN if self.summary.form == StateForm.FLAT.value else SNAPSHOT
        return check_handovers(closings, self._environment, self._committees, place)

    def _genesis(self) -> tuple[Header, ...]:
        """Return the header of block 0, if it is known."""
        known = self._environment
        return () if known is None else (known.genesis_block.block.header,)

    def _note_chain(self, chain: ChainFound) -> None:
        summary = self.summary
        summary.blocks, summary.lowest, summary.unjudged = (
            chain.blocks,
            chain.lowest,
            chain.unjudged,
        )
        summary.reads_to_end = chain.is_whole
        if chain.head is not None:
            summary.height, summary.digest = chain.head.height, "0x" + chain.head.digest.hex()


def _fits(store: Store, base: Link, chain: ChainFound) -> Iterator[Finding]:
    """Yield whether the stored blocks and the checkpoint are not of one chain."""
    if chain.head is None or not chain.is_whole:
        return
    block = stored_link(store, base.height)
    if block is not None and block != base:
        expected = f"the checkpoint's block, 0x{base.digest.hex()}"
        yield Finding(BLOCKS, str(base.height), expected, f"0x{block.digest.hex()}")
    elif not chain.lowest - 1 <= base.height <= chain.head.height:
        expected = f"blocks that reach to the checkpoint {base.height}, or begin behind it"
        yield Finding(BLOCKS, "", expected, f"those from {chain.lowest} to {chain.head.height}")
