"""Precompiled contracts: arithmetic that the virtual machine provides at fixed addresses."""

from contracts.precompiles.precompile import Precompile
from contracts.precompiles.table import precompiles_for

__all__ = ["Precompile", "precompiles_for"]
