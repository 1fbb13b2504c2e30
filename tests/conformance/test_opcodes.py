"""Public vectors of two-operand instructions, each with its operands in several places.

Operands that are constants are drawn into the instruction (`contracts.fusion`), those from calldata
are not: all ways must give the same.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from contracts.evm import Evm
from contracts.opcodes import Op
from tests.conformance.material import from_hex, read_files
from tests.conformance.tally import Tally
from tests.unit.contracts.rig import execute, push

OPCODES: Mapping[str, Op] = MappingProxyType(
    {
        "add": Op.ADD, "and": Op.AND, "byte": Op.BYTE, "div": Op.DIV, "eq": Op.EQ, "exp": Op.EXP,
        "gt": Op.GT, "lt": Op.LT, "mod": Op.MOD, "mul": Op.MUL, "or": Op.OR, "sar": Op.SAR,
        "sdiv": Op.SDIV, "sgt": Op.SGT, "shl": Op.SHL, "shr": Op.SHR, "signext": Op.SIGNEXTEND,
        "slt": Op.SLT, "smod": Op.SMOD, "sub": Op.SUB, "xor": Op.XOR,
    }
)  # fmt: skip
"""By the name in the file's name."""

WAYS: Mapping[str, Callable[[int, int], str]] = MappingProxyType(
    {
        "constants": lambda a, b: push(b) + push(a),
        "swapped": lambda a, b: push(a) + push(b) + "90",
        "calldata": lambda a, b: "602035600035",
        "constant on top": lambda a, b: "602035" + push(a),
        "constant below": lambda a, b: "600035" + push(b) + "90",
        "copy on top": lambda a, b: "60003560203581",
        "copy and constant": lambda a, b: "602035" + "80" + push(a),
        "constant and copy": lambda a, b: "600035" + push(b) + "81",
    }
)
"""Code that leaves a on top and b below it; calldata holds both."""


def test_opcode_vectors(vectors: Path, record_property: Callable[[str, object], None]) -> None:
    tally = Tally("opcode vectors")
    evms = {"stepped": Evm(), "fused": Evm(stepped_runs=0)}
    for path, cases in read_files(vectors / "ethereum" / "opcode-vectors"):
        opcode = OPCODES[path.stem.removeprefix("testcases_")]
        for case in cases:
            assert set(case) == {"X", "Y", "Expected"}, f"unknown fields in {path}"
            below, top, expected = (from_hex(case[name]) for name in ("X", "Y", "Expected"))
            wrong = [
                f"{path.name}, {way}, {form}: X={case['X']} Y={case['Y']} gives 0x{result.hex()}"
                for form, evm in evms.items()
                for way, write in WAYS.items()
                if (result := _result(evm, opcode, write, top, below)) != expected
            ]
            tally.add(wrong)
    tally.report(record_property)


def _result(
    evm: Evm, opcode: Op, write: Callable[[int, int], str], top: bytes, below: bytes
) -> bytes:
    operands = write(int.from_bytes(top, "big"), int.from_bytes(below, "big"))
    frame = execute(f"{operands}{opcode:02x}60005260206000f3", data=top + below, evm=evm)
    return frame.output
