"""Options of load that calls contracts, in the workload and in the scenario file."""

import msgspec
import pytest

from primitives.errors import InvalidInput
from primitives.ids import Gas
from primitives.params import ChainParams
from sim.scenario import (
    Amm,
    Compute,
    Erc20,
    MainnetLike,
    Nft,
    ScenarioError,
    Shares,
    Storage,
    decode_scenario,
    format_scenario,
    workload_options,
)
from sim.workload import options_contracts as taken
from sim.workload.contracts import make_compute, make_erc20, make_mainnet_like
from tests.unit.sim.test_workload_contracts import MAKERS
from tests.unit.sim.workload_worlds import context

PAIRS = (
    (Erc20, taken.Erc20Options),
    (Amm, taken.AmmOptions),
    (Nft, taken.NftOptions),
    (Storage, taken.StorageOptions),
    (Compute, taken.ComputeOptions),
    (MainnetLike, taken.MainnetLikeOptions),
)
SHARES = taken.Shares.__struct_fields__
BASE = """
name = "x"
duration = "10s"
[network]
validators = 4
[workload]
rate = 10
"""


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_the_scenario_file_spells_out_every_option(ours: type, theirs: type) -> None:
    def defaults(kind: type) -> dict[str, object]:
        fields = {field.name: field.default for field in msgspec.structs.fields(kind)}
        shares = fields.get("shares")
        return fields if shares is None else {**fields, "shares": msgspec.to_builtins(shares)}

    assert defaults(ours) == defaults(theirs)
    assert msgspec.to_builtins(Shares()) == msgspec.to_builtins(taken.Shares())


@pytest.mark.parametrize("kind", MAKERS)
def test_a_scenario_may_ask_for_every_kind(kind: str) -> None:
    text = BASE + f'kind = "{kind}"\naccounts = 10\ndeploy = "transaction"\n'
    scenario = decode_scenario(text)
    assert decode_scenario(format_scenario(scenario)) == scenario
    name, options = workload_options(scenario.workload)
    assert name == kind
    assert MAKERS[kind](options, context()).contracts == ()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('kind = "erc20"\ntokens = 0', r"workload\.tokens: expected a whole number from 1 to"),
        ('kind = "erc20"\nreceivers = 1001', r"workload\.receivers: .* number of accounts, 1000"),
        ('kind = "erc20"\npairs = 3', r"workload\.pairs: .* an unknown key"),
        ('kind = "erc20"\ntokens = 1000\naccounts = 1001', r"workload\.tokens: .* 1000000 bal"),
        ('kind = "amm"\npairs = 501\naccounts = 1000', r"workload\.pairs: .* 1000000 balances"),
        ('kind = "storage"\nslots = 601', r"workload\.slots: .* to 600"),
        ('kind = "compute"\nrounds = 0', r"workload\.rounds: .* from 1 to 100000"),
        ('kind = "nft"\ndeploy = "magic"', r"workload\.deploy: expected .*genesis"),
        ('kind = "nft"\ntip_min = "3 gwei"', r"workload\.tip_min: .* at most tip_max"),
        ('kind = "nft"\nstop = "11s"', r"workload\.stop: .* no later than the run's end"),
        ('kind = "mainnet-like"\nshares = { swaps = 1 }', r"workload\.shares\.swaps: .*"),
        (
            'kind = "mainnet-like"\n[workload.shares]\n' + "".join(f"{k} = 0\n" for k in SHARES),
            r"workload\.shares: expected at least one above 0",
        ),
    ],
)
def test_a_mistake_in_a_scenario_is_named(lines: str, message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        decode_scenario(BASE + lines + "\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tokens": 0}, r"workload\.tokens: expected from 1 to 1000, got 0"),
        ({"tokens": 1_000, "accounts": 1_001}, r"workload\.tokens: .* 1000000 balances"),
        ({"receivers": 0}, r"workload\.receivers: expected from 1 to the 1000 accounts, got 0"),
        ({"token_skew": -1.0}, r"workload\.token_skew: expected from 0 to 10"),
        ({"deploy": "never"}, r'workload\.deploy: expected one of "genesis", "transaction"'),
        ({"rate": -1.0}, r"workload\.rate: expected above 0"),
    ],
)
def test_a_wrong_option_is_refused_by_name(options: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        make_erc20({"rate": 1.0, **options}, context())


@pytest.mark.parametrize("deploy", ["genesis", "transaction"])
def test_load_that_no_block_has_room_for_is_refused(deploy: str) -> None:
    def make(gas_limit: int) -> None:
        params = ChainParams(gas_limit=Gas(gas_limit))
        world = msgspec.structs.replace(context(), params=params)
        make_compute({"accounts": 4, "rate": 1.0, "rounds": 10_000, "deploy": deploy}, world)

    with pytest.raises(InvalidInput) as caught:
        make(1_000_000)
    text = str(caught.value)
    assert text.startswith("workload: expected transactions that chain.gas_limit, 1000000, has")
    most = int(text.rpartition(" ")[2])
    make(most)
    with pytest.raises(InvalidInput):
        make(most - 1)


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"erc20": -1.0}, r"workload\.shares\.erc20: expected 0 or more"),
        (dict.fromkeys(SHARES, 0.0), r"workload\.shares: .* above 0"),
    ],
)
def test_wrong_shares_are_refused(shares: dict[str, float], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        make_mainnet_like({"rate": 1.0, "shares": shares}, context())
