"""A node whose process is stopped and goes on, as SIGSTOP and SIGCONT do."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.kernel.engine import Kernel


def pause(kernel: "Kernel", node: int, until: int) -> None:
    """Let a node begin no turn before an instant.

    What arrives waits in its inbox, firings of its timers among it. The turn that has begun ends,
    and so does what its cores and its disk are at; a real process would have stood still there,
    too, for the time that this takes.
    """
    kernel.busy[node] = max(kernel.busy[node], until)
