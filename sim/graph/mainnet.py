"""Which rules are in force in a block of Ethereum's main network.

Reference: the upgrades' EIPs, as listed in EIP-7568 and EIP-7607; EIP-7892 for blobs.
"""

from primitives.blob_schedule import BlobSchedule
from primitives.fork import Fork
from primitives.params import ChainParams, Upgrade

CHAIN_ID = 1
FORKS_BY_HEIGHT = (
    (15_537_394, Fork.PARIS),
    (12_965_000, Fork.LONDON),
    (12_244_000, Fork.BERLIN),
    (9_069_000, Fork.ISTANBUL),
    (7_280_000, Fork.PETERSBURG),
    (4_370_000, Fork.BYZANTIUM),
    (2_675_000, Fork.SPURIOUS_DRAGON),
    (2_463_000, Fork.TANGERINE_WHISTLE),
    (1_150_000, Fork.HOMESTEAD),
    (0, Fork.FRONTIER),
)
"""First block of each fork, newest first."""
UPGRADES_BY_TIME = (
    Upgrade(1_681_338_455, Fork.SHANGHAI),
    Upgrade(1_710_338_135, Fork.CANCUN),
    Upgrade(1_746_612_311, Fork.PRAGUE),
    Upgrade(1_764_798_551, Fork.OSAKA),
    Upgrade(1_765_290_071, Fork.OSAKA, BlobSchedule(10, 15, 8_346_193)),
    Upgrade(1_767_747_671, Fork.OSAKA, BlobSchedule(14, 21, 11_684_671)),
)


def mainnet_params(number: int, timestamp: int) -> ChainParams:
    """Return the rules of a block, without upgrades to come.

    Args:
        number: its height.
        timestamp: in seconds.
    """
    fork = next(fork for first, fork in FORKS_BY_HEIGHT if number >= first)
    upgrades = UPGRADES_BY_TIME if fork == Fork.PARIS else ()
    return ChainParams(
        chain_id=CHAIN_ID,
        fork=fork,
        timestamp_rule="strict",
        gas_limit_rule="ethereum",
        beacon_rule="given",
        withdrawal_rule="given",
        upgrades=upgrades,
    ).at(timestamp)
