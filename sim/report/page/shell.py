"""What all pages of reports share: the document around them, the title, the tiles.

A page makes no request: styles are inline, drawings are SVG, no script runs. A content security
policy inside the page forbids what it does not need, so even a name that slipped through the
escaping could not load or run anything.
"""

from collections.abc import Sequence
from importlib import resources

from sim.report.page.markup import Markup, element, void

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def document(title: str, *content: Markup | None) -> str:
    """Return a whole HTML document.

    Args:
        title: of the window.
        content: of its main part.
    """
    body = element("body", element("main", *content))
    return f'<!doctype html>\n<html lang="en">\n{_head(title)}\n{body}\n</html>\n'


def masthead(kind: str, name: str, badge: Markup, facts: Sequence[tuple[str, str, str]]) -> Markup:
    """Return the title of a page.

    Args:
        kind: of report.
        name: what it is about.
        badge: what came of it.
        facts: (name, value, hover text) of each, "" for no hover text.
    """
    return element(
        "header",
        element(
            "div",
            _logo(),
            element("span", "Orrery", class_="brand"),
            element("span", kind, class_="kind-of"),
            class_="masthead",
        ),
        element("div", element("h1", name), badge, class_="title"),
        element(
            "dl",
            *(
                element(
                    "div",
                    element("dt", fact),
                    element("dd", value, title=hover or None),
                )
                for fact, value, hover in facts
            ),
            class_="facts",
        ),
    )


def banner(kind: str, title: str, detail: str) -> Markup:
    """Return what must not be overlooked: `kind` is "bad" or "warn"."""
    return element(
        "div",
        element("strong", title),
        element("p", detail),
        class_=f"banner {kind}",
        role="alert" if kind == "bad" else None,
    )


def tile_row(shown: Sequence[tuple[str, str, str, str]]) -> Markup:
    """Return the main figures from (name, value, unit, detail) of each."""
    return element(
        "div",
        *(
            element(
                "div",
                element("span", name, class_="name"),
                element("span", value, element("small", unit) if unit else None, class_="value"),
                element("span", detail, class_="detail"),
                class_="tile",
            )
            for name, value, unit, detail in shown
        ),
        class_="tiles",
    )


def split_unit(measure: str) -> tuple[str, str]:
    """Cut "312 ms" into number and unit; what has several parts stays whole."""
    value, _, unit = measure.partition(" ")
    return (value, unit) if " " not in unit else (measure, "")


def definitions(meanings: Sequence[tuple[str, str]]) -> Markup:
    """Return the foot of a page from (name, meaning) of each figure."""
    pairs = [
        part for name, meaning in meanings for part in (element("dt", name), element("dd", meaning))
    ]
    return element("footer", element("h2", "What the figures mean"), element("dl", *pairs))


def _head(title: str) -> Markup:
    style = resources.files("sim.report.page").joinpath("report.css").read_text("utf-8")
    return element(
        "head",
        void("meta", charset="utf-8"),
        void("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        void("meta", name="viewport", content="width=device-width, initial-scale=1"),
        void("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Markup(style)),
    )


def _logo() -> Markup:
    """Return three orbits with a body each."""
    rings = [void("circle", cx=20, cy=20, r=radius, class_="orbit") for radius in (7.0, 12.5, 18.0)]
    bodies = [
        void("circle", cx=20, cy=20, r=3.2, class_="sun"),
        void("circle", cx=25.4, cy=15.5, r=2.0, class_="body s3"),
        void("circle", cx=9.6, cy=27.0, r=2.4, class_="body s1"),
        void("circle", cx=33.0, cy=32.4, r=2.8, class_="body s2"),
    ]
    return element("svg", *rings, *bodies, viewbox="-1 -1 42 42", class_="logo", aria_hidden="true")
