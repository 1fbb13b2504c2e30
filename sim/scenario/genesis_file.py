"""`[chain] genesis`: a chain that starts from a file in go-ethereum's form.

What the file sets and what `[chain]` sets must not contradict each other. A key that is left out
takes what the file says, so a resolved scenario has both, and they agree.
"""

from collections.abc import Mapping
from pathlib import Path as FilePath

from node.settings.findings import Finding
from node.settings.mistakes import Mistake, shown
from primitives.errors import InvalidInput
from primitives.fork import Fork
from primitives.genesis_json import GenesisForm, read_form
from sim.scenario.errors import ScenarioError

GENESIS = ("chain", "genesis")


class UnreadableGenesis(InvalidInput):
    """The genesis file cannot be read; `actual` is the reason in words."""


def read_genesis_text(file: FilePath) -> str:
    """Return the text of a genesis file.

    Raises:
        UnreadableGenesis: it is not there, or no text.
    """
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        actual = f"{reason}: {file}"
        raise UnreadableGenesis("chain.genesis", "a readable file", actual) from error


def read_genesis_file(file: FilePath) -> GenesisForm:
    """Return what a genesis file says.

    Raises:
        UnreadableGenesis: it is not there, or no text.
        ScenarioError: the path of the field that is wrong in it.
    """
    text = read_genesis_text(file)
    try:
        form = read_form(text)
        _require_prague(form)
    except InvalidInput as error:
        mistake = Mistake(str(file), error.where, error.expected, str(error.actual))
        raise ScenarioError([mistake]) from error
    return form


def _require_prague(form: GenesisForm) -> None:
    """Refuse a beginning that a node could not restart from: it takes old hashes from the state."""
    if form.params.fork < Fork.PRAGUE:
        expected = "a time no later than genesis.timestamp: networks begin with Prague (EIP-2935)"
        times = [each.timestamp for each in form.params.upgrades if each.fork >= Fork.PRAGUE]
        raise InvalidInput("genesis.config.pragueTime", expected, min(times, default="none"))


def settle_chain(
    chain: Mapping[str, object], directory: FilePath
) -> tuple[dict[str, object], list[Finding]]:
    """Complete a `[chain]` table by the genesis file that it names, if it names one.

    Args:
        chain: units decoded, without defaults.
        directory: where a relative file name starts.

    Returns:
        The table with what the file sets, and what contradicts the file.

    Raises:
        ScenarioError: the file is wrong in itself.
    """
    if chain.get("genesis") is None:
        return dict(chain), []
    file = (directory / str(chain["genesis"])).resolve()
    try:
        form = read_genesis_file(file)
    except UnreadableGenesis as error:
        return dict(chain), [Finding(GENESIS, error.expected, str(error.actual))]
    said = {"chain_id": form.params.chain_id, "gas_limit": form.params.gas_limit}
    if form.has_base_fee:
        said["base_fee_initial"] = form.params.base_fee_initial
    findings = [
        Finding(("chain", key), f"{value}, as {file.name} says, or no such key", shown(chain[key]))
        for key, value in said.items()
        if chain.get(key, value) != value
    ]
    return {**chain, **said, "genesis": str(file)}, findings
