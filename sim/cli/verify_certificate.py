"""`orrery verify-certificate FILE`."""

from argparse import Namespace
from pathlib import Path

import msgspec
from rich.text import Text

from node.finality import (
    FinalityProof,
    SignatureKind,
    decode_committee,
    decode_proof,
)
from node.finality_form import FILE_BYTES_MAX
from node.finality_reasons import NotFinal, Reason
from node.finality_rules import Trust, check_proof
from primitives.errors import InvalidInput
from primitives.header import header_hash
from primitives.ids import Hash32
from sim.cli.entry import Exit
from sim.cli.summary import output_console

UNPINNED = (
    "the file vouches for its own chain; name one that you trust with --genesis HASH or "
    "--committee FILE"
)
MODELLED = "for a run with real ones: orrery run SCENARIO --set consensus.signatures=real"


class Answer(msgspec.Struct, frozen=True):
    """What `--json` prints."""

    valid: bool
    """Whether the file proves its block final, on the chain that it names."""
    reason: str | None
    """Why not, as one word; the light client says the same."""
    detail: str | None
    """Why not: the field, what was expected there, what stands there."""
    trusted: tuple[str, ...]
    """What was pinned: "genesis", "committee"; without either the file vouches for itself."""
    signatures: SignatureKind
    genesis_hash: str
    shard: int
    epoch: int
    height: int
    block_hash: str
    state_root: str
    timestamp: int
    """Seconds, as the header has it."""
    view: int
    signers: tuple[int, ...]
    """Validators whose signatures stand in the file."""
    quorum: int
    validators: int


def command(arguments: Namespace) -> int:
    """Judge the file, print the answer, return the exit code."""
    trust = Trust(
        None if arguments.genesis is None else Hash32(arguments.genesis),
        None
        if arguments.committee is None
        else decode_committee(_content(arguments.committee), str(arguments.committee)),
    )
    proof = decode_proof(_content(arguments.file), str(arguments.file))
    fault = _fault(proof, trust)
    answer = _answer(proof, trust, fault)
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode())
    else:
        _show(answer, fault)
    return Exit.OK if answer.valid else Exit.FAILED


def _content(path: Path) -> bytes:
    """Read a file, or as much of it as shows that it is too long."""
    try:
        with path.open("rb") as file:
            return file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise InvalidInput(str(path), "a file that can be read", error.strerror) from error


def _fault(proof: FinalityProof, trust: Trust) -> NotFinal | None:
    try:
        check_proof(proof, trust)
    except NotFinal as fault:
        return fault
    return None


def _answer(proof: FinalityProof, trust: Trust, fault: NotFinal | None) -> Answer:
    source, header = proof.source, proof.header
    pins = (("genesis", trust.genesis_hash), ("committee", trust.committee))
    return Answer(
        valid=fault is None,
        reason=None if fault is None else fault.reason.value,
        detail=None if fault is None else str(fault),
        trusted=tuple(name for name, pin in pins if pin is not None),
        signatures=proof.signatures,
        genesis_hash=_hex(source.genesis_hash),
        shard=source.shard,
        epoch=source.epoch,
        height=header.number,
        block_hash=_hex(header_hash(header)),
        state_root=_hex(header.state_root),
        timestamp=header.timestamp,
        view=proof.certificate.view,
        signers=proof.certificate.signers,
        quorum=source.committee.quorum,
        validators=source.committee.size,
    )


def _show(answer: Answer, fault: NotFinal | None) -> None:
    console = output_console()

    def line(*parts: str | tuple[str, str]) -> None:
        console.print(Text.assemble(*parts), soft_wrap=True)

    block = f"block {answer.height} {answer.block_hash}"
    if fault is not None:
        line(("NOT FINAL  ", "bold red"), (fault.reason.value, "bold"), f"  {block}")
        line(f"  {fault}")
        if fault.reason is Reason.MODELLED:
            line(f"  {MODELLED}")
        return
    line(("FINAL  ", "green"), (block, "bold"))
    line(f"  state root  {answer.state_root}")
    line(f"  chain       {answer.genesis_hash}, shard {answer.shard}, epoch {answer.epoch}")
    signers = ", ".join(map(str, answer.signers))
    line(
        f"  signed by   places {signers} of the committee: {len(answer.signers)} of "
        f"{answer.validators} validators, and it takes {answer.quorum}; view {answer.view}"
    )
    if answer.trusted:
        line(f"  trusted     {' and '.join(answer.trusted)}")
    else:
        line(("  trusted     nothing: ", "yellow"), UNPINNED)


def _hex(value: bytes) -> str:
    return f"0x{value.hex()}"
