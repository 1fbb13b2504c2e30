"""The virtual machine of one fork: rules, handlers, precompiles, and code that is decoded."""

from collections.abc import Mapping

from contracts.assemble import Assembler
from contracts.frame import CallWatcher, Frame
from contracts.precompiles import Precompile, precompiles_for
from contracts.program import UNMADE, Block, Program
from contracts.rules import rules_for
from contracts.state import AccountReader
from contracts.stepping import Stepper
from primitives.fork import LATEST, Fork
from primitives.ids import Address, Hash32
from primitives.keccak import EMPTY_KECCAK

CODE_BYTES_KEPT = 16 * 1024 * 1024
"""Bytes of code whose decoded form is kept, unless told otherwise."""
STEPPED_RUNS = 16
"""So many runs of a block go instruction by instruction before it is made ready as a whole."""


class Evm:
    """What is the same for all transactions of a fork. One for each worker.

    Args:
        fork: whose rules hold.
        code_bytes_kept: bound of the cache of decoded code, in bytes of code. Decoded code takes
            up to some hundred times its bytes where all of it runs. The oldest goes first.
        stepped_runs: runs of a basic block before it is made ready to run as a whole.
        watcher: told of each call that starts inside another (`contracts.watching`).

    Whether code was decoded before shows in nothing but time.
    """

    __slots__ = (
        "_bytes", "_bytes_max", "_programs", "_stepped_runs", "assembler", "fork",
        "precompiles", "rules", "stepper", "watcher",
    )  # fmt: skip

    def __init__(
        self,
        fork: Fork = LATEST,
        code_bytes_kept: int = CODE_BYTES_KEPT,
        stepped_runs: int = STEPPED_RUNS,
        watcher: CallWatcher | None = None,
    ) -> None:
        self.fork = fork
        self.rules = rules_for(fork)
        self.precompiles: Mapping[Address, Precompile] = precompiles_for(fork)
        self.assembler = Assembler(self.rules)
        self.stepper = Stepper(self.rules)
        self.watcher = watcher
        self._stepped_runs = stepped_runs
        self._programs: dict[Hash32, Program] = {}
        self._bytes = 0
        self._bytes_max = code_bytes_kept

    def program_of(self, state: AccountReader, address: Address) -> Program | None:
        """Return the program that an account's code is, None without code."""
        code_hash = state.code_hash(address)
        if code_hash == EMPTY_KECCAK:
            return None
        program = self._programs.get(code_hash)
        if program is None:
            program = Program(state.code(address))
            self._keep(code_hash, program)
        return program

    def initcode_program(self, initcode: bytes) -> Program:
        """Return the program of code that creates a contract: it runs once, and is not kept."""
        return Program(initcode)

    def enter(self, block: Block, f: Frame) -> Block | None:
        """Enter a block that cannot be run as a whole: make it ready, or step through it.

        Returns:
            The block to go on with, maybe the same; None: see `contracts.frame.End`.

        Raises:
            ExceptionalHalt: an instruction has failed.
        """
        if block.needs == UNMADE:
            block.runs += 1
            if block.runs > self._stepped_runs:
                self.assembler.make(block)
                return block
        return self.stepper.run(block, f)

    def _keep(self, code_hash: Hash32, program: Program) -> None:
        self._programs[code_hash] = program
        self._bytes += len(program.code)
        while self._bytes > self._bytes_max and len(self._programs) > 1:
            oldest = self._programs.pop(next(iter(self._programs)))
            self._bytes -= len(oldest.code)
