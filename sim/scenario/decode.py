"""From a file's text to a `Scenario`, or to every mistake in it.

Three passes, each over what the one before let through: TOML; names, types, units and ranges of
single values; what must fit together, the genesis file included. A mistake names the file and line
of its key, or the `--set` that gave the value.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path as FilePath

import msgspec
from msgspec import inspect as types

from node.settings.changes import apply_override, parse_path
from node.settings.findings import Finding
from node.settings.mistakes import Mistake, SettingsError
from node.settings.places import Places, read_toml
from node.settings.shape import ShapeCheck
from primitives.errors import InvalidInput
from sim.scenario.checks import check_scenario
from sim.scenario.errors import ScenarioError
from sim.scenario.genesis_file import settle_chain
from sim.scenario.scenario import Scenario
from sim.scenario.workload import Replay, unify_workload
from sim.workload.replay import UnreadableReplay, read_replay

Further = Callable[[Scenario], Iterable[Finding]]
"""Yields what somebody cannot do of a scenario that is right as such; its events are in the order
of the file."""


def load_scenario(
    file: FilePath, overrides: Sequence[str] = (), further: Further | None = None
) -> Scenario:
    """Read, decode and check a scenario file, and the replay file it names.

    Args:
        file: the TOML file.
        overrides: `key=value` texts that change it, in order.
        further: what else the scenario must be fit for.

    Raises:
        ScenarioError: with every mistake found.
        InvalidInput: a bad line of the replay file, by its number.
    """
    text = _read(file)
    scenario = decode_scenario(text, str(file), overrides, file.parent, further)
    if isinstance(scenario.workload, Replay):
        replay = scenario.workload.replay
        try:
            read_replay(FilePath(replay), scenario.chain.chain_id)
        except UnreadableReplay as error:
            mistake = InvalidInput(
                "workload.replay", "a readable file", f"{error.actual}: {replay}"
            )
            raise locate_mistake(mistake, file, overrides) from error
    return scenario


def decode_scenario(
    text: str,
    file: str = "scenario",
    overrides: Sequence[str] = (),
    directory: FilePath | None = None,
    further: Further | None = None,
) -> Scenario:
    """Decode a scenario's text.

    Args:
        text: TOML.
        file: what messages call it.
        overrides: `key=value` texts that change it, in order.
        directory: where relative file names start; the working directory if None.
        further: what else the scenario must be fit for.

    Raises:
        ScenarioError: with every mistake found.
    """
    table = _toml(text, file)
    return _decode(table, Places(text, file), overrides, directory or FilePath(), further)


def decode_table(table: dict[str, object], name: str = "scenario") -> Scenario:
    """Decode a scenario given as nested tables, for example from a test.

    Raises:
        ScenarioError: with every mistake found; `name` stands where a file and line would.
    """
    return _decode(table, Places("", name), (), FilePath())


def _decode(
    table: dict[str, object],
    places: Places,
    overrides: Sequence[str],
    directory: FilePath,
    further: Further | None = None,
) -> Scenario:
    _override(table, places, overrides)
    if "workload" in table:
        table = {**table, "workload": unify_workload(table["workload"])}
    mistakes: list[Mistake] = []
    check = ShapeCheck(lambda *finding: mistakes.append(places.mistake(*finding)))
    resolved = check.resolve(table, _scenario_type())
    if mistakes:
        raise ScenarioError(places.sorted(mistakes))
    assert isinstance(resolved, dict)
    resolved["chain"], findings = settle_chain(resolved.get("chain", {}), directory)
    scenario = msgspec.convert(resolved, Scenario)
    findings = [*findings, *check_scenario(scenario)]
    if not findings and further is not None:
        findings.extend(further(scenario))
    mistakes = [places.mistake(*finding) for finding in findings]
    if mistakes:
        raise ScenarioError(places.sorted(mistakes))
    return _settled(scenario, directory)


def locate_mistake(error: InvalidInput, file: FilePath, overrides: Sequence[str]) -> ScenarioError:
    """Return an error about a key of a scenario, with the place where its value came from.

    The options of a workload from another package are judged when the workload is made, and a
    file that a key names when it is read: far from the text that they stand in.

    Args:
        error: `error.where` is the dotted path of the key, as in "workload.every_ms".
        file: the scenario file.
        overrides: what changed it, in order.
    """
    text = _read(file)
    table = _toml(text, str(file))
    places = Places(text, str(file))
    _override(table, places, overrides)
    place = places.find(parse_path(error.where.partition("[...]")[0]))
    return ScenarioError([Mistake(place, error.where, error.expected, str(error.actual))])


def _read(file: FilePath) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(
            [Mistake(str(file), "", "a readable scenario file", _reason(error))]
        ) from error


def _reason(error: Exception) -> str:
    """Say what the operating system or the decoder said, without its numbers."""
    return getattr(error, "strerror", None) or str(error)


def _toml(text: str, file: str) -> dict[str, object]:
    try:
        return read_toml(text, file)
    except SettingsError as error:
        raise ScenarioError(error.mistakes) from error


def _override(table: dict[str, object], places: Places, overrides: Sequence[str]) -> None:
    try:
        for override in overrides:
            places.override(apply_override(table, override), f"--set {override}")
    except SettingsError as error:
        raise ScenarioError(error.mistakes) from error


@cache
def _scenario_type() -> types.Type:
    return types.type_info(Scenario)


def _settled(scenario: Scenario, directory: FilePath) -> Scenario:
    """Put events into their order and make the replay's file name independent of place."""
    workload = scenario.workload
    if isinstance(workload, Replay):
        file = (directory / workload.replay).resolve()
        workload = msgspec.structs.replace(workload, replay=str(file))
    events = tuple(sorted(scenario.events, key=lambda event: event.at))
    return msgspec.structs.replace(scenario, workload=workload, events=events)
