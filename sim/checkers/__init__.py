"""Invariants of the network, each an object of its own, asked at every commit."""

from sim.checkers.accusations import Accusations as Accusations
from sim.checkers.agreement import Agreement as Agreement
from sim.checkers.blocks import BlockChecker as BlockChecker, BlockJudge as BlockJudge
from sim.checkers.bounded import Bounded as Bounded, TableView as TableView
from sim.checkers.certificates import (
    Certificates as Certificates,
    certificate_verifier as certificate_verifier,
)
from sim.checkers.checker import (
    CertificateVerifier as CertificateVerifier,
    CheckContext as CheckContext,
    CheckedWorld as CheckedWorld,
    Checker as Checker,
    CheckerFactory as CheckerFactory,
    Violation as Violation,
    ViolationFound as ViolationFound,
)
from sim.checkers.confirmation import Confirmation as Confirmation
from sim.checkers.conservation import Conservation as Conservation
from sim.checkers.events import Commit as Commit, Observed as Observed, is_commit as is_commit
from sim.checkers.expectations import evaluate as evaluate
from sim.checkers.final_agreement import FinalAgreement as FinalAgreement
from sim.checkers.liveness import LivenessAfterHeal as LivenessAfterHeal
from sim.checkers.nonces import Nonces as Nonces
from sim.checkers.prefix import Prefix as Prefix
from sim.checkers.prepared import PreparedOnce as PreparedOnce
from sim.checkers.recovery import Recovery as Recovery
from sim.checkers.single_execution import SingleExecution as SingleExecution
from sim.checkers.stranded import PoolView as PoolView, Stranded as Stranded
from sim.checkers.suite import (
    CheckerSuite as CheckerSuite,
    expected_checkers as expected_checkers,
    safety_checkers as safety_checkers,
)
from sim.checkers.views import CheckedBlock as CheckedBlock, CheckedState as CheckedState
