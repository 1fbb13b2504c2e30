"""docs/guides/live-node.md says what the code does."""

import re
import tomllib
from pathlib import Path

import pytest

from node.runtime.errors import ExitCode
from node.settings import NodeSettings, OwnSettings, SettingsError, decode_settings, encode_settings
from node.settings.decode import setting_keys

GUIDE = (Path(__file__).parents[4] / "docs" / "guides" / "live-node.md").read_text("utf-8")
SECTION = re.compile(r"^### `\[(\w+)\]`\n(.*?)(?=^##)", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `(\w+)` \| (.*?) \| (.+) \|$", re.MULTILINE)
DEFAULTS = tomllib.loads(encode_settings(NodeSettings(node=OwnSettings(index=0))))
TABLES = {"network": {"peers", "dictionaries"}}
"""Keys that are lists of tables, and have no flag."""


def rows(section: str) -> dict[str, str]:
    """Return the defaults that the guide names, by key."""
    text = dict(SECTION.findall(GUIDE))[section]
    return {key: default for key, default, _ in ROW.findall(text)}


@pytest.mark.parametrize("section", NodeSettings.__struct_fields__)
def test_every_key_stands_in_the_guide_with_its_default(section: str) -> None:
    keys = {key.partition(".")[2] for key in setting_keys().values() if key.startswith(section)}
    told = rows(section)
    assert set(told) == keys | TABLES.get(section, set())
    for key, default in told.items():
        if key == "index":
            continue
        expected = DEFAULTS[section].get(key)
        found = None if not default else tomllib.loads(f"v = {default.strip('`')}")["v"]
        assert found == expected, key


def test_every_exit_code_stands_in_the_guide() -> None:
    table = GUIDE.partition("| code | |")[2].partition("\n\n")[0]
    codes = {int(each) for line in table.splitlines() for each in re.findall(r"^\| (\d+)", line)}
    assert codes == {code.value for code in ExitCode if code < ExitCode.KILLED} | {130}


def test_the_flags_and_variables_of_the_guide_are_some() -> None:
    flags = set(re.findall(r"--([a-z]+\.[a-z_]+)", GUIDE))
    variables = set(re.findall(r"ORRERY_[A-Z_]+", GUIDE)) - {"ORRERY_"}
    assert flags <= set(setting_keys().values())
    assert variables <= set(setting_keys())
    assert "rpc.port" in flags


def test_a_mistake_reads_as_the_guide_shows_it() -> None:
    shown = re.findall(r"^node: (environment .*)$", GUIDE, re.MULTILINE)
    with pytest.raises(SettingsError) as told:
        decode_settings("[node]\nindex = 0\n", environment={"ORRERY_LOG_LEVEL": "loud"})
    assert shown == [str(told.value)]
