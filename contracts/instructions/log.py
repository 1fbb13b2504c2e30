"""Events."""

from contracts.frame import Frame, Handler
from contracts.gas import LOG_BYTE
from contracts.halts import WriteInStaticContext
from primitives.ids import Hash32
from primitives.receipt import Log


def make_log(topic_count: int) -> Handler:
    """Return LOG0 to LOG4."""

    def log(s: list[int], f: Frame) -> None:
        if f.is_static:
            raise WriteInStaticContext
        offset = s.pop()
        size = s.pop()
        f.charge(LOG_BYTE * size)
        f.touch_memory(offset, size)
        topics = tuple([Hash32(s.pop().to_bytes(32, "big")) for _ in range(topic_count)])
        data = bytes(f.memory[offset : offset + size]) if size else b""
        f.state.append_log(Log(f.address, topics, data))

    return log
