"""What a replica must remember across a crash, as records. Their keys begin with the epoch.

    view              the view it works in, and the one it has asked for
    new_view          the proof of that view
    view_change       what it asked with
    base              a commit certificate: everything up to there is final
    accepted/n        the proposal that it accepted last for sequence n, and in which view
    prepared/n        the certificate of what it prepared last at n
    block/n/digest    the payload of a block that it accepted
    evidence/i/k      the k-th proof that it keeps against replica i

A vote leaves only after its record (`primitives.machine`, rule 2), so a restarted replica can
neither vote for another block in the same view nor conceal in a VIEW-CHANGE what it has
prepared. Records far below the last delivery are deleted; `base` then says up to where.

An epoch's records, but for the evidence, go when the node has made its closing block durable:
whoever restarts above that block has a replica of a later epoch, which has no use for them.
"""

import struct
from collections.abc import Iterable

import msgspec

from consensus.certificate import Certificate, PreparedCertificate
from consensus.evidence import Evidence
from consensus.messages import NewView, ViewChange
from consensus.state import Block, ReplicaState, Slot
from primitives.codec import decode_canonical, encode_canonical
from primitives.errors import InvalidEncoding
from primitives.ids import Hash32, Sequence, Token, View
from primitives.machine import Persist, Record

TABLE = "consensus"
VIEW = b"view"
NEW_VIEW = b"new_view"
VIEW_CHANGE = b"view_change"
BASE = b"base"
ACCEPTED = b"accepted/"
PREPARED = b"prepared/"
BLOCK = b"block/"
EVIDENCE = b"evidence/"
_SEQUENCE = struct.Struct(">Q")
_PLACE = struct.Struct(">II")
_EPOCH = struct.Struct(">Q")


