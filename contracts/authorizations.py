"""Set-code authorizations: accounts that let the transaction set whose code they run."""

from contracts.creation import NONCE_LIMIT
from contracts.delegation import designated, designator
from contracts.gas import AUTHORIZATION_BASE, AUTHORIZATION_NEW_ACCOUNT
from contracts.state import State
from primitives.address import ZERO_ADDRESS
from primitives.transaction import Authorization, recover_authority


def apply_authorizations(
    state: State, authorizations: tuple[Authorization, ...], chain_id: int
) -> int:
    """Set the code of every account that has authorized it; skip authorizations that do not hold.

    Returns:
        Gas to refund: all were charged as if they made a new account.

    Reference: EIP-7702, behaviour.
    """
    refund = 0
    for authorization in authorizations:
        if _apply(state, authorization, chain_id):
            refund += AUTHORIZATION_NEW_ACCOUNT - AUTHORIZATION_BASE
    return refund


def _apply(state: State, authorization: Authorization, chain_id: int) -> bool:
    """Apply one; return whether it was paid too dearly, because the account exists."""
    if authorization.chain_id not in (0, chain_id) or authorization.nonce >= NONCE_LIMIT:
        return False
    authority = recover_authority(authorization)
    if authority is None:
        return False
    state.warm_address(authority)
    code = state.code(authority)
    if code and designated(code) is None:
        return False
    if state.nonce(authority) != authorization.nonce:
        return False
    existed = not state.is_empty(authority)
    delegate = authorization.address
    state.set_code(authority, b"" if delegate == ZERO_ADDRESS else designator(delegate))
    state.set_nonce(authority, authorization.nonce + 1)
    return existed
