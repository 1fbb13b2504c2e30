"""What a caller wants of a trace.

Reference: execution-apis src/schemas/opcode-tracer.yaml, call-tracer.yaml; go-ethereum
eth/tracers/api.go, eth/tracers/native/prestate.go.
"""

import msgspec

from node.rpc.arguments import BadArgument, boolean, kind, mapping, text, unfit
from node.rpc.durations import duration_ns
from node.rpc.errors import server_error

CALL_TRACER = "callTracer"
PRESTATE_TRACER = "prestateTracer"
TRACERS = (CALL_TRACER, PRESTATE_TRACER)


class TraceConfig(msgspec.Struct, frozen=True):
    """How to trace."""

    tracer: str = ""
    """Empty: every instruction."""
    with_stack: bool = True
    with_storage: bool = True
    with_memory: bool = False
    with_return_data: bool = False
    limit: int = 0
    """Of instructions that are shown; 0 for all."""
    only_top_call: bool = False
    with_log: bool = False
    diff_mode: bool = False
    """Whether the state before is shown beside that after, and only what has changed."""
    disable_code: bool = False
    disable_storage: bool = False
    """Of accounts in a trace of states; `with_storage` is that of instructions."""
    include_empty: bool = False
    """Whether accounts are shown that did not exist."""
    timeout_ns: int | None = None
    """Of the whole request, from its first turn on."""
    overrides: object = None
    """State override set, undecoded."""
    block_overrides: object = None


def trace_config(value: object) -> TraceConfig:
    """Decode a trace configuration.

    Raises:
        BadArgument: it is none.
        RpcError: it asks for a tracer that this node does not have.
    """
    given = mapping(value, "tracers.TraceConfig")
    tracer = _text(given, "tracer")
    if tracer and tracer not in TRACERS:
        raise server_error(
            f"tracer not found: {tracer[:64]}; this node has {' and '.join(TRACERS)}"
        )
    if given.get("txIndex") is not None:
        raise BadArgument("txIndex is not supported: trace on the state after a block")
    inner = mapping(given.get("tracerConfig") or {}, f"{tracer or 'struct'}Config")
    limit = given.get("limit", 0)
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
        raise unfit(kind(limit), "int")
    return TraceConfig(
        tracer,
        with_stack=not _flag(given, "disableStack"),
        with_storage=not _flag(given, "disableStorage"),
        with_memory=_flag(given, "enableMemory"),
        with_return_data=_flag(given, "enableReturnData"),
        limit=limit,
        only_top_call=_flag(inner, "onlyTopCall"),
        with_log=_flag(inner, "withLog"),
        diff_mode=_flag(inner, "diffMode"),
        disable_code=_flag(inner, "disableCode"),
        disable_storage=_flag(inner, "disableStorage"),
        include_empty=_flag(inner, "includeEmpty"),
        timeout_ns=_timeout(given),
        overrides=given.get("stateOverrides"),
        block_overrides=given.get("blockOverrides"),
    )


def _flag(given: dict[str, object], name: str) -> bool:
    value = given.get(name)
    return False if value is None else boolean(value)


def _timeout(given: dict[str, object]) -> int | None:
    value = given.get("timeout")
    return None if value is None else duration_ns(text(value))


def _text(given: dict[str, object], name: str) -> str:
    value = given.get(name)
    if value is None:
        return ""
    try:
        return text(value)
    except BadArgument as error:
        raise BadArgument(f"{name}: {error}") from error
