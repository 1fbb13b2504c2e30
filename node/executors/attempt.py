"""An error as a value."""

from collections.abc import Callable
from typing import TypeVar

_Value = TypeVar("_Value")
_Error = TypeVar("_Error", bound=Exception)


def attempt(kind: type[_Error], compute: Callable[[], _Value]) -> _Value | _Error:
    """Return what `compute` returns, or the error it raises, without the frames it came from.

    A traceback keeps the frames of all callers alive, and all that they hold. So those of the
    errors behind the error go too, down to the one that a library raised.

    Args:
        kind: of the errors that are answers; others are raised.
        compute: called once.
    """
    try:
        return compute()
    except kind as error:
        behind: BaseException | None = error
        while behind is not None:
            behind.__traceback__ = None
            behind = behind.__cause__ or behind.__context__
        return error
