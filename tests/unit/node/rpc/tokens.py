"""A token on the chain of a rig, and what its calls look like."""

from typing import Any

from primitives.address import contract_address
from primitives.ids import Address
from primitives.keccak import keccak256
from sim.contracts import encode_arguments, encode_call, load_artifact
from tests.unit.node.rpc.chain_rig import Rig, hexed, signed
from tests.unit.node.transfers import account, stranger

TOKEN = contract_address(account(0), 0)
"""What account 0 creates first."""
SUPPLY = 1_000_000
TRANSFER_TOPIC = hexed(keccak256(b"Transfer(address,address,uint256)"))
APPROVAL_TOPIC = hexed(keccak256(b"Approval(address,address,uint256)"))
HOLDERS = tuple(stranger(10 + number) for number in range(4))


def creation() -> bytes:
    return load_artifact("Token").creation_code + encode_arguments(("uint256",), (SUPPLY,))


def deploy(rig: Rig) -> str:
    """Let block 1 create the token; return the hash of the transaction."""
    digest = rig.send(signed(0, 0, None, creation(), gas=2_000_000))
    rig.mine()
    assert rig.height == 1
    return digest


def transfer_data(to: Address, amount: int) -> bytes:
    return encode_call("transfer(address,uint256)", to, amount)


def pay(rig: Rig, nonce: int, *amounts: int) -> list[str]:
    """Let one block move these amounts to the holders, one after another."""
    hashes = [
        rig.send(signed(0, nonce + place, TOKEN, transfer_data(HOLDERS[place % 4], amount)))
        for place, amount in enumerate(amounts)
    ]
    rig.mine()
    return hashes


def view(signature: str, *values: Any) -> dict[str, str]:
    """Return the call object of a question to the token."""
    return {"to": hexed(TOKEN), "input": hexed(encode_call(signature, *values))}


def word(address: Address) -> str:
    """Return an address as a topic."""
    return "0x" + address.hex().rjust(64, "0")
