"""What of an offered state is believed: what a quorum of a known committee has signed."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from network.transfer import OfferFetched
from node.arrival import CheckOffer, Proven
from node.checkpoints import Checkpoint
from node.snapshot import Closing, Manifest
from primitives.codec import encode_canonical
from primitives.committee import Committee
from primitives.errors import InvalidInput
from primitives.header import decode_header, encode_header
from primitives.ids import Hash32
from tests.unit.node.harness import Harness
from tests.unit.node.state_rig import advance, network

STRANGERS = Committee.of_keys(bytes([index]) * 32 for index in range(4))


@pytest.fixture(scope="module")
def harness() -> Harness:
    built = network()
    advance(built, 9)
    return built


def served(harness: Harness) -> tuple[Checkpoint, Checkpoint]:
    older, newer = harness.node(0).ledger.checkpoints.served
    return older, newer


def check(harness: Harness, manifest: bytes, **fields: object) -> Proven | InvalidInput:
    block = served(harness)[1].block
    offer = replace(OfferFetched(1, block.number, block.digest, manifest), **fields)
    node = harness.node(3)
    return CheckOffer(offer, node.ledger.tip.epoch, harness.environment).run()


def true_manifest(harness: Harness) -> Manifest:
    return served(harness)[1].manifest(0)


def test_a_certified_checkpoint_is_believed(harness: Harness) -> None:
    proven = check(harness, encode_canonical(true_manifest(harness)))
    assert isinstance(proven, Proven)
    assert (proven.header.number, proven.epoch.number, proven.closings) == (8, 0, ())


def test_ends_of_epochs_that_the_node_has_seen_meanwhile_are_passed_over(
    harness: Harness,
) -> None:
    """It asked in an older epoch; the peer that answered for that one is no liar."""
    older = served(harness)[0].manifest(0)
    seen = Closing(older.header, older.certificate, STRANGERS)
    manifest = encode_canonical(replace(true_manifest(harness), closings=(seen,)))
    block = served(harness)[1].block
    epoch = replace(harness.node(3).ledger.tip.epoch, since=4)
    offer = OfferFetched(1, block.number, block.digest, manifest)
    proven = CheckOffer(offer, epoch, harness.environment).run()
    assert isinstance(proven, Proven)
    assert proven.closings == ()


def other_root(harness: Harness) -> Manifest:
    manifest = true_manifest(harness)
    header = replace(decode_header(manifest.header), state_root=Hash32(b"\x01" * 32))
    return replace(manifest, header=encode_header(header))


def certificate_of_another(harness: Harness) -> Manifest:
    return replace(true_manifest(harness), certificate=served(harness)[0].certificate)


def no_checkpoint(harness: Harness) -> Manifest:
    ledger = harness.node(0).ledger
    stored = ledger.certified_block(9)
    assert stored is not None
    return Manifest((), encode_header(ledger.tip.block.header), stored.certificate)


def older_one(harness: Harness) -> Manifest:
    return served(harness)[0].manifest(0)


def handed_over_to_strangers(harness: Harness) -> Manifest:
    older = served(harness)[0].manifest(0)
    closing = Closing(older.header, older.certificate, STRANGERS)
    return replace(true_manifest(harness), closings=(closing,))


def closed_by_itself_to_strangers(harness: Harness) -> Manifest:
    manifest = true_manifest(harness)
    closing = Closing(manifest.header, manifest.certificate, STRANGERS)
    return replace(manifest, closings=(closing,))


@pytest.mark.parametrize(
    "forge",
    [
        other_root,
        certificate_of_another,
        no_checkpoint,
        older_one,
        handed_over_to_strangers,
        closed_by_itself_to_strangers,
    ],
)
def test_nothing_else_is_believed(harness: Harness, forge: Callable[[Harness], Manifest]) -> None:
    assert isinstance(check(harness, encode_canonical(forge(harness))), InvalidInput)


@pytest.mark.parametrize("manifest", [b"", b"\xc1", b"\x93\x90\xc4\x00\xc4\x00"])
def test_bytes_that_are_no_offer_are_refused(harness: Harness, manifest: bytes) -> None:
    assert isinstance(check(harness, manifest), InvalidInput)


def test_an_offer_must_be_of_the_block_that_it_names(harness: Harness) -> None:
    manifest = encode_canonical(true_manifest(harness))
    assert isinstance(check(harness, manifest, height=12), InvalidInput)
    assert isinstance(check(harness, manifest, digest=Hash32(b"\x02" * 32)), InvalidInput)
