"""What can go wrong between a load client and a node."""

from primitives.errors import OrreryError


class RpcError(OrreryError):
    """A request that was not answered with a result.

    Args:
        url: the node that was asked.
        reason: what happened, in words.
    """

    def __init__(self, url: str, reason: str) -> None:
        self.url = url
        self.reason = reason
        super().__init__(f"{url}: {reason}")


class NodeUnreachable(RpcError):
    """No connection, or one that broke before the answer was whole."""


class RequestTimedOut(RpcError):
    """No answer in time; the node may have done what it was asked."""

    def __init__(self, url: str, timeout_s: float) -> None:
        super().__init__(url, f"no answer within {timeout_s:g} s")


class UnusableAnswer(RpcError):
    """An answer that is no JSON-RPC, or not what the method promises."""


class HttpFailed(UnusableAnswer):
    """An answer whose status says that no node has given it.

    Args:
        url: the node that was asked.
        status: of HTTP, at least 400.
        reason: what came, in words.
    """

    def __init__(self, url: str, status: int, reason: str) -> None:
        self.status = status
        super().__init__(url, reason)


class RpcRefusal(RpcError):
    """The node has answered with an error.

    Args:
        url: the node that was asked.
        code: JSON-RPC error code.
        message: the node's words.
    """

    def __init__(self, url: str, code: int, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(url, f"{message} (code {code})")


class LoadRefused(OrreryError):
    """The load cannot begin: wrong chain, unfunded accounts, or no node.

    Args:
        where: the node or the option.
        expected: what is needed, in words a user can act on.
        actual: what was found.
    """

    def __init__(self, where: str, expected: str, actual: object) -> None:
        self.where, self.expected, self.actual = where, expected, actual
        super().__init__(f"{where}: expected {expected}, got {actual}")
