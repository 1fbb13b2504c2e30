"""`[execution]`: how each node executes blocks."""

from node.settings.execution import ExecutionSettings


class Execution(ExecutionSettings, frozen=True, forbid_unknown_fields=True):
    """What nodes do unless their class says otherwise. No rule of the chain: results are equal."""
