"""What variables of the environment do to the nodes of `orrery up`.

A variable counts before a node's configuration, and all nodes would take it. That is how to have
them all log more; but one that sets what `up` has worked out for each would let them fight for a
port, or be another node, and `up` would wait for them in vain.
"""

from collections.abc import Mapping

from node.settings import decode_settings, setting_keys
from primitives.errors import InvalidInput

OWN_SECTIONS = ("node.", "chain.")
OWN_KEYS = (
    "network.host",
    "network.port",
    "network.neighbours",
    "rpc.enabled",
    "rpc.host",
    "rpc.port",
    "rpc.admin",
)
"""What each node gets from `up` itself, beside `OWN_SECTIONS`."""


def check_environment(environment: Mapping[str, str]) -> None:
    """Judge the variables that nodes will see.

    Raises:
        InvalidInput: one sets what `up` has to, or is wrong for every node.
    """
    keys = setting_keys()
    for name, value in sorted(environment.items()):
        key = keys.get(name, "")
        if key.startswith(OWN_SECTIONS) or key in OWN_KEYS:
            expected = f"no such variable: `orrery up` gives each node its own {key}"
            raise InvalidInput(f"environment {name}", expected, value)
    decode_settings("[node]\nindex = 0\n", "", environment=environment)
