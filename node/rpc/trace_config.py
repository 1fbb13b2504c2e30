"""What a caller wants of a trace.

Reference: execution-apis src/schemas/opcode-tracer.yaml, call-tracer.yaml.
"""

import msgspec

from node.rpc.arguments import BadArgument, boolean, kind, mapping, text, unfit
from node.rpc.errors import server_error

CALL_TRACER = "callTracer"


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
    if tracer not in ("", CALL_TRACER):
        raise server_error(f"tracer not found: {tracer}; this node has {CALL_TRACER}")
    inner = mapping(given.get("tracerConfig") or {}, "callTracerConfig")
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
        overrides=given.get("stateOverrides"),
        block_overrides=given.get("blockOverrides"),
    )


def _flag(given: dict[str, object], name: str) -> bool:
    value = given.get(name)
    return False if value is None else boolean(value)


def _text(given: dict[str, object], name: str) -> str:
    value = given.get(name)
    if value is None:
        return ""
    try:
        return text(value)
    except BadArgument as error:
        raise BadArgument(f"{name}: {error}") from error
