"""Compact blocks: a block in 6 bytes for each transaction that its receiver already holds."""
