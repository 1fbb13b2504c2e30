"""Both forms of certificates side by side, for the run's committee."""

from sim.report.page import units
from sim.report.page.cards import card, table
from sim.report.page.markup import Markup
from sim.report.result import CertificateComparison, FormOfCertificates

NAMES = {"ed25519": "Ed25519 signatures", "bls": "BLS aggregate"}


def certificates_card(comparison: CertificateComparison | None) -> Markup | None:
    """Return the table; None for a run that was not compared."""
    if comparison is None:
        return None
    heads = [("form", "")]
    heads += [
        (head, "number")
        for head in ("certificate", "to verify it", "a vote", "to sign", "to verify", "for a block")
    ]
    quorum = f"{comparison.quorum} of {comparison.validators} validators sign a certificate."
    return card(
        "Certificates",
        table(heads, [_row(form, comparison.chosen) for form in comparison.forms]),
        note=f"{quorum} Times are the profile's; the last is what a validator's votes take for "
        "one block, signing, checking and adding up.",
        wide=True,
        name="certificates",
    )


def _row(form: FormOfCertificates, chosen: str) -> list[Markup | str]:
    name = NAMES.get(form.form, form.form)
    return [
        f"{name} (this run)" if form.form == chosen else name,
        f"{units.count(form.certificate_bytes)} B",
        units.seconds(form.certificate_seconds),
        f"{units.count(form.vote_bytes)} B",
        units.seconds(form.vote_sign_seconds),
        units.seconds(form.vote_verify_seconds),
        units.seconds(form.block_seconds),
    ]
