"""What processes on one machine cannot do, by name."""

import re
from functools import partial

import pytest

from sim.live.refusals import IMPOSSIBLE, check_live, not_applied
from sim.scenario import ScenarioError, decode_scenario, load_scenario
from tests.unit.sim.live.networks import ROOT, TEXT

FIT = (
    *("bls", "burst", "committee-change", "committee-partition", "crash-primary", "devnet"),
    *("followers", "lan-4", "partition-heal", "quickstart", "slow-node", "wan-100"),
)
UNFIT = ("chaos", "disks", "every-fault", "fast-confirmation", "parallel-execution")

REFUSED = {
    "clock": 'node = 1\nahead = "1s"',
    "lying-disk": 'node = 1\ncache = "1s"',
    "slow-disk": "node = 1\nfactor = 2",
    "full-disk": "node = 1",
    "free-disk": "node = 1",
    "bit-rot": "node = 1",
}
POSSIBLE = {
    "crash": 'node = "primary"\nfor = "1s"',
    "pause": 'node = 1\nfor = "1s"',
    "slow": "node = 1\nfactor = 100",
    "churn": 'rate = 0.5\ndown_time = "1s"',
    "partition": "groups = [[0], [1]]\nbridge = [2]\ndirection = 'in'",
    "heal": "",
    "latency": 'extra = "5ms"',
    "clog": 'for = "1s"',
    "duplicate": "probability = 0.5",
    "reorder": 'probability = 0.5\ndelay = "1ms"',
    "lose": "probability = 0.5",
    "committee": "rekey = [0]",
}


DISK = 'network.disk={latency="80us",fsync="500us",throughput="1GB",capacity="1GB"}'


def found(text: str) -> list[str]:
    try:
        decode_scenario(TEXT + text, "t.toml", [DISK], further=check_live)
    except ScenarioError as error:
        return str(error).splitlines()
    return []


def event(kind: str, body: str) -> str:
    return f'[[events]]\nat = "100ms"\nkind = "{kind}"\n{body}\n'


@pytest.mark.parametrize("kind", REFUSED)
def test_an_event_that_cannot_happen_is_refused_with_its_line(kind):
    (mistake,) = found(event(kind, REFUSED[kind]))
    line = TEXT.count("\n") + 3
    assert mistake.startswith(f"t.toml:{line}: events[0].kind: expected one of crash")
    assert f'got "{kind}": ' in mistake


@pytest.mark.parametrize("kind", POSSIBLE)
def test_an_event_that_can_is_not(kind):
    assert found(event(kind, POSSIBLE[kind])) == []


def test_every_event_is_one_or_the_other():
    assert len(IMPOSSIBLE) == len(REFUSED)
    guide = (ROOT / "docs" / "guides" / "live-networks.md").read_text()
    for kind in (*REFUSED, *POSSIBLE, "restart"):
        assert re.search(rf"^\| .*`{kind}`", guide, re.MULTILINE), kind


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (event("slow", "node = 1\nfactor = 0.5"), "events[0].factor"),
        (event("slow", "node = 1\nfactor = 101"), "events[0].factor"),
        (event("crash", 'node = 1\nunsynced = "torn"'), "events[0].unsynced"),
        (event("churn", 'rate = 1\ndown_time = "1s"\nunsynced = "some"'), "events[0].unsynced"),
        ('[consensus]\nsignatures = "modelled"', "consensus.signatures"),
        ('[measure]\ntrace = "traffic"', "measure.trace"),
        (
            '[[network.classes]]\nname = "x"\nnodes = [1]\nliar = "garbage"',
            "network.classes[0].liar",
        ),
        ('[[network.classes]]\nname = "x"\nnodes = [1]\nloss = 0.1', "network.classes[0].loss"),
    ],
)
def test_a_key_that_means_nothing_real_is_refused(text, key):
    (mistake,) = found(text)
    assert f" {key}: expected " in mistake


def test_what_is_set_by_hand_is_named_by_hand():
    with pytest.raises(
        ScenarioError, match=r"^--set network.loss=0.5: network.loss: expected 0.0 without --links"
    ):
        decode_scenario(TEXT, "t.toml", ["network.loss=0.5"], further=check_live)
    with pytest.raises(ScenarioError, match=r"network.gateways: expected 0"):
        decode_scenario(TEXT, "t.toml", ["network.gateways=1"], further=check_live)


def test_events_keep_their_lines_when_they_are_not_in_order():
    text = event("heal", "").replace("100ms", "900ms") + event("bit-rot", "node = 0")
    (mistake,) = found(text)
    assert "events[1].kind" in mistake


@pytest.mark.parametrize("name", [*FIT, *UNFIT])
def test_shipped_scenarios_that_run_in_both_worlds(name):
    file = ROOT / "scenarios" / f"{name}.toml"
    if name in FIT:
        assert load_scenario(file, further=check_live).name == name
    else:
        with pytest.raises(ScenarioError, match=f"scenarios/{name}.toml:"):
            load_scenario(file, further=check_live)


def test_figures_of_the_virtual_world_are_named_and_not_refused():
    text = '[[network.classes]]\nname = "weak"\nnodes = [1]\ncores = 1\n'
    scenario = decode_scenario(TEXT.replace("validators = 4", "validators = 4\ncores = 8") + text)
    assert not_applied(scenario) == ["network.cores", 'cores of class "weak"']
    assert not_applied(decode_scenario(TEXT)) == []


def test_links_that_are_played_may_lose_messages_and_have_figures_that_count():
    text = TEXT.replace("validators = 4", 'validators = 4\nloss = 0.1\njitter = "none"\ncores = 8')
    text += '[[network.classes]]\nname = "x"\nnodes = [1]\nloss = 0.2\n'
    made = decode_scenario(text, further=partial(check_live, links=True))
    assert not_applied(made, links=True) == ["network.cores"]
    assert not_applied(made) == ["network.jitter", "network.cores"]
