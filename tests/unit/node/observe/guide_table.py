"""The table of families in docs/guides/metrics.md; `python -m` this module writes it anew."""

from collections.abc import Iterator
from pathlib import Path

from node.observe.families import FAMILIES, Family, World

GUIDE = Path(__file__).resolve().parents[4] / "docs" / "guides" / "metrics.md"
BEGIN = "<!-- families: written by `python -m tests.unit.node.observe.guide_table` -->\n"
END = "<!-- end of families -->\n"
LETTERS = {World.VIRTUAL: "V", World.LIVE: "L", World.STORE: "S"}


def lines() -> Iterator[str]:
    yield "| Family | Kind | Where | Meaning | Counted from |"
    yield "| --- | --- | --- | --- | --- |"
    for family in FAMILIES:
        where = "".join(LETTERS[world] for world in family.worlds)
        cells = (shown(family), family.kind.value, where, family.meaning, family.source)
        yield f"| {' | '.join(cells)} |"


def shown(family: Family) -> str:
    labels = f"{{{', '.join(family.labels)}}}" if family.labels else ""
    return f"`{family.name}{labels}`"


def with_table(text: str) -> str:
    """Return the guide with the table as it has to be."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    assert tail, "the guide has lost the marks around its table"
    return head + BEGIN + "\n" + "\n".join(lines()) + "\n\n" + END + tail


def main() -> None:
    GUIDE.write_text(with_table(GUIDE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
