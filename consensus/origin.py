"""What an epoch stands on."""

import msgspec

from primitives.ids import Hash32, Sequence


class Origin(msgspec.Struct, frozen=True, gc=False):
    """The block below the first one of an epoch. It is final, and no vote of the epoch says so."""

    sequence: Sequence
    digest: Hash32
