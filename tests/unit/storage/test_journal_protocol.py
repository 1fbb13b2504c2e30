"""The journal is what the virtual machine asks for, though neither knows of the other."""

import inspect

from contracts.state import (
    AccountReader,
    AccountWriter,
    CreationRecord,
    State,
    StorageAccess,
    TransactionJournal,
)
from storage.journal import Journal
from storage.state import genesis_state

PROTOCOLS = (AccountReader, AccountWriter, StorageAccess, CreationRecord, TransactionJournal)


def test_a_type_checker_takes_a_journal_for_a_state() -> None:
    state: State = Journal(genesis_state({}))
    assert state.snapshot() == 0


def test_every_method_has_the_signature_that_is_asked_for() -> None:
    asked = {
        name: method
        for protocol in PROTOCOLS
        for name, method in vars(protocol).items()
        if inspect.isfunction(method) and not name.startswith("_")
    }
    assert len(asked) >= 23
    for name, method in asked.items():
        assert inspect.signature(getattr(Journal, name)) == inspect.signature(method), name
