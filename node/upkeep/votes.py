"""Whether a validator could read what it has promised. Without its log it does not start."""

from collections.abc import Iterator

from consensus.log import TABLE, read
from consensus.pbft import Pbft
from node.config import Environment
from node.upkeep.finding import Finding, Watch
from primitives.errors import InvalidEncoding
from primitives.machine import Record
from storage.store import Store

EPOCH_BYTES = 8


def check_votes(store: Store, environment: Environment | None, watch: Watch) -> Iterator[Finding]:
    """Yield rows of the consensus log that cannot be read.

    Other protocols than PBFT write what they want there. So it is damage only where the chain is
    known to be decided by PBFT.

    Args:
        store: what is looked at.
        environment: of the chain, if it is known.
        watch: told of the progress.
    """
    known = environment is not None and isinstance(environment.engine, Pbft)
    if environment is not None and not known:
        return
    for count, (key, row) in enumerate(store.scan(TABLE)):
        watch(TABLE, count)
        epoch = int.from_bytes(key[:EPOCH_BYTES], "big")
        try:
            read((Record(TABLE, key, row),), epoch)
        except InvalidEncoding as error:
            expected = f"what a replica of PBFT has logged ({error.where}: {error.expected})"
            yield Finding(TABLE, key.hex(), expected, str(error.actual), is_damage=known)
