"""Questions to one node over JSON-RPC."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp
import msgspec

from primitives.errors import OrreryError

PATIENCE_S = 2.0
"""Seconds that an answer may take, unless the caller says otherwise."""
BATCH_MAX = 50
"""Questions in one request."""

Question = tuple[str, tuple[object, ...]]
"""A method and its parameters."""


class Unanswered(OrreryError):
    """A node that has not answered: it is down, stopped, or busy."""

    def __init__(self, url: str, reason: str) -> None:
        self.url = url
        self.reason = reason
        super().__init__(f"{url}: expected an answer, got: {reason}")


class Refused(OrreryError):
    """A node that has answered with an error of JSON-RPC."""

    def __init__(self, url: str, method: str, code: int, message: str) -> None:
        self.url = url
        self.method = method
        self.code = code
        self.message = message
        super().__init__(f"{url}: {method}: error {code}: {message}")


class NodeClient:
    """Asks one node.

    Args:
        session: which connections are taken from.
        url: of the node, "http://127.0.0.1:8545".
        token: returns what proves the owner; the node makes it anew at each start.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, token: Callable[[], str]) -> None:
        self.url = url
        self._session = session
        self._token = token

    async def ask(self, method: str, *params: object, patience_s: float = PATIENCE_S) -> Any:
        """Return the result of one method.

        Raises:
            Unanswered: nothing has come in time, or no JSON-RPC.
            Refused: an error has come.
        """
        (answer,) = await self._post([(method, params)], patience_s, batch=False)
        return self._result(answer, method)

    async def ask_all(
        self,
        questions: Sequence[Question],
        patience_s: float = PATIENCE_S,
        *,
        as_owner: bool = False,
    ) -> list[Any]:
        """Return the results of many questions, in order, `BATCH_MAX` of them a request.

        Args:
            questions: methods with their parameters.
            patience_s: seconds for each request.
            as_owner: whether to show the token.

        Raises:
            Unanswered: nothing has come in time, or no JSON-RPC.
            Refused: one of the answers is an error.
        """
        results = await self.try_all(questions, patience_s, as_owner=as_owner)
        for result in results:
            if isinstance(result, Refused):
                raise result
        return results

    async def try_all(
        self,
        questions: Sequence[Question],
        patience_s: float = PATIENCE_S,
        *,
        as_owner: bool = False,
    ) -> list[Any]:
        """Return the results of many questions likewise, with a `Refused` for each error.

        Raises:
            Unanswered: nothing has come in time, or no JSON-RPC.
        """
        results: list[Any] = []
        for start in range(0, len(questions), BATCH_MAX):
            asked = questions[start : start + BATCH_MAX]
            answers = await self._post(asked, patience_s, batch=True, as_owner=as_owner)
            for (method, _), answer in zip(asked, answers, strict=True):
                try:
                    results.append(self._result(answer, method))
                except Refused as error:
                    results.append(error)
        return results

    async def text(self, path: str, patience_s: float = PATIENCE_S) -> str:
        """Return what the node serves at a path.

        Raises:
            Unanswered: nothing has come in time.
        """
        limit = aiohttp.ClientTimeout(total=patience_s)
        try:
            async with self._session.get(self.url + path, timeout=limit) as response:
                return await response.text()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unanswered(self.url, _reason(error)) from error

    def _result(self, answer: dict[str, Any], method: str) -> Any:
        error = answer.get("error")
        if error is not None:
            raise Refused(self.url, method, error.get("code", 0), str(error.get("message", "")))
        return answer.get("result")

    async def _post(
        self,
        questions: Sequence[Question],
        patience_s: float,
        *,
        batch: bool,
        as_owner: bool = False,
    ) -> list[dict[str, Any]]:
        calls = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            for number, (method, params) in enumerate(questions)
        ]
        body = msgspec.json.encode(calls if batch else calls[0])
        headers = {"Content-Type": "application/json"}
        if as_owner:
            headers["Authorization"] = f"Bearer {self._proof()}"
        limit = aiohttp.ClientTimeout(total=patience_s)
        try:
            async with self._session.post(
                self.url, data=body, headers=headers, timeout=limit
            ) as response:
                answer = msgspec.json.decode(await response.read())
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError) as error:
            raise Unanswered(self.url, _reason(error)) from error
        return self._in_order(answer, len(calls), batch=batch)

    def _proof(self) -> str:
        try:
            return self._token()
        except OSError as error:
            raise Unanswered(self.url, f"no token: {_reason(error)}") from error

    def _in_order(self, answer: object, count: int, *, batch: bool) -> list[dict[str, Any]]:
        """Put answers of a batch into the order of the questions: they may come in any."""
        answers = answer if batch else [answer]
        if not isinstance(answers, list) or not all(isinstance(each, dict) for each in answers):
            raise Unanswered(self.url, "no JSON-RPC")
        by_id = {each.get("id"): each for each in answers}
        if batch and any(number not in by_id for number in range(count)):
            raise Unanswered(self.url, "an incomplete batch")
        return [by_id[number] for number in range(count)] if batch else answers


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return "nothing in time"
    return str(error) or type(error).__name__
