"""Accounts and their first balances, as people write them."""

from primitives.address import parse_address
from primitives.errors import InvalidInput
from primitives.ids import Address, Wei
from primitives.units import parse_amount


def parse_first_balance(text: str) -> tuple[Address, Wei]:
    """Return the account and the balance of a text such as "0x12...=1000 ether".

    Raises:
        InvalidInput: no such text, address or amount.
    """
    address, _, amount = text.partition("=")
    if not amount:
        raise InvalidInput("account", "ADDRESS=AMOUNT, as in 0x12...=1000ether", repr(text[:90]))
    return parse_address(address.strip()), parse_amount(amount.strip())
