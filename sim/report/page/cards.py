"""The boxes that the page is made of."""

from sim.report.page.markup import Markup, element


def card(
    title: str, *body: Markup | None, note: str | None = None, wide: bool = False, name: str = ""
) -> Markup:
    """Return a titled box. `note` is the sentence under the title that says how to read it."""
    return element(
        "section",
        element("h2", title),
        element("p", note, class_="note") if note else None,
        *body,
        class_="card wide" if wide else "card",
        id=name or None,
    )


def empty(reason: str) -> Markup:
    """Return what stands in the place of a plot that has nothing to show."""
    return element("p", reason, class_="empty")


def table(heads: list[tuple[str, str]], rows: list[list[Markup | str]]) -> Markup:
    """Return a table from (heading, class of the column) pairs and rows of cells."""
    return element(
        "div",
        element(
            "table",
            element(
                "thead",
                element("tr", *(element("th", head, class_=kind or None) for head, kind in heads)),
            ),
            element(
                "tbody",
                *(
                    element(
                        "tr",
                        *(
                            element("td", cell, class_=kind or None)
                            for cell, (_, kind) in zip(row, heads, strict=True)
                        ),
                    )
                    for row in rows
                ),
            ),
        ),
        class_="scroll",
    )
