"""Handlers of instructions, a file for each family."""
