"""Contracts that are a part of the protocol: where they stand, and their code.

The block calls them itself, before its first transaction or after its last one. On Ethereum they
were deployed by transactions before their fork; Orrery's own chains have them from genesis on.
The code is the one that each EIP gives.
"""

from collections.abc import Mapping
from types import MappingProxyType

from primitives.fork import Fork
from primitives.ids import Address

SYSTEM_ADDRESS = Address(b"\xff" * 19 + b"\xfe")
"""Who calls them on behalf of the block (EIP-4788)."""
BEACON_ROOTS_ADDRESS = Address(bytes.fromhex("000f3df6d732807ef1319fb7b8bb8522d0beac02"))
"""Roots of the beacon chain by timestamp (EIP-4788)."""
HISTORY_ADDRESS = Address(bytes.fromhex("0000f90827f1c53a10cb7a02335b175320002935"))
"""Hashes of the last blocks (EIP-2935)."""
WITHDRAWAL_REQUESTS_ADDRESS = Address(bytes.fromhex("00000961ef480eb55e80d19ad83579a64c007002"))
"""Queue of withdrawals that validators ask for (EIP-7002)."""
CONSOLIDATION_REQUESTS_ADDRESS = Address(bytes.fromhex("0000bbddc7ce488642fb579f8b00f3a590007251"))
"""Queue of consolidations that validators ask for (EIP-7251)."""
DEPOSIT_ADDRESS = Address(bytes.fromhex("00000000219ab540356cbb839cbe05303d7705fa"))
"""Mainnet's deposit contract, whose events are requests (EIP-6110). No chain has to have it."""

HISTORY_SERVED = 8_191
"""Blocks whose hashes the history contract holds; number n is in slot n modulo this (EIP-2935)."""

_BEACON_ROOTS_CODE = bytes.fromhex(
    "3373fffffffffffffffffffffffffffffffffffffffe14604d57602036146024575f5ffd5b5f35801560495762001f"
    "ff810690815414603c575f5ffd5b62001fff01545f5260205ff35b5f5ffd5b62001fff42064281555f359062001fff"
    "015500"
)
_HISTORY_CODE = bytes.fromhex(
    "3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff"
    "81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500"
)
_WITHDRAWAL_REQUESTS_CODE = bytes.fromhex(
    "3373fffffffffffffffffffffffffffffffffffffffe1460cb5760115f54807fffffffffffffffffffffffffffffff"
    "ffffffffffffffffffffffffffffffffff146101f457600182026001905f5b5f821115606857810190830284830290"
    "04916001019190604d565b909390049250505036603814608857366101f457346101f4575f5260205ff35b34106101"
    "f457600154600101600155600354806003026004013381556001015f35815560010160203590553360601b5f526038"
    "5f601437604c5fa0600101600355005b6003546002548082038060101160df575060105b5f5b818114610183578281"
    "0160030260040181604c02815460601b8152601401816001015481526020019060020154807fffffffffffffffffff"
    "ffffffffffffff00000000000000000000000000000000168252906010019060401c908160381c8160070153816030"
    "1c81600601538160281c81600501538160201c81600401538160181c81600301538160101c81600201538160081c81"
    "600101535360010160e1565b910180921461019557906002556101a0565b90505f6002555f6003555b5f54807fffff"
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff14156101cd57505f5b6001546002828201"
    "116101e25750505f6101e8565b01600290035b5f555f600155604c025ff35b5f5ffd"
)
_CONSOLIDATION_REQUESTS_CODE = bytes.fromhex(
    "3373fffffffffffffffffffffffffffffffffffffffe1460d35760115f54807fffffffffffffffffffffffffffffff"
    "ffffffffffffffffffffffffffffffffff1461019a57600182026001905f5b5f821115606857810190830284830290"
    "04916001019190604d565b9093900492505050366060146088573661019a573461019a575f5260205ff35b34106101"
    "9a57600154600101600155600354806004026004013381556001015f35815560010160203581556001016040359055"
    "3360601b5f5260605f60143760745fa0600101600355005b6003546002548082038060021160e7575060025b5f5b81"
    "81146101295782810160040260040181607402815460601b8152601401816001015481526020018160020154815260"
    "20019060030154905260010160e9565b910180921461013b5790600255610146565b90505f6002555f6003555b5f54"
    "807fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff141561017357505f5b60015460"
    "01828201116101885750505f61018e565b01600190035b5f555f6001556074025ff35b5f5ffd"
)

SYSTEM_CODE: Mapping[Address, bytes] = MappingProxyType(
    {
        BEACON_ROOTS_ADDRESS: _BEACON_ROOTS_CODE,
        HISTORY_ADDRESS: _HISTORY_CODE,
        WITHDRAWAL_REQUESTS_ADDRESS: _WITHDRAWAL_REQUESTS_CODE,
        CONSOLIDATION_REQUESTS_ADDRESS: _CONSOLIDATION_REQUESTS_CODE,
    }
)

_SINCE: Mapping[Address, Fork] = MappingProxyType(
    {
        BEACON_ROOTS_ADDRESS: Fork.CANCUN,
        HISTORY_ADDRESS: Fork.PRAGUE,
        WITHDRAWAL_REQUESTS_ADDRESS: Fork.PRAGUE,
        CONSOLIDATION_REQUESTS_ADDRESS: Fork.PRAGUE,
    }
)


def system_contracts(fork: Fork) -> tuple[Address, ...]:
    """Return the contracts that blocks of `fork` call."""
    return tuple(address for address, first in _SINCE.items() if fork >= first)
