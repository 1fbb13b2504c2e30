"""From a CONFIG's text, the environment and the flags to `NodeSettings`, or to every mistake.

What is said in several places counts by precedence: a flag before a variable of the environment,
that before the file, and the default last. Flag and variable of a key follow from its name:
`rpc.port` is `--rpc.port` and `ORRERY_RPC_PORT`. All are judged by the same rules, and a mistake
names the place that its value came from.
"""

from collections.abc import Mapping
from functools import cache

import msgspec
from msgspec import inspect as types

from node.settings.changes import parse_value, set_value
from node.settings.checks import check_settings
from node.settings.mistakes import Mistake, Path, SettingsError, listed, nearest_name, shown
from node.settings.node import OwnSettings
from node.settings.places import Places, read_toml
from node.settings.settings import NodeSettings
from node.settings.shape import ShapeCheck
from node.settings.writing import format_toml, plain_table

NOBODY = 2**32

PREFIX = "ORRERY_"
"""Variables of the environment that begin so, and go on with the name of a section, count."""


def decode_settings(
    text: str,
    file: str = "config.toml",
    flags: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> NodeSettings:
    """Decode a node's configuration.

    Args:
        text: TOML.
        file: what messages call it.
        flags: values by dotted key, as in "rpc.port"; they win.
        environment: variables; those named after a key win over the file.

    Raises:
        SettingsError: with every mistake found.
    """
    table = read_toml(text, file)
    places = Places(text, file)
    for path, value, place in (*_variables(environment or {}), *_flags(flags or {})):
        set_value(table, path, value, place)
        places.override(path, place)
    mistakes: list[Mistake] = []
    check = ShapeCheck(lambda *finding: mistakes.append(places.mistake(*finding)))
    resolved = check.resolve(table, _type())
    if mistakes:
        raise SettingsError(places.sorted(mistakes))
    settings = msgspec.convert(resolved, NodeSettings)
    mistakes = [places.mistake(*finding) for finding in check_settings(settings)]
    if mistakes:
        raise SettingsError(places.sorted(mistakes))
    return settings


def encode_settings(settings: NodeSettings, *, defaults: bool = True) -> str:
    """Return TOML that decodes to equal settings.

    Args:
        settings: of one node.
        defaults: whether every default is spelt out, so that the text says all by itself.
    """
    table = plain_table(settings)
    if not defaults:
        # No node has this number, so that the own one is always written.
        plain = plain_table(NodeSettings(node=OwnSettings(index=NOBODY)))
        table = {name: _chosen(each, plain[name]) for name, each in table.items()}
        table = {name: each for name, each in table.items() if each}
    return format_toml(table)


def _chosen(section: object, plain: object) -> dict[str, object]:
    """Return what of a section differs from the defaults."""
    assert isinstance(section, dict)
    assert isinstance(plain, dict)
    return {key: value for key, value in section.items() if value != plain.get(key)}


@cache
def setting_keys() -> Mapping[str, str]:
    """Return the dotted key of every setting that one value gives, by its variable's name."""
    keys = [
        f"{section.encode_name}.{field.encode_name}"
        for section in _fields(_type())
        for field in _fields(section.type)
        if not _is_table_list(field.type)
    ]
    return {f"{PREFIX}{key.replace('.', '_').upper()}": key for key in keys}


def _variables(environment: Mapping[str, str]) -> list[tuple[Path, object, str]]:
    """Return what variables change.

    Names that go on with that of a section must name a key: a typing error that were passed over
    would leave the node on a port that nobody looks at.
    """
    keys = setting_keys()
    sections = tuple(f"{PREFIX}{section.encode_name.upper()}_" for section in _fields(_type()))
    changes: list[tuple[Path, object, str]] = []
    for name, text in environment.items():
        if name in keys:
            changes.append((_path(keys[name]), parse_value(text), f"environment {name}"))
        elif name.startswith(sections):
            nearest = nearest_name(name, keys)
            section = next(each for each in sections if name.startswith(each))
            known = listed(each for each in keys if each.startswith(section))
            mistake = Mistake("environment", name, f"one of {known}", shown(text), nearest)
            raise SettingsError([mistake])
    return changes


def _flags(flags: Mapping[str, str]) -> list[tuple[Path, object, str]]:
    return [(_path(key), parse_value(text), f"--{key} {text}") for key, text in flags.items()]


def _path(key: str) -> Path:
    return tuple(key.split("."))


def _fields(type_: types.Type) -> tuple[types.Field, ...]:
    assert isinstance(type_, types.StructType)
    return type_.fields


def _is_table_list(type_: types.Type) -> bool:
    return isinstance(type_, types.VarTupleType) and isinstance(type_.item_type, types.StructType)


@cache
def _type() -> types.Type:
    return types.type_info(NodeSettings)
