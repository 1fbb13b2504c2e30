"""txpool_ methods: what waits at the node.

Reference: execution-apis src/txpool; go-ethereum's txpool namespace, which has `inspect` too.
"""

import asyncio
from collections.abc import Callable
from time import monotonic_ns
from typing import Any

from node.mempool_sender import SenderQueue
from node.rpc.arguments import address, required
from node.rpc.backend import Backend
from node.rpc.hexes import data_hex, quantity_hex
from node.rpc.methods import Method, Parameters
from node.rpc.transaction_shapes import transaction_shape
from node.validation import PooledTransaction
from primitives.address import format_address
from primitives.ids import Address

SLICE_NS = 2_000_000
Show = Callable[[PooledTransaction], Any]


def pool_methods() -> tuple[Method, ...]:
    """Return them."""
    return (
        Method("txpool_status", status),
        Method("txpool_content", content, cost=200),
        Method("txpool_contentFrom", content_from, 1, cost=20),
        Method("txpool_inspect", inspect, cost=200),
    )


def status(backend: Backend, parameters: Parameters) -> dict[str, str]:
    """txpool_status."""
    pool = backend.node.pool
    return {
        "pending": quantity_hex(pool.pending_count),
        "queued": quantity_hex(pool.queued_count),
    }


async def content(backend: Backend, parameters: Parameters) -> dict[str, Any]:
    """txpool_content."""
    return await _by_sender(backend, _transaction)


def content_from(backend: Backend, parameters: Parameters) -> dict[str, Any]:
    """txpool_contentFrom."""
    queue = backend.node.pool.queue(Address(required(parameters, 0, address)))
    pending, queued = ({}, {}) if queue is None else _split(queue, _transaction)
    return {"pending": pending, "queued": queued}


async def inspect(backend: Backend, parameters: Parameters) -> dict[str, Any]:
    """txpool_inspect: one line for each transaction."""
    return await _by_sender(backend, _line)


async def _by_sender(backend: Backend, show: Show) -> dict[str, Any]:
    """Return what waits, by sender and nonce; other things go on meanwhile."""
    pool = backend.node.pool
    pending: dict[str, Any] = {}
    queued: dict[str, Any] = {}
    begun = monotonic_ns()
    for sender in pool.senders():
        queue = pool.queue(sender)
        if queue is not None:
            name = format_address(sender)
            for all_, own in zip((pending, queued), _split(queue, show), strict=True):
                if own:
                    all_[name] = own
        if monotonic_ns() - begun > SLICE_NS:
            await asyncio.sleep(0)
            begun = monotonic_ns()
    return {"pending": pending, "queued": queued}


def _split(queue: SenderQueue, show: Show) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what can be executed and what stands behind a gap, by nonce."""
    pending: dict[str, Any] = {}
    queued: dict[str, Any] = {}
    for nonce in sorted(queue.entries):
        part = pending if nonce < queue.pending_end else queued
        part[str(nonce)] = show(queue.entries[nonce].transaction)
    return pending, queued


def _transaction(pooled: PooledTransaction) -> dict[str, Any]:
    return transaction_shape(pooled.transaction, pooled.hash, pooled.sender, None)


def _line(pooled: PooledTransaction) -> str:
    to = "contract creation" if pooled.to is None else data_hex(pooled.to)
    gas, price = pooled.gas_limit, pooled.max_fee_per_gas
    return f"{to}: {pooled.value} wei + {gas} gas × {price} wei"  # noqa: RUF001
