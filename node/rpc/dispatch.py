"""From the bytes of a request to the bytes of its answer, whatever carries them.

A call that its handler answers at once is answered without leaving the turn of the loop in which
it came; only what has to wait becomes a coroutine. A batch is answered in order, one call after
the other, and lets the loop do something else every couple of milliseconds.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Coroutine, Mapping, Sequence
from time import monotonic_ns
from typing import Any

import msgspec

from node.rpc.backend import Backend
from node.rpc.caller import HOST, Caller
from node.rpc.errors import (
    PARSE_ERROR,
    RESPONSE_TOO_LARGE,
    TIMED_OUT,
    RpcError,
    internal_error,
    limit_exceeded,
    method_not_found,
    server_error,
)
from node.rpc.limits import Requests
from node.rpc.methods import Method, SessionMethod, UnderWay
from node.rpc.requests import (
    NO_ID,
    Request,
    arguments_of,
    batch_items,
    check_size,
    error_bytes,
    id_of,
    is_batch,
    read_request,
    result_bytes,
)
from primitives.ids import Instant

Answer = bytes | Coroutine[Any, Any, bytes]
"""Empty bytes: the caller wants none."""
_Begun = tuple[Request, Awaitable[object]]
"""A call, and what will be its result."""
_Part = tuple[msgspec.Raw, bytes | _Begun]
"""A call of a batch, and how far it is."""

_SLICE_NS = 2_000_000
"""For which a batch may keep the loop to itself."""

_log = logging.getLogger(__name__)


class Dispatcher:
    """Finds and runs methods.

    Args:
        backend: handed to each.
        methods: the node's, by name.
        sessions: the server's own, by name.
        limits: of one request.
        has_admins: whether anybody can be one; if not, their methods do not exist.
    """

    __slots__ = (
        "_backend",
        "_has_admins",
        "_limits",
        "_methods",
        "_sessions",
        "calls",
        "failures",
        "waiting",
    )

    def __init__(
        self,
        backend: Backend,
        methods: Mapping[str, Method],
        sessions: Mapping[str, SessionMethod],
        limits: Requests,
        *,
        has_admins: bool,
    ) -> None:
        self._backend = backend
        self._methods = methods
        self._sessions = sessions
        self._limits = limits
        self._has_admins = has_admins
        self.calls: Counter[str] = Counter()
        """Calls by method, of those that exist."""
        self.failures: Counter[int] = Counter()
        """Answers that were errors, by code."""
        self.waiting = 0
        """Calls that wait for something."""

    def answer(self, body: bytes, caller: Caller) -> Answer:
        """Answer the body of a request; never raises for what is in it."""
        try:
            check_size(body, self._limits)
            if is_batch(body):
                return self._batch(batch_items(body, self._limits), caller)
        except RpcError as error:
            return self._failed(NO_ID, error)
        return self._single(body, caller)

    def _single(self, body: bytes, caller: Caller) -> Answer:
        request = self._read(body)
        begun = request if isinstance(request, bytes) else self._begun(request, caller)
        return begun if isinstance(begun, bytes) else self._later(*begun, caller)

    def _read(self, body: bytes | msgspec.Raw) -> Request | bytes:
        """Decode a call, or answer what is none."""
        try:
            return read_request(body)
        except RpcError as error:
            return self._failed(NO_ID if error.code == PARSE_ERROR else id_of(body), error)

    def _begun(self, request: Request, caller: Caller) -> bytes | _Begun:
        """Answer a call, or say what has to be waited for."""
        try:
            result = self._begin(request, caller)
        except Exception as error:  # noqa: BLE001 - a fault of one method ends no server
            return self._failed(request.id, self._known(request.method, error))
        if hasattr(result, "__await__"):
            return request, result
        return self._done(request, result)

    def _begin(self, request: Request, caller: Caller) -> object:
        """Call the method; what it returns may have to be awaited."""
        name = request.method
        method = self._methods.get(name)
        if method is None:
            return self._begin_session(request, caller)
        if method.admin and not caller.admin:
            if not self._has_admins:
                raise method_not_found(name)
            raise server_error(f"{name} needs the header Authorization: Bearer TOKEN")
        self._charge(caller, method.cost)
        self.calls[name] += 1
        return method.handler(self._backend, arguments_of(request, method.arguments))

    def _begin_session(self, request: Request, caller: Caller) -> object:
        name = request.method
        method = self._sessions.get(name)
        self._charge(caller, 1 if method is None else method.cost)
        if method is None:
            raise method_not_found(name)
        self.calls[name] += 1
        return method.handler(caller, arguments_of(request, method.arguments))

    @staticmethod
    def _charge(caller: Caller, cost: int) -> None:
        if not caller.bucket.try_take(Instant(monotonic_ns()), cost):
            raise limit_exceeded("request rate exceeded, slow down")

    async def _later(self, request: Request, result: Awaitable[object], caller: Caller) -> bytes:
        task = asyncio.current_task()
        assert task is not None, "it runs in one"
        ends = self._ends_with_caller(request, result)
        HOST.set(caller.host)
        self.waiting += 1
        if ends:
            caller.begin_wait(task)
        try:
            if isinstance(result, UnderWay) and isinstance(result.coming, asyncio.Future):
                value = result.finish(await self._in_time(result.coming))
            else:
                async with asyncio.timeout(self._limits.call_seconds):
                    value = await result
        except TimeoutError:
            return self._failed(request.id, RpcError(TIMED_OUT, "request timed out"))
        except asyncio.CancelledError:
            if not (ends and caller.has_left):
                raise
            task.uncancel()
            return b""
        except Exception as error:  # noqa: BLE001 - a fault of one method ends no server
            return self._failed(request.id, self._known(request.method, error))
        finally:
            self.waiting -= 1
            caller.end_wait(task)
        return self._done(request, value)

    def _ends_with_caller(self, request: Request, result: Awaitable[object]) -> bool:
        """Whether nothing but an answer comes of a call, so that it ends if nobody waits."""
        method = self._methods.get(request.method)
        return not isinstance(result, UnderWay) and (method is None or not method.admin)

    async def _in_time(self, coming: asyncio.Future[Any]) -> Any:
        """Wait as `asyncio.timeout` does, for a fifth of what that costs.

        Raises:
            TimeoutError: it did not come.
        """
        if coming.done():
            return coming.result()
        expired = False

        def expire() -> None:
            nonlocal expired
            expired = True
            coming.cancel()

        timer = asyncio.get_running_loop().call_later(self._limits.call_seconds, expire)
        try:
            return await coming
        except asyncio.CancelledError:
            if not expired:
                raise
            raise TimeoutError from None
        finally:
            timer.cancel()

    async def _batch(self, items: Sequence[msgspec.Raw], caller: Caller) -> bytes:
        parts: list[bytes] = []
        together: list[_Part] = []
        room = self._limits.response_bytes
        since = monotonic_ns()
        for item in items:
            request = self._read(item)
            overlaps = self._may_overlap(request)
            if together and not overlaps:
                room = await self._finish(together, parts, room, caller)
            if room <= 0:
                parts.append(self._failed(id_of(item), _too_large()))
                continue
            begun = request if isinstance(request, bytes) else self._begun(request, caller)
            together.append((item, begun))
            if not overlaps:
                room = await self._finish(together, parts, room, caller)
            if monotonic_ns() - since > _SLICE_NS:
                await asyncio.sleep(0)
                since = monotonic_ns()
        await self._finish(together, parts, room, caller)
        answers = b",".join([part for part in parts if part])
        return b"".join((b"[", answers, b"]")) if answers else b""

    def _may_overlap(self, request: Request | bytes) -> bool:
        """Whether a call may be under way together with such calls before and after it."""
        if isinstance(request, bytes):
            return False
        method = self._methods.get(request.method)
        return method is not None and method.overlaps

    async def _finish(
        self, together: list[_Part], parts: list[bytes], room: int, caller: Caller
    ) -> int:
        """Wait for what is under way, add its answers, and return how much room is left."""
        for item, begun in together:
            part = begun if isinstance(begun, bytes) else await self._later(*begun, caller)
            room -= len(part)
            parts.append(part if room > 0 else self._failed(id_of(item), _too_large()))
        together.clear()
        return room

    def _done(self, request: Request, result: object) -> bytes:
        if not bytes(request.id):
            return b""
        try:
            answer = result_bytes(request.id, result)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            return self._failed(request.id, self._known(request.method, error))
        if len(answer) > self._limits.response_bytes:
            return self._failed(request.id, _too_large())
        return answer

    def _failed(self, id_: msgspec.Raw, error: RpcError) -> bytes:
        self.failures[error.code] += 1
        return error_bytes(id_, error) if bytes(id_) else b""

    @staticmethod
    def _known(method: str, error: Exception) -> RpcError:
        """Return what a caller is told of an exception; what is no answer is logged."""
        if isinstance(error, RpcError):
            return error
        _log.error("method %s failed", method, exc_info=error)
        return internal_error()


def _too_large() -> RpcError:
    return RpcError(RESPONSE_TOO_LARGE, "response too large")
