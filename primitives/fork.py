"""Ethereum's protocol versions, in order, so that a rule reads `fork >= Fork.BERLIN`."""

from enum import IntEnum


class Fork(IntEnum):
    """A version of the execution rules. Forks that changed no such rule have no entry."""

    FRONTIER = 0
    HOMESTEAD = 1
    TANGERINE_WHISTLE = 2
    """EIP-150."""
    SPURIOUS_DRAGON = 3
    """EIP-155, EIP-158 and others; chain ids enter signatures."""
    BYZANTIUM = 4
    CONSTANTINOPLE = 5
    PETERSBURG = 6
    ISTANBUL = 7
    BERLIN = 8
    LONDON = 9
    PARIS = 10
    SHANGHAI = 11
    CANCUN = 12
    PRAGUE = 13
    OSAKA = 14


LATEST = Fork.OSAKA
"""The fork whose rules Orrery's own chains follow unless their parameters say otherwise."""
