"""Accounts in layers."""

from hypothesis import given, strategies as st

from primitives.ids import Address, Hash32, Wei
from primitives.keccak import keccak256
from primitives.trie import EMPTY_ROOT, secure_trie_root
from storage.account import ABSENT, Account, account_leaf, has_code, is_empty
from storage.changes import StateChanges
from storage.state import StateLayer, StateOverlay, genesis_state


def address(number: int) -> Address:
    return Address(number.to_bytes(20, "big"))


def owning(balance: int, nonce: int = 0) -> Account:
    return Account(nonce, Wei(balance))


def plain_root(accounts: dict[Address, Account]) -> Hash32:
    return secure_trie_root({key: account_leaf(value) for key, value in accounts.items()})


def test_an_account_is_empty_without_nonce_balance_and_code() -> None:
    assert is_empty(ABSENT)
    assert not is_empty(owning(1))
    assert not is_empty(owning(0, nonce=1))
    contract = Account(code_hash=keccak256(b"code"))
    assert not is_empty(contract)
    assert has_code(contract)
    assert not has_code(owning(1))


def test_the_leaf_is_the_known_encoding() -> None:
    """Fields from the Yellow Paper's order: nonce, balance, storage root, code hash."""
    leaf = account_leaf(owning(256, nonce=1))
    assert leaf.hex() == (
        "f846" "01" "820100"
        "a056e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
        "a0c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    )  # fmt: skip


def test_genesis_leaves_empty_accounts_out() -> None:
    state = genesis_state({address(1): owning(5), address(2): owning(0)})
    assert state.account(address(2)) is None
    assert state.root() == plain_root({address(1): owning(5)})
    assert genesis_state({}).root() == EMPTY_ROOT


def test_a_layer_answers_for_itself_and_for_what_is_below() -> None:
    first = genesis_state({address(1): owning(5), address(2): owning(7)})
    second = StateLayer(first, {address(1): owning(6), address(2): None})
    assert (first.balance(address(1)), first.balance(address(2))) == (5, 7)
    assert (second.balance(address(1)), second.account(address(2))) == (6, None)
    assert (second.balance(address(2)), second.nonce(address(2))) == (0, 0)
    assert second.accounts() == {address(1): owning(6)}


def test_two_layers_on_one_parent_do_not_disturb_each_other() -> None:
    base = genesis_state({address(1): owning(5)})
    left = StateLayer(base, {address(1): owning(1)})
    right = StateLayer(base, {address(1): owning(2), address(3): owning(3)})
    assert left.root() == plain_root({address(1): owning(1)})
    assert right.root() == plain_root({address(1): owning(2), address(3): owning(3)})
    assert base.root() == plain_root({address(1): owning(5)})


def test_roots_do_not_depend_on_when_they_are_asked_for() -> None:
    def layers() -> list[StateLayer]:
        stack = [genesis_state({address(n): owning(n + 1) for n in range(20)})]
        for height in range(6):
            stack.append(StateLayer(stack[-1], {address(height): owning(100 + height)}))
        return stack

    late, early = layers(), layers()
    roots = [layer.root() for layer in early]
    assert late[-1].root() == roots[-1]
    assert [layer.root() for layer in late] == roots


def test_a_forgotten_trie_is_rebuilt() -> None:
    first = genesis_state({address(n): owning(n + 1) for n in range(20)})
    second = StateLayer(first, {address(3): None, address(30): owning(7)})
    roots = first.root(), second.root()
    for layer in (first, second):
        layer.forget_trie()
    third = StateLayer(second, {address(5): owning(99)})
    assert third.root() == plain_root(third.accounts())
    assert (first.root(), second.root()) == roots


def test_a_trie_that_was_never_computed_cannot_be_forgotten() -> None:
    layer = StateLayer(genesis_state({address(1): owning(5)}), {address(2): owning(6)})
    layer.forget_trie()
    assert layer.root() == plain_root({address(1): owning(5), address(2): owning(6)})


def test_lookups_stay_short_however_many_blocks_there_are() -> None:
    layer = genesis_state({address(n): owning(1) for n in range(1_000)})
    for height in range(300):
        layer = StateLayer(layer, {address(height * 7 % 1_100): owning(height + 2)})
        assert len(layer._runs) <= 11
    assert layer.balance(address(299 * 7 % 1_100)) == 301


def test_an_overlay_reads_its_own_writes_and_leaves_the_base_alone() -> None:
    base = genesis_state({address(1): owning(5)})
    overlay = StateOverlay(base)
    overlay.put(address(1), owning(4, nonce=1))
    overlay.add_balance(address(1), 3)
    overlay.add_balance(address(2), 9)
    assert overlay.account(address(1)) == owning(7, nonce=1)
    assert overlay.account(address(2)) == owning(9)
    assert base.account(address(1)) == owning(5)
    layer = overlay.commit()
    assert list(layer.changes) == [address(1), address(2)]
    assert layer.root() == plain_root({address(1): owning(7, nonce=1), address(2): owning(9)})


def test_an_account_left_empty_is_removed() -> None:
    """EIP-161: neither a touched new account nor an emptied one has a row."""
    base = genesis_state({address(1): owning(5), address(2): owning(1)})
    overlay = StateOverlay(base)
    overlay.put(address(1), owning(0))
    overlay.put(address(3), owning(0))
    assert overlay.account(address(1)) is None
    layer = overlay.commit()
    assert dict(layer.changes) == {address(1): None}
    assert layer.root() == plain_root({address(2): owning(1)})


def test_credit_keeps_the_code() -> None:
    contract = Account(1, Wei(2), keccak256(b"code"))
    overlay = StateOverlay(genesis_state({address(1): contract}))
    overlay.add_balance(address(1), 5)
    assert overlay.account(address(1)) == Account(1, Wei(7), keccak256(b"code"))


BATCHES = st.lists(
    st.dictionaries(st.integers(0, 30).map(address), st.integers(0, 2).map(owning), max_size=12),
    max_size=25,
)


@given(BATCHES)
def test_layers_equal_one_dictionary(batches: list[dict[Address, Account]]) -> None:
    layer = genesis_state({})
    plain: dict[Address, Account] = {}
    for batch in batches:
        overlay = StateOverlay(layer)
        for key, account in batch.items():
            overlay.put(key, account)
            plain[key] = account
            if is_empty(account):
                del plain[key]
        layer = overlay.commit()
        assert layer.accounts() == dict(sorted(plain.items()))
        assert layer.root() == plain_root(plain)


def test_what_was_unset_again_takes_no_room_for_ever() -> None:
    """A contract that uses each slot once, and accounts that come and go, leave no trace."""
    contract = address(1)
    state = StateLayer(None, {contract: owning(5)})
    for number in range(200):
        for value in (1, 0):
            guest = owning(1) if value else None
            accounts = {contract: owning(5), address(1_000 + number): guest}
            state = StateLayer(state, StateChanges(accounts, {contract: {number: value}}))
    cells = sum(run.size for run in state._runs)
    assert cells < 20
    assert state.everything() == StateChanges({contract: owning(5)}, {})
