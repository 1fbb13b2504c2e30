"""What a caller is told when a call fails: code, message, and data where there is some.

Codes -32700 to -32600 are JSON-RPC 2.0's own. -32000 is its general server error, which most
refusals of a node carry. -32002, -32003 and 3 are go-ethereum's, whose messages libraries match
by their text; -32005 is EIP-1474's "limit exceeded".

Reference: https://www.jsonrpc.org/specification section 5.1; EIP-1474; go-ethereum rpc/errors.go.
"""

from primitives.errors import OrreryError

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
SERVER_ERROR = -32000
TIMED_OUT = -32002
RESPONSE_TOO_LARGE = -32003
LIMIT_EXCEEDED = -32005
EXECUTION_REVERTED = 3

NO_DATA = object()
"""Stands for an error without the member `data`; null would be data."""


class RpcError(OrreryError):
    """A call that is answered by an error object. Any handler may raise it.

    Args:
        code: one of this module's.
        message: one sentence, without a full stop, as wallets show it.
        data: what goes to `error.data`, encodable as JSON; for code 3 the returned bytes as 0x-hex.
    """

    def __init__(self, code: int, message: str, data: object = NO_DATA) -> None:
        self.code = code
        self.message = message
        self.data = data
        super().__init__(message)

    def __reduce__(self) -> tuple[object, ...]:
        """Let it cross from a worker."""
        arguments = (self.code, self.message)
        return type(self), arguments if self.data is NO_DATA else (*arguments, self.data)

    def to_json(self) -> dict[str, object]:
        """Return the error object."""
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.data is not NO_DATA:
            error["data"] = self.data
        return error


def parse_error(reason: str) -> RpcError:
    """Return the error for bytes that are no JSON."""
    return RpcError(PARSE_ERROR, f"parse error: {reason}")


def invalid_request(reason: str = "invalid request") -> RpcError:
    """Return the error for JSON that is no request."""
    return RpcError(INVALID_REQUEST, reason)


def method_not_found(name: str) -> RpcError:
    """Return the error for a method that this node lacks, in go-ethereum's words."""
    shown = name if len(name) <= 64 else f"{name[:64]}..."
    return RpcError(METHOD_NOT_FOUND, f"the method {shown} does not exist/is not available")


def invalid_params(reason: str) -> RpcError:
    """Return the error for arguments that cannot be decoded, or are too few or too many."""
    return RpcError(INVALID_PARAMS, reason)


def server_error(reason: str, data: object = NO_DATA) -> RpcError:
    """Return the error for a call that was understood and is refused."""
    return RpcError(SERVER_ERROR, reason, data)


def internal_error(reason: str = "method handler crashed") -> RpcError:
    """Return the error for a fault of this node; says nothing of its insides."""
    return RpcError(INTERNAL_ERROR, reason)


def limit_exceeded(reason: str) -> RpcError:
    """Return the error for what would cost this node more than it allows."""
    return RpcError(LIMIT_EXCEEDED, reason)


def execution_reverted(message: str, returned: bytes) -> RpcError:
    """Return the error for a call that reverted.

    Args:
        message: "execution reverted", with ": reason" where the contract gave one.
        returned: what the contract returned; goes out as 0x-hex.
    """
    return RpcError(EXECUTION_REVERTED, message, f"0x{returned.hex()}")
