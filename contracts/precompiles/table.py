"""Which precompiles each fork has, and at which prices."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from contracts.precompiles import (
    blake2,
    hashes,
    modexp,
    p256,
    point_evaluation,
    recover,
)
from contracts.precompiles.bls12_381 import calls as bls, prices
from contracts.precompiles.bn254 import calls as bn254
from contracts.precompiles.precompile import Gas, Precompile, Run, fixed
from primitives.fork import Fork
from primitives.ids import Address

Row = tuple[int, str, Gas, Run]


def precompiles_for(fork: Fork) -> Mapping[Address, Precompile]:
    """Return the precompiles of a fork by their addresses, in the order of these."""
    table = {}
    for number, name, gas, run in _rows(fork):
        address = Address(number.to_bytes(20, "big"))
        table[address] = Precompile(address, name, gas, run)
    return MappingProxyType(table)


def _rows(fork: Fork) -> Iterator[Row]:
    yield 0x01, "ECREC", fixed(3_000), recover.recover_address
    yield 0x02, "SHA256", hashes.sha256_gas, hashes.sha256
    yield 0x03, "RIPEMD160", hashes.ripemd160_gas, hashes.ripemd160_padded
    yield 0x04, "ID", hashes.identity_gas, hashes.identity
    if fork >= Fork.BYZANTIUM:
        yield 0x05, "MODEXP", *_modexp(fork)
        yield from _bn254(fork)
    if fork >= Fork.ISTANBUL:
        yield 0x09, "BLAKE2F", blake2.blake2f_gas, blake2.blake2f
    if fork >= Fork.CANCUN:
        yield 0x0A, "KZG_POINT_EVALUATION", fixed(50_000), point_evaluation.point_evaluation
    if fork >= Fork.PRAGUE:
        yield from _bls12_381()
    if fork >= Fork.OSAKA:
        yield 0x100, "P256VERIFY", fixed(6_900), p256.p256_verify


def _modexp(fork: Fork) -> tuple[Gas, Run]:
    if fork >= Fork.OSAKA:
        return modexp.gas_osaka, modexp.modexp_bounded
    if fork >= Fork.BERLIN:
        return modexp.gas_berlin, modexp.modexp
    return modexp.gas_byzantium, modexp.modexp


def _bn254(fork: Fork) -> tuple[Row, ...]:
    cheap = fork >= Fork.ISTANBUL
    pairing_gas = bn254.pairing_gas(*((45_000, 34_000) if cheap else (100_000, 80_000)))
    return (
        (0x06, "BN254_ADD", fixed(150 if cheap else 500), bn254.add),
        (0x07, "BN254_MUL", fixed(6_000 if cheap else 40_000), bn254.multiply),
        (0x08, "BN254_PAIRING", pairing_gas, bn254.pairing),
    )


def _bls12_381() -> tuple[Row, ...]:
    return (
        (0x0B, "BLS12_G1ADD", fixed(prices.G1_ADD), bls.g1_add),
        (0x0C, "BLS12_G1MSM", prices.g1_msm_gas, bls.g1_msm),
        (0x0D, "BLS12_G2ADD", fixed(prices.G2_ADD), bls.g2_add),
        (0x0E, "BLS12_G2MSM", prices.g2_msm_gas, bls.g2_msm),
        (0x0F, "BLS12_PAIRING_CHECK", prices.pairing_gas, bls.pairing_check),
        (0x10, "BLS12_MAP_FP_TO_G1", fixed(prices.MAP_FP_TO_G1), bls.map_fp_to_g1),
        (0x11, "BLS12_MAP_FP2_TO_G2", fixed(prices.MAP_FP2_TO_G2), bls.map_fp2_to_g2),
    )
