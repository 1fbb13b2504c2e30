"""Names resolve to what ships and to what installed packages add; the guide's example works."""

import importlib
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from primitives.errors import InvalidInput
from primitives.ids import Instant
from primitives.transaction import decode_transaction, recover_sender
from sim.checkers import CheckerSuite
from sim.cli import main
from sim.liars import BUILT_IN_LIARS
from sim.registry import (
    BUILT_IN_CHECKERS,
    foreign_checkers,
    liar_factory,
    liar_names,
    workload_factory,
    workload_names,
)
from sim.scenario.workload import BUILT_IN
from sim.workload import make_replay, make_transfers
from tests.unit.sim.checker_histories import History, check_context
from tests.unit.sim.workload_worlds import SECOND, context, drive

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return a function that installs a package of one module, as pip would leave it."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(name: str, source: str, **groups: dict[str, str]) -> None:
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
        information = tmp_path / f"{name}-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        lines = []
        for group, points in groups.items():
            lines += [f"[orrery.{group}]", *(f"{key} = {value}" for key, value in points.items())]
        (information / "entry_points.txt").write_text("\n".join(lines))
        monkeypatch.delitem(importlib.import_module("sys").modules, name, raising=False)
        importlib.invalidate_caches()

    return install


def test_what_ships_resolves():
    assert workload_factory("transfers") is make_transfers
    assert workload_factory("replay") is make_replay
    assert workload_names()[: len(BUILT_IN)] == BUILT_IN
    assert all(liar_factory(name) is make for name, make in BUILT_IN_LIARS.items())
    suite = CheckerSuite([make(check_context()) for make in BUILT_IN_CHECKERS.values()])
    assert suite.names == tuple(BUILT_IN_CHECKERS)


def test_an_unknown_workload_is_named_with_its_nearest_neighbour():
    with pytest.raises(InvalidInput, match=r"one of transfers, replay.*did you mean transfers\?"):
        workload_factory("transfer")


def test_an_unknown_liar_is_refused():
    with pytest.raises(InvalidInput, match=r"one of silent, slow, .*did you mean silent\?"):
        liar_factory("silence")


def test_installed_extensions_resolve_by_name(install):
    source = "def make(*arguments): return arguments\n"
    install(
        "ext_one",
        source,
        workloads={"auctions": "ext_one:make"},
        checkers={"zeal": "ext_one:make", "care": "ext_one:make"},
        liars={"mute": "ext_one:make"},
    )
    assert workload_names() == (*BUILT_IN, "auctions")
    run = context()
    made: object = workload_factory("auctions")({"bids": 3}, run)
    assert made == ({"bids": 3}, run)
    assert list(foreign_checkers()) == ["care", "zeal"]
    assert callable(liar_factory("mute"))
    assert liar_names() == (*BUILT_IN_LIARS, "mute")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("ext_two:absent", r"orrery\.workloads: bad: expected ext_two:absent to be importable"),
        ("ext_absent:make", r"to be importable, got ModuleNotFoundError"),
        ("ext_two:number", r"orrery\.workloads: bad: expected a callable that makes one, got int"),
    ],
)
def test_a_broken_extension_is_named(install, value, message):
    install("ext_two", "number = 3\n", workloads={"bad": value})
    with pytest.raises(InvalidInput, match=message):
        workload_factory("bad")


def test_a_package_that_breaks_on_import_is_named(install):
    install("ext_three", "import no_such_module_at_all\n", checkers={"bad": "ext_three:make"})
    with pytest.raises(InvalidInput, match=r"orrery\.checkers: bad: .*no_such_module_at_all"):
        foreign_checkers()


def test_two_packages_may_not_share_a_name(install):
    install("ext_four", "make = print\n", workloads={"same": "ext_four:make"})
    install("ext_five", "make = print\n", workloads={"same": "ext_five:make"})
    with pytest.raises(InvalidInput, match="one package to provide it, got ext_five:make and"):
        workload_factory("same")


def test_nobody_takes_over_a_name_that_ships(install):
    install("ext_six", "make = print\n", checkers={"agreement": "ext_six:make"})
    with pytest.raises(InvalidInput, match="a name that Orrery has not taken, got agreement"):
        foreign_checkers()


# The guide


@pytest.fixture
def guide(repository: Path, install: Install) -> dict[str, object]:
    """Install the example of docs/guides/extending.md; return its scenario's workload table."""
    text = (repository / "docs" / "guides" / "extending.md").read_text(encoding="utf-8")
    text = text[: text.index("## A liar")]
    (source,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    project, scenario = (
        tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    )
    points = project["project"]["entry-points"]
    groups = {group.removeprefix("orrery."): named for group, named in points.items()}
    install(project["project"]["name"], source, **groups)
    return dict(scenario["workload"])


def test_the_guides_workload_runs(guide):
    kind = guide.pop("kind")
    workload = workload_factory(kind)(guide, context(seconds=2))
    sent = drive(workload)
    assert [each.at_ns for each in sent] == [SECOND * k // 4 for k in range(1, 8)]
    transactions = [decode_transaction(each.raw) for each in sent]
    assert [each.nonce for each in transactions] == list(range(7))
    assert {recover_sender(each) for each in transactions} == {workload.alloc[0][0]}


def test_the_guides_workload_refuses_a_misspelt_key(guide):
    factory = workload_factory(guide.pop("kind"))
    with pytest.raises(InvalidInput) as caught:
        factory({"evry_ms": 3}, context())
    assert str(caught.value) == (
        'workload.evry_ms: expected one of every_ms, got an unknown key; did you mean "every_ms"?'
    )


@pytest.mark.parametrize("more", [(), ("--seeds", "2", "--workers", "2")])
def test_the_command_line_says_where_an_option_of_the_guides_workload_is_wrong(
    guide, tmp_path, monkeypatch, capsys, more
):
    assert guide == {"kind": "heartbeat", "every_ms": 250}
    monkeypatch.chdir(tmp_path)
    scenario = 'name = "s"\nduration = "1s"\n[network]\nvalidators = 4\n[workload]\n'
    Path("s.toml").write_text(f'{scenario}kind = "heartbeat"\nevery_ms = 250\n')
    assert main(["run", "s.toml", "--set", "workload.evry_ms=3", *more]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("orrery: --set workload.evry_ms=3: workload.evry_ms: expected one of ")
    Path("s.toml").write_text(f'{scenario}kind = "heartbeat"\nevery_ms = "often"\n')
    assert main(["run", "s.toml", *more]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    expected = 'expected a whole number, got "often"'
    assert line == f"orrery: s.toml:7: workload.every_ms: {expected}"


def test_the_guides_checker_judges(guide):
    factories = foreign_checkers()
    assert list(factories) == ["steady-growth"]
    history = History()
    history.commit_all([0, 1], [1, 2])
    history.wait(30)
    history.commit_all([0, 1], [3])
    assert history.judge(factories["steady-growth"](check_context())) is None
    history.wait(61)
    violation = history.judge(factories["steady-growth"](check_context()))
    assert violation is not None
    assert (violation.at_ns, violation.node) == (Instant(history.at_ns), -1)
    history.commit_all([0], [4])
    assert history.judge(factories["steady-growth"](check_context())) is not None
