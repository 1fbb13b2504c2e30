"""Durable rows, and the accounts of a chain with their commitment."""
