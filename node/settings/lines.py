"""Find the line of a key in TOML text.

The standard decoder throws positions away, and an error without its line sends the author of a
long scenario searching. This is a scanner, not a second parser: it runs only over text that
`tomllib` has accepted, so it need not judge, only count lines and skip values.
"""

from node.settings.mistakes import Path

QUOTES = "\"'"


class KeyLines:
    """The line, 1-based, of every key and table header of one TOML text."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        self._arrays: dict[Path, int] = {}
        scanner = _Scanner(text)
        table: Path = ()
        while scanner.next_statement():
            line = scanner.line
            if scanner.peek() == "[":
                table = self._header(scanner, line)
            else:
                key = scanner.dotted_key("=")
                scanner.skip_value()
                self._note(table + key, line)

    def find(self, path: Path) -> int | None:
        """Return the line of `path`, or of the nearest enclosing key or table; None if neither."""
        for length in range(len(path), 0, -1):
            line = self._lines.get(path[:length])
            if line is not None:
                return line
        return None

    def _header(self, scanner: "_Scanner", line: int) -> Path:
        scanner.take("[")
        repeated = scanner.peek() == "["
        if repeated:
            scanner.take("[")
        names = self._resolved(scanner.dotted_key("]"), repeated=repeated)
        if repeated:
            scanner.take("]")
        self._note(names, line)
        return names

    def _resolved(self, names: Path, *, repeated: bool) -> Path:
        """Insert the positions of arrays of tables: [[events]] twice gives (events, 1)."""
        path: Path = ()
        for position, name in enumerate(names):
            path += (name,)
            if repeated and position == len(names) - 1:
                self._arrays[path] = self._arrays.get(path, -1) + 1
            if path in self._arrays:
                path += (self._arrays[path],)
        return path

    def _note(self, path: Path, line: int) -> None:
        for length in range(1, len(path) + 1):
            self._lines.setdefault(path[:length], line)


class _Scanner:
    """A position in the text and the number of its line."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.line = 1

    def peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def take(self, expected: str = "") -> str:
        character = self.peek()
        assert not expected or character == expected, f"line {self.line}: {expected} missing"
        self._at += 1
        self.line += character == "\n"
        return character

    def next_statement(self) -> bool:
        """Move to the next key or header; False at the end of the text."""
        while self.peek() and self.peek() in " \t\r\n#":
            if self.peek() == "#":
                self._skip_comment()
            else:
                self.take()
        return bool(self.peek())

    def dotted_key(self, end: str) -> Path:
        """Read `a . "b c"` and the character `end` that closes it."""
        names: list[str] = [""]
        while self.peek() != end:
            character = self.take()
            if character in QUOTES:
                names[-1] = self._quoted(character)
            elif character == ".":
                names.append("")
            elif not character.isspace():
                names[-1] += character
        self.take(end)
        return tuple(names)

    def skip_value(self) -> None:
        """Skip a value of any kind: it ends at a line's end outside all brackets."""
        depth = 0
        while self.peek():
            character = self.peek()
            if character == "\n" and depth == 0:
                return
            if character in QUOTES:
                self._skip_string()
            elif character == "#":
                self._skip_comment()
            else:
                depth += (character in "[{") - (character in "]}")
                self.take()

    def _skip_comment(self) -> None:
        while self.peek() and self.peek() != "\n":
            self.take()

    def _skip_string(self) -> None:
        quote = self.peek()
        if not self._text.startswith(quote * 3, self._at):
            self.take()
            self._quoted(quote)
            return
        self._at += 3
        while not self._text.startswith(quote * 3, self._at):
            if self.take() == "\\" and quote == '"':
                self.take()
        while self.peek() == quote:
            self.take()

    def _quoted(self, quote: str) -> str:
        """Read up to the closing quote; the opening one is already taken."""
        start = self._at
        while self.peek() != quote:
            if self.take() == "\\" and quote == '"':
                self.take()
        content = self._text[start : self._at]
        self.take(quote)
        return content
