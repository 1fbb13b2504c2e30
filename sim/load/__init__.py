"""Load over JSON-RPC: signed transactions to nodes that run in real time."""
