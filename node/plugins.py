"""What a node can run that other packages add: consensus protocols and batching policies.

A package adds one by an entry point in its pyproject, for example

    [project.entry-points."orrery.batching"]
    pairs = "my_package.pairs:Pairs"

and a scenario or a node's configuration uses it by that name. The names that ship are a table here
and no entry points, so that they work from a source tree that was never installed; nobody can take
one of them over.
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib import metadata
from types import MappingProxyType
from typing import cast

from consensus.batching import Adaptive, BatchPolicy, Fixed
from consensus.engine import ConsensusEngine
from consensus.pbft import Pbft
from primitives.errors import InvalidInput

CONSENSUS = "orrery.consensus"
BATCHING = "orrery.batching"

BUILT_IN_BATCHING: Mapping[str, Callable[[], BatchPolicy]] = MappingProxyType(
    {"fixed": Fixed, "adaptive": Adaptive}
)
BUILT_IN_ENGINES: Mapping[str, Callable[[], ConsensusEngine]] = MappingProxyType({Pbft.name: Pbft})


def batching_names() -> tuple[str, ...]:
    """Return the names that `[consensus] batching` may have, built-in ones first."""
    return (*BUILT_IN_BATCHING, *foreign(BATCHING, BUILT_IN_BATCHING))


def make_batching(name: str) -> BatchPolicy:
    """Return a batching policy.

    Raises:
        InvalidInput: nobody provides it, two packages do, or its package is broken.
    """
    factory: Callable[..., object] | None = BUILT_IN_BATCHING.get(name)
    if factory is None:
        factory = load(BATCHING, name, BUILT_IN_BATCHING)
    return cast(BatchPolicy, factory())


def engine_names() -> tuple[str, ...]:
    """Return the names that `[consensus] protocol` may have, built-in ones first."""
    return (*BUILT_IN_ENGINES, *foreign(CONSENSUS, BUILT_IN_ENGINES))


def make_engine(name: str) -> ConsensusEngine:
    """Return the engine of a consensus protocol.

    Raises:
        InvalidInput: nobody provides it, two packages do, or its package is broken.
    """
    factory: Callable[..., object] | None = BUILT_IN_ENGINES.get(name)
    if factory is None:
        factory = load(CONSENSUS, name, BUILT_IN_ENGINES)
    return cast(ConsensusEngine, factory())


def foreign(group: str, built_in: Mapping[str, object]) -> dict[str, metadata.EntryPoint]:
    """Return the entry points of a group by ascending name.

    Raises:
        InvalidInput: two packages provide one name, or one that Orrery has taken.
    """
    found: dict[str, metadata.EntryPoint] = {}
    for point in sorted(metadata.entry_points(group=group), key=lambda p: (p.name, p.value)):
        earlier = found.setdefault(point.name, point)
        if point.name in built_in:
            raise InvalidInput(group, "a name that Orrery has not taken", f"{point.name} again")
        if earlier.value != point.value:
            both = f"{earlier.value} and {point.value}"
            raise InvalidInput(f"{group}: {point.name}", "one package to provide it", both)
    return found


def load(group: str, name: str, built_in: Mapping[str, object]) -> Callable[..., object]:
    """Return what an installed package provides under a name.

    Args:
        group: of entry points.
        name: asked for.
        built_in: names that Orrery has taken.

    Raises:
        InvalidInput: nobody provides it, two packages do, or its package is broken.
    """
    points = foreign(group, built_in)
    if name not in points:
        names = [*built_in, *points]
        close = get_close_matches(name, names, n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise InvalidInput(group, f"one of {', '.join(names) or 'none'}{hint}", name)
    where = f"{group}: {name}"
    try:
        factory: object = points[name].load()
    except (ImportError, AttributeError) as error:
        expected = f"{points[name].value} to be importable"
        raise InvalidInput(where, expected, f"{type(error).__name__}: {error}") from error
    if not callable(factory):
        raise InvalidInput(where, "a callable that makes one", type(factory).__name__)
    return cast(Callable[..., object], factory)
