"""Who is an admin: a caller who shows the token of this node."""

import hmac

TOKEN_BYTES_MIN = 16
"""A shorter token can be guessed."""

_SCHEME = "bearer "


class Admins:
    """Knows the token.

    Args:
        token: at least `TOKEN_BYTES_MIN` characters; empty for a node that has no admins.

    Raises:
        ValueError: the token is too short, or is not of visible ASCII characters.
    """

    __slots__ = ("_token",)

    def __init__(self, token: str) -> None:
        visible = token.isascii() and token.isprintable() and " " not in token
        if token and (len(token) < TOKEN_BYTES_MIN or not visible):
            raise ValueError(
                f"token: expected at least {TOKEN_BYTES_MIN} visible ASCII characters, got "
                f"{len(token)} characters"
            )
        self._token = token.encode()

    @property
    def exist(self) -> bool:
        """Whether anybody can be one."""
        return bool(self._token)

    def admits(self, authorization: str) -> bool:
        """Tell whether the value of an Authorization header shows the token.

        The comparison takes the same time wherever they differ: otherwise the answer's delay
        would tell a stranger the token, character by character.
        """
        if not self._token or authorization[: len(_SCHEME)].lower() != _SCHEME:
            return False
        shown = authorization[len(_SCHEME) :].strip(" ").encode("utf-8", "replace")
        return hmac.compare_digest(shown, self._token)
