"""The error tree. One root; leaves carry data, and their message says what was expected.

A remote party's fault is data (a typed value that names the rule it broke), because a node must
answer it and go on. These exceptions cross function borders inside one node; whoever talks to a
peer or a user turns them into an answer.
"""


class OrreryError(Exception):
    """Root of every error that Orrery raises on purpose."""


class InvalidInput(OrreryError):
    """Bytes, text or a value from outside that breaks a rule.

    Args:
        where: what was being read ("transaction.nonce", "scenarios/x.toml: network.validators").
        expected: the rule, in words a user can act on.
        actual: what was found, shortened if long.
    """

    def __init__(self, where: str, expected: str, actual: object) -> None:
        self.where = where
        self.expected = expected
        self.actual = actual
        super().__init__(f"{where}: expected {expected}, got {actual}")

    def __reduce__(self) -> tuple[object, ...]:
        """Let it cross from a worker process; what was found crosses as text."""
        return type(self), (self.where, self.expected, str(self.actual))


class InvalidEncoding(InvalidInput):
    """Bytes that are not the canonical encoding of anything."""


class CryptoError(InvalidInput):
    """A key, signature or proof that does not verify."""
