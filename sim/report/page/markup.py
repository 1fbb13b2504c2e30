"""HTML and SVG as text that cannot be broken by what it shows.

Scenario names, node names and error details come from outside. So text is escaped where it enters
the page, not where somebody remembers to: `element` escapes every child and attribute that is not
already `Markup`.
"""

from html import escape


class Markup(str):
    """Text that is already HTML."""

    __slots__ = ()


def element(name: str, /, *children: object, **attributes: object) -> Markup:
    """Return `<name attributes>children</name>`.

    Children: None is left out, `Markup` stands as it is, floats are not allowed (format them), all
    else is escaped. Attributes: a trailing underscore is cut (`class_`), others become hyphens;
    None and False leave the attribute out, True gives it no value, numbers are shortened.
    """
    inner = "".join(_child(child) for child in children if child is not None)
    return Markup(f"<{name}{_attributes(attributes)}>{inner}</{name}>")


def void(name: str, /, **attributes: object) -> Markup:
    """Return an element without content: `<name attributes>`, or `<name .../>` in SVG."""
    return Markup(f"<{name}{_attributes(attributes)}/>")


def join(parts: "list[Markup] | tuple[Markup, ...]", between: str = "") -> Markup:
    """Return the parts one after another."""
    return Markup(between.join(parts))


def number(value: float, decimals: int = 1) -> str:
    """Return a coordinate: at most `decimals` places, no trailing zeros, no "-0"."""
    text = f"{value:.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _child(child: object) -> str:
    if isinstance(child, Markup):
        return child
    assert isinstance(child, str | int), f"format {child!r} before it goes into the page"
    return escape(str(child))


def _attributes(attributes: dict[str, object]) -> str:
    return "".join(
        _attribute(name.rstrip("_").replace("_", "-"), value)
        for name, value in attributes.items()
        if value is not None and value is not False
    )


def _attribute(name: str, value: object) -> str:
    name = _CAMEL_CASE.get(name, name)
    if value is True:
        return f" {name}"
    text = number(value) if isinstance(value, float) else str(value)
    return f' {name}="{escape(text)}"'


_CAMEL_CASE = {
    "viewbox": "viewBox",
    "preserveaspectratio": "preserveAspectRatio",
    "patternunits": "patternUnits",
    "patterntransform": "patternTransform",
}
