"""What a run comes to: the one object that `--json` prints and `summary.json` holds."""

from pathlib import Path

import msgspec

from primitives.errors import InvalidEncoding
from sim.report.storage import StorageFigures
from sim.report.wire import CompactFigures, KindCompression


class Percentiles(msgspec.Struct, frozen=True):
    """Three points of a distribution, in seconds; all None when there was nothing to measure."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


class Points(msgspec.Struct, frozen=True):
    """Three points of a distribution, in seconds; all None when there was nothing to measure."""

    p50: float | None = None
    p90: float | None = None
    p99: float | None = None


class FastConfirmation(msgspec.Struct, frozen=True):
    """What gateways have told their clients. Times are of submissions in the measured window."""

    confirmed: int
    """Transactions that a quorum of signatures has confirmed before the certificate came."""
    final: int
    """Transactions whose certificate has come."""
    rejected: int
    pending: int
    """How often a client's patience ended without an answer."""
    lies: int
    """What validators said that no correct one says."""
    first_answer_seconds: Points
    """From submission to the first proof: a quorum of signatures, or the certificate."""
    final_commit_seconds: Points
    """From submission to the certificate, of the same transactions."""


class FormOfCertificates(msgspec.Struct, frozen=True):
    """What one form of certificates takes in a run's committee; times by the run's profile."""

    form: str
    """As `[consensus] certificates` calls it."""
    certificate_bytes: int
    """A certificate of a quorum, in the encoding that nodes send."""
    certificate_seconds: float
    """To verify one."""
    vote_bytes: int
    """A COMMIT on the wire."""
    vote_sign_seconds: float
    vote_verify_seconds: float
    block_seconds: float
    """A validator's votes for one block: two signed, two quorums less its own checked, and both
    certificates made."""


class CertificateComparison(msgspec.Struct, frozen=True):
    """Both forms of certificates beside one another."""

    chosen: str
    """The form that the run's chain has."""
    validators: int
    quorum: int
    forms: tuple[FormOfCertificates, ...]


class Expectation(msgspec.Struct, frozen=True):
    """One line of `[expect]` and what came of it."""

    name: str
    passed: bool
    detail: str
    """What was asked and what was found, in one sentence."""


class Breach(msgspec.Struct, frozen=True):
    """The violation that stopped a run."""

    checker: str
    at_ns: int
    """Virtual instant of the event that broke the rule."""
    node: int
    """Where it showed; -1 when it belongs to no single node."""
    detail: str


class Offender(msgspec.Struct, frozen=True, kw_only=True):
    """One replica that others can prove a lie of."""

    replica: int
    score: int
    """The most proofs that any one replica has found against it."""
    accusers: int
    """How many replicas have found some."""
    kinds: dict[str, int]
    """The most that any one has found, by what was signed: "prepare", "proposal"..."""


class PeerStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How one peer came to stand with honest nodes, gateways among them."""

    peer: int
    """Its node."""
    score: int
    """The lowest score that any of them has come to give it; 100 is the best
    (`node.peer_scores`)."""
    nodes: int
    """How many have lowered theirs."""
    offences: dict[str, int]
    """How often scores fell, by reason, all nodes together."""


class ExecutionFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What executing blocks took, in the whole run, all nodes together.

    Each node that has executed a block counts it, blocks without transactions left out.
    """

    blocks: int
    transactions: int
    repeats: int
    """Executions beside the first of each transaction at each node."""
    gas: int
    gas_per_second: float
    """Of the time that the transactions took on the cores that were free."""
    speed_up: float
    """Time of one core for the transactions, each once, over the time that they took."""
    speed_up_max: float
    """What their dependencies allow, in gas: with however many cores."""


class ExecutionSetup(msgspec.Struct, frozen=True, kw_only=True):
    """What validating took the nodes that execute blocks alike."""

    scheduler: str
    cores: int
    nodes: int
    figures: ExecutionFigures


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """Execution of blocks, by what for."""

    building: ExecutionFigures
    """By primaries, of blocks of their own."""
    validation: ExecutionFigures
    """Of blocks that others have built."""
    setups: tuple[ExecutionSetup, ...] = ()
    """The second by scheduler and cores, where nodes differ in them; ascending."""


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one run.

    `height`, `blocks`, `transactions`, `messages`, `bytes` and `view_changes` count the whole run;
    `tps` and `confirmation_time_seconds` look only at the measured window (after warm-up, before
    cool-down).
    """

    scenario: str
    """The scenario's own name; untrusted text."""
    seed: int
    digest: str
    """Trace digest in hex: two runs are the same run exactly if it is equal."""
    virtual_seconds: float
    """How far virtual time got."""
    wall_seconds: float
    """What that took on the machine that ran it. The only figure here that is not reproducible."""
    nodes: int
    height: int
    """Greatest height committed anywhere."""
    blocks: int
    """Heights committed by at least one node, genesis not counted."""
    transactions: int
    """Transactions in those blocks, each counted once."""
    tps: float
    """Transactions first committed in the measured window, for each second of that window."""
    confirmation_time_seconds: Percentiles
    """From submission at a node to the commit of the holding block at that same node."""
    messages: int
    """Messages handed to links, one for each recipient."""
    bytes: int
    """Their size, frame headers included."""
    view_changes: int
    """Views above 0 that at least one replica entered; each committee counts its own."""
    committee_changes: int = 0
    """Epochs that have begun after the first one."""
    expectations: tuple[Expectation, ...] = ()
    run_directory: str | None = None
    measured_seconds: float = 0.0
    """Length of the measured window."""
    confirmations: int = 0
    """Transactions that `confirmation_time_seconds` rests on."""
    unconfirmed: int = 0
    """Submitted in the measured window, accepted, and not committed there when the run ended."""
    rejected: dict[str, int] = {}
    """Refused transactions by reason code."""
    evidence: tuple[Offender, ...] = ()
    """Replicas that honest ones can prove a lie of, ascending."""
    peer_scores: tuple[PeerStanding, ...] = ()
    """Peers whose score has fallen anywhere, ascending."""
    fast_confirmation: FastConfirmation | None = None
    """None where no client has used a gateway."""
    execution: Execution | None = None
    """None where no block with transactions was executed."""
    storage: StorageFigures | None = None
    """None where nothing was made durable."""
    compact: CompactFigures | None = None
    """None where no block came in compact form."""
    compression: tuple[KindCompression, ...] = ()
    """By kind of message, of those that compression was tried on."""
    certificates: CertificateComparison | None = None
    """What either form of certificates takes in this committee."""
    violation: Breach | None = None
    replay: str = ""
    """The command line that runs this again."""
    partial: bool = False
    """The run ended before its scenario did (interrupted, or stopped by a violation)."""

    @property
    def passed(self) -> bool:
        """Whether every expectation held and no checker objected."""
        return self.violation is None and all(e.passed for e in self.expectations)


def encode_result(result: RunResult) -> bytes:
    """Return the result as indented JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n"


def read_result(path: Path) -> RunResult:
    """Read a `summary.json`.

    Raises:
        InvalidEncoding: the file holds something else.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=RunResult)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidEncoding(str(path), "a summary that `orrery run` wrote", error) from error
