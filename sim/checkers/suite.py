"""The checkers of one run, asked in a fixed order."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from primitives.ids import Duration
from sim.checkers.accusations import Accusations
from sim.checkers.agreement import Agreement
from sim.checkers.blocks import BlockChecker
from sim.checkers.certificates import Certificates
from sim.checkers.checker import (
    CheckContext,
    CheckedWorld,
    Checker,
    CheckerFactory,
    Violation,
    ViolationFound,
)
from sim.checkers.confirmation import Confirmation
from sim.checkers.conservation import Conservation
from sim.checkers.events import Observed
from sim.checkers.final_agreement import FinalAgreement
from sim.checkers.liveness import LivenessAfterHeal
from sim.checkers.nonces import Nonces
from sim.checkers.prefix import Prefix
from sim.checkers.prepared import PreparedOnce
from sim.checkers.recovery import Recovery
from sim.checkers.single_execution import SingleExecution
from sim.checkers.stranded import Stranded

SAFETY: Mapping[str, CheckerFactory] = MappingProxyType(
    {
        Agreement.name: Agreement,
        Certificates.name: Certificates,
        Prefix.name: Prefix,
        PreparedOnce.name: PreparedOnce,
        Accusations.name: Accusations,
        Confirmation.name: Confirmation,
        Nonces.name: lambda context: BlockChecker(Nonces(context.nonces), context),
        Conservation.name: lambda context: BlockChecker(Conservation(context), context),
        SingleExecution.name: SingleExecution,
    }
)
"""Checkers that every run has, in the order in which they are asked."""


def safety_checkers(context: CheckContext) -> list[Checker]:
    """Return the checkers that every run has. Their objection is always a defect."""
    return [make(context) for make in SAFETY.values()]


def expected_checkers(
    context: CheckContext,
    liveness_after_heal: Duration | None = None,
    agreement_within: int | None = None,
    recovery: Recovery | None = None,
    stranded: Stranded | None = None,
) -> list[Checker]:
    """Return the checkers that only a scenario's `[expect]` asks for.

    Args:
        context: the run.
        liveness_after_heal: how long after a heal a new block may take, in ns; None: any time.
        agreement_within: blocks by which live nodes may differ at the end; None: any number.
        recovery: made for the run's timeline, if it is asked for.
        stranded: made for the run's pools, if it is asked for.
    """
    checkers: list[Checker] = []
    if liveness_after_heal is not None:
        checkers.append(LivenessAfterHeal(liveness_after_heal))
    if agreement_within is not None:
        checkers.append(FinalAgreement(context, agreement_within))
    checkers.extend(checker for checker in (recovery, stranded) if checker is not None)
    return checkers


class CheckerSuite:
    """Hands each event to the checkers that want it.

    Args:
        checkers: in the order in which they are asked; the first objection counts.
    """

    def __init__(self, checkers: Sequence[Checker]) -> None:
        self._checkers = tuple(checkers)
        self._by_event: dict[str, list[Checker]] = {}
        for checker in self._checkers:
            for name in checker.events:
                self._by_event.setdefault(name, []).append(checker)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the checkers, in order."""
        return tuple(checker.name for checker in self._checkers)

    def observe(self, observation: Observed, world: CheckedWorld) -> Violation | None:
        """Return the first objection to an event, if there is one."""
        for checker in self._by_event.get(observation.event.name, ()):
            violation = checker.observe(observation, world)
            if violation is not None:
                return violation
        return None

    def finish(self, world: CheckedWorld) -> Violation | None:
        """Return the first objection to the end of the run, if there is one."""
        for checker in self._checkers:
            violation = checker.finish(world)
            if violation is not None:
                return violation
        return None

    def consumer(self, world: CheckedWorld) -> Callable[[Observed], None]:
        """Return a trace consumer that raises `ViolationFound` at the first objection."""

        def consume(observation: Observed) -> None:
            violation = self.observe(observation, world)
            if violation is not None:
                raise ViolationFound(violation)

        return consume
