"""Contracts that workloads call, written for this project, with their compiled code.

`sources/` has the Solidity texts, `artifacts/` what `compile.js` makes of them (`make contracts`).
"""

from sim.contracts.abi import (
    MalformedCall as MalformedCall,
    encode_arguments as encode_arguments,
    encode_call as encode_call,
    selector as selector,
)
from sim.contracts.artifact import Artifact as Artifact, load_artifact as load_artifact
from sim.contracts.layout import mapping_slot as mapping_slot, packed_word as packed_word