class Views(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The value under `view`."""

    view: View
    target: View


class Accepted(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A value under `accepted/n`."""

    view: View
    digest: Hash32
    parent: Hash32


class LoggedBlock(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A value under `block/n/digest`."""

    parent: Hash32
    payload: bytes


class LoggedEvidence(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A value under `evidence/i/k`."""

    evidence: Evidence


class Memory(msgspec.Struct, gc=False):
    """The log, read back."""

    views: Views = Views(View(0), View(0))
    new_view: NewView | None = None
    view_change: ViewChange | None = None
    base: Certificate | None = None
    accepted: dict[Sequence, Accepted] = {}
    prepared: dict[Sequence, PreparedCertificate] = {}
    blocks: list[Block] = []
    evidence: dict[int, list[Evidence]] = {}
    stale: list[bytes] = []
    """Keys of earlier epochs, without evidence."""
    superseded: bool = False
    """There are records of a later epoch: the node has lost blocks, and this epoch is over."""


def persist(state: ReplicaState, records: tuple[Record, ...]) -> Persist:
    """Return the effect that makes `records` durable."""
    state.token += 1
    return Persist(TABLE, Token(state.token), records)


def view_records(state: ReplicaState) -> tuple[Record, ...]:
    """Return what must be durable before the first message of a view, or that asks for one."""
    records = [_record(state, VIEW, Views(state.view, state.changing.target))]
    if not state.voting and state.changing.own is not None:
        records.append(_record(state, VIEW_CHANGE, state.changing.own))
    if state.new_view is not None:
        records.append(_record(state, NEW_VIEW, state.new_view))
    return tuple(records)


def acceptance_records(state: ReplicaState, slot: Slot, block: Block) -> tuple[Record, ...]:
    """Return what must be durable before a PRE-PREPARE or PREPARE leaves."""
    sequence = block.sequence
    accepted = Accepted(state.view, block.digest, block.parent)
    records = [_about(state, sequence, ACCEPTED + _SEQUENCE.pack(sequence), accepted)]
    if not block.durable:
        block.durable = True
        key = BLOCK + _SEQUENCE.pack(sequence) + block.digest
        records.append(_about(state, sequence, key, LoggedBlock(block.parent, block.payload)))
    return (*records, *_obsolete(state))


def prepared_records(state: ReplicaState, certificate: PreparedCertificate) -> tuple[Record, ...]:
    """Return what must be durable before a COMMIT leaves."""
    sequence = certificate.sequence
    record = _about(state, sequence, PREPARED + _SEQUENCE.pack(sequence), certificate)
    return record, *_obsolete(state)


def base_records(state: ReplicaState, certificate: Certificate) -> tuple[Record, ...]:
    """Return the record that everything up to `certificate` is final, unless more is known."""
    if certificate.sequence <= state.logged_base:
        return ()
    state.logged_base = certificate.sequence
    return (_record(state, BASE, certificate),)


def evidence_records(
    state: ReplicaState, culprit: int, place: int, evidence: Evidence
) -> tuple[Record, ...]:
    """Return the record of a proof against a replica. It has no sequence: it is never deleted."""
    return (_record(state, EVIDENCE + _PLACE.pack(culprit, place), LoggedEvidence(evidence)),)


def retirement_records(state: ReplicaState) -> tuple[Record, ...]:
    """Delete the records of an epoch that is over, and those that it found of earlier ones."""
    keys = [VIEW, NEW_VIEW, VIEW_CHANGE, BASE]
    for sequence in sorted(state.logged):
        keys += state.logged[sequence]
    return (*(_record(state, key, None) for key in keys), *stale_records(state))


def stale_records(state: ReplicaState) -> tuple[Record, ...]:
    """Delete the records of earlier epochs that a crash has kept from being deleted."""
    keys, state.stale = state.stale, ()
    return tuple(Record(TABLE, key, None) for key in keys)


def _record(state: ReplicaState, key: bytes, value: object) -> Record:
    whole = epoch_key(state.config.epoch, key)
    return Record(TABLE, whole, None if value is None else encode_canonical(value))


def epoch_key(epoch: int, key: bytes) -> bytes:
    """Return the key of a record of an epoch."""
    return _EPOCH.pack(epoch) + key


def _about(state: ReplicaState, sequence: Sequence, key: bytes, value: object) -> Record:
    keys = state.logged.setdefault(sequence, [])
    if key not in keys:
        keys.append(key)
    return _record(state, key, value)


def _obsolete(state: ReplicaState) -> tuple[Record, ...]:
    """Delete what lies more than `reach` below the last delivery, `reach` sequences at a time.

    The node's own record of a delivered block must be durable first. It is, because records
    become durable in the order in which a node writes them, and these are a pipeline late.
    """
    if not state.trail or next(iter(state.logged)) + state.params.reach > state.trail[0].sequence:
        return ()
    base = state.trail[0]
    old = [sequence for sequence in state.logged if sequence <= base.sequence]
    keys = [key for sequence in sorted(old) for key in state.logged.pop(sequence)]
    return (*base_records(state, base), *(_record(state, key, None) for key in keys))


def read(records: Iterable[Record], epoch: int = 0) -> Memory:
    """Return what the records of `TABLE` say about an epoch.

    Raises:
        InvalidEncoding: they were not written by `persist`.
    """
    memory = Memory()
    for record in records:
        if record.value is None:
            continue
        if len(record.key) < _EPOCH.size:
            raise InvalidEncoding("consensus log", "a key of consensus.log", record.key)
        (number,), key = _EPOCH.unpack_from(record.key), record.key[_EPOCH.size :]
        if number == epoch:
            _read_record(memory, key, record.value)
        elif number > epoch:
            memory.superseded = True
        elif not key.startswith(EVIDENCE):
            memory.stale.append(record.key)
    return memory


def _read_record(memory: Memory, key: bytes, value: bytes) -> None:
    if key == VIEW:
        memory.views = decode_canonical(value, Views)
    elif key == NEW_VIEW:
        memory.new_view = decode_canonical(value, NewView)
    elif key == VIEW_CHANGE:
        memory.view_change = decode_canonical(value, ViewChange)
    elif key == BASE:
        memory.base = decode_canonical(value, Certificate)
    elif key.startswith(ACCEPTED):
        memory.accepted[_sequence(key, ACCEPTED)] = decode_canonical(value, Accepted)
    elif key.startswith(PREPARED):
        certificate = decode_canonical(value, PreparedCertificate)
        memory.prepared[_sequence(key, PREPARED)] = certificate
    elif key.startswith(BLOCK):
        sequence = _sequence(key, BLOCK)
        digest = Hash32(key[len(BLOCK) + _SEQUENCE.size :])
        block = decode_canonical(value, LoggedBlock)
        memory.blocks.append(Block(sequence, digest, block.parent, block.payload, durable=True))
    elif key.startswith(EVIDENCE):
        culprit, _ = _PLACE.unpack_from(key, len(EVIDENCE))
        logged = decode_canonical(value, LoggedEvidence)
        memory.evidence.setdefault(culprit, []).append(logged.evidence)
    else:
        raise InvalidEncoding("consensus log", "a key of consensus.log", key)


def _sequence(key: bytes, prefix: bytes) -> Sequence:
    return Sequence(_SEQUENCE.unpack_from(key, len(prefix))[0])


def block_key(block: Block) -> bytes:
    """Return the key of a block's record."""
    return BLOCK + _SEQUENCE.pack(block.sequence) + block.digest


def keys_of(memory: Memory) -> dict[Sequence, list[bytes]]:
    """Return the keys of all records about a sequence, as `ReplicaState.logged` keeps them."""
    found: dict[Sequence, list[bytes]] = {}
    for sequence in sorted(memory.accepted):
        found.setdefault(sequence, []).append(ACCEPTED + _SEQUENCE.pack(sequence))
    for sequence in sorted(memory.prepared):
        found.setdefault(sequence, []).append(PREPARED + _SEQUENCE.pack(sequence))
    for block in memory.blocks:
        found.setdefault(block.sequence, []).append(block_key(block))
    return dict(sorted(found.items()))
