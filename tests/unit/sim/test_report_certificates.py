"""The comparison of both forms of certificates, in figures and on the page."""

import pytest

from consensus.certificate_bls import BlsCertificates
from consensus.messages import Commit
from consensus.pbft import Pbft
from node.wire import node_codec
from primitives.codec import encode_canonical
from primitives.ids import Hash32, Sequence, View
from sim.certificates import head_proof
from sim.profile import load_profile
from sim.report.certificates import compare_certificates
from sim.report.page.certificates import certificates_card
from sim.report.result import CertificateComparison, FormOfCertificates
from sim.run import run_scenario
from sim.scenario import decode_scenario
from sim.signatures import run_keys
from tests.unit.sim.forgeries import SEED, small_world

PRICES = {
    "consensus.vote_sign": 10_000_000,
    "consensus.vote_verify": 20_000_000,
    "consensus.bls_vote_sign": 300_000_000,
    "consensus.bls_vote_verify": 900_000_000,
    "consensus.bls_combine": 50_000_000,
    "consensus.bls_key": 1_000_000,
    "consensus.bls_certificate": 800_000_000,
}
"""Picoseconds."""


def comparison(n: int, chosen: str = "bls", height: int = 7) -> CertificateComparison:
    committee = run_keys(1, n, real=False, certificates="ed25519").committee
    return compare_certificates(committee, chosen, height, PRICES, node_codec(Pbft()).size)


def forms(shown: CertificateComparison) -> tuple[FormOfCertificates, FormOfCertificates]:
    ed25519, bls = shown.forms
    assert (ed25519.form, bls.form) == ("ed25519", "bls")
    return ed25519, bls


@pytest.mark.parametrize(("n", "quorum"), [(1, 1), (4, 3), (7, 5), (100, 67)])
def test_times_are_those_of_the_profile(n: int, quorum: int) -> None:
    shown = comparison(n)
    ed25519, bls = forms(shown)
    assert (shown.chosen, shown.validators, shown.quorum) == ("bls", n, quorum)
    assert ed25519.certificate_seconds == pytest.approx(quorum * 20e-6)
    assert bls.certificate_seconds == pytest.approx(quorum * 1e-6 + 800e-6)
    assert (ed25519.vote_sign_seconds, bls.vote_sign_seconds) == pytest.approx((10e-6, 300e-6))
    assert (ed25519.vote_verify_seconds, bls.vote_verify_seconds) == pytest.approx((20e-6, 900e-6))
    checks = 2 * (quorum - 1)
    assert ed25519.block_seconds == pytest.approx(2 * 10e-6 + checks * 20e-6)
    combined = (2 * quorum - 1) * 50e-6
    assert bls.block_seconds == pytest.approx(2 * 300e-6 + checks * 900e-6 + combined)


@pytest.mark.parametrize("form", ["ed25519", "bls"])
def test_sizes_are_those_of_a_run(form: str) -> None:
    """The comparison makes up signatures; a real certificate of the same height is as long."""
    world = small_world(SEED, "real", 3, "bls" if form == "bls" else "ed25519")
    proof = head_proof(world, "real")
    assert proof is not None
    real, height = proof.certificate, proof.header.number
    committee = world.environment.genesis.committee
    size = node_codec(world.environment.engine).size
    shown = compare_certificates(committee, form, height, load_profile().costs_ps(), size)
    (same,) = [each for each in shown.forms if each.form == form]
    extra = len(real.signers) - shown.quorum
    per_signer = 1 if form == "bls" else 67
    assert len(encode_canonical(real)) == same.certificate_bytes + extra * per_signer


def test_votes_on_the_wire_differ_by_their_signatures() -> None:
    ed25519, bls = forms(comparison(4))
    assert bls.vote_bytes == ed25519.vote_bytes + 32
    vote = Commit(View(0), Sequence(7), Hash32(bytes(32)), 0, bytes(96))
    assert bls.vote_bytes == node_codec(Pbft()).size(vote)


def test_the_sum_hardly_grows() -> None:
    small, large = forms(comparison(4))[1], forms(comparison(100))[1]
    assert large.certificate_bytes - small.certificate_bytes <= 64 + 2
    assert large.certificate_seconds < 1.1 * small.certificate_seconds
    assert BlsCertificates.name == small.form


def test_a_run_shows_it_in_its_result_and_on_its_page() -> None:
    plan = 'name = "x"\nduration = "2s"\n[network]\nvalidators = 4\nlatency = "aws-13"\n'
    plan += '[consensus]\nsignatures = "modelled"\ncertificates = "bls"\n'
    plan += "[workload]\nrate = 5\naccounts = 5\n"
    shown = run_scenario(decode_scenario(plan), seed=1).certificates
    assert shown is not None
    assert (shown.chosen, shown.validators, shown.quorum) == ("bls", 4, 3)
    page = certificates_card(shown)
    assert page is not None
    assert "BLS aggregate (this run)" in page
    assert "3 of 4 validators sign a certificate." in page
    for form in shown.forms:
        assert f"{form.certificate_bytes:,} B" in page
    assert certificates_card(None) is None
