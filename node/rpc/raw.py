"""debug_getRaw... methods: blocks, headers, receipts and transactions as they are encoded.

Reference: execution-apis src/debug/getters.yaml.
"""

from functools import partial

from node.rpc.arguments import hash32, required
from node.rpc.backend import Backend
from node.rpc.block_id import Tag, block_id
from node.rpc.chain import ChainReader, FinalBlock
from node.rpc.errors import server_error
from node.rpc.hexes import data_hex
from node.rpc.methods import Method, Parameters
from primitives.block import encode_block
from primitives.header import encode_header
from primitives.ids import Hash32
from primitives.receipt import encode_receipt


def raw_methods(chain: ChainReader) -> tuple[Method, ...]:
    """Return them."""
    return (
        Method("debug_getRawHeader", partial(header, chain), 1, cost=2),
        Method("debug_getRawBlock", partial(block, chain), 1, cost=10),
        Method("debug_getRawReceipts", partial(receipts, chain), 1, cost=20),
        Method("debug_getRawTransaction", partial(transaction, chain), 1, cost=2),
    )


def header(chain: ChainReader, backend: Backend, parameters: Parameters) -> str:
    """debug_getRawHeader."""
    return data_hex(encode_header(_named(chain, backend, parameters).header))


def block(chain: ChainReader, backend: Backend, parameters: Parameters) -> str:
    """debug_getRawBlock."""
    return data_hex(encode_block(_named(chain, backend, parameters).block))


def receipts(chain: ChainReader, backend: Backend, parameters: Parameters) -> list[str]:
    """debug_getRawReceipts."""
    found = _named(chain, backend, parameters)
    return [data_hex(encode_receipt(receipt)) for receipt in found.receipts]


def transaction(chain: ChainReader, backend: Backend, parameters: Parameters) -> str | None:
    """debug_getRawTransaction: of a block or of the pool; null if it is not known."""
    digest = Hash32(required(parameters, 0, hash32))
    pooled = backend.node.pool.get(digest)
    if pooled is not None:
        return data_hex(pooled.raw)
    found = chain.find(backend, digest)
    return None if found is None else data_hex(found[0].block.transactions[found[1]])


def _named(chain: ChainReader, backend: Backend, parameters: Parameters) -> FinalBlock:
    name = required(parameters, 0, block_id)
    if name is Tag.PENDING:
        raise server_error("pending block is not available")
    found = chain.named(backend, name)
    if found is None:
        raise server_error("block not found")
    return found
