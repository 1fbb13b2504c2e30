"""Ethereum's five transaction types: bytes, hashes, signatures, gas, and rules without state."""

from primitives.transaction.decode import (
    MAX_TRANSACTION_BYTES as MAX_TRANSACTION_BYTES,
    decode_transaction as decode_transaction,
)
from primitives.transaction.encode import (
    encode_transaction as encode_transaction,
    signing_hash as signing_hash,
    transaction_hash as transaction_hash,
)
from primitives.transaction.errors import InvalidTransaction as InvalidTransaction
from primitives.transaction.fees import (
    effective_gas_price as effective_gas_price,
    effective_tip as effective_tip,
    max_fee_per_gas as max_fee_per_gas,
    max_priority_fee as max_priority_fee,
)
from primitives.transaction.gas import (
    IntrinsicGas as IntrinsicGas,
    intrinsic_gas as intrinsic_gas,
)
from primitives.transaction.rules import check_static as check_static
from primitives.transaction.signing import (
    recover_authority as recover_authority,
    recover_sender as recover_sender,
    sign_authorization as sign_authorization,
    sign_transaction as sign_transaction,
)
from primitives.transaction.types import (
    AccessListEntry as AccessListEntry,
    AccessListTransaction as AccessListTransaction,
    Authorization as Authorization,
    BlobTransaction as BlobTransaction,
    DynamicFeeTransaction as DynamicFeeTransaction,
    LegacyTransaction as LegacyTransaction,
    SetCodeTransaction as SetCodeTransaction,
    Transaction as Transaction,
)
