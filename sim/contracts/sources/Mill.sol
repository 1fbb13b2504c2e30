// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Work that is mostly computing: arithmetic and hashing, as many rounds as asked for.
contract Mill {
    event Ground(address indexed sender, uint256 result);

    function grind(uint256 rounds, uint256 seed) external returns (uint256 result) {
        result = seed;
        unchecked {
            for (uint256 round = 0; round < rounds; ++round) {
                result = result * result + round;
                result ^= result >> 7;
                // In scratch space: abi.encode would take fresh memory in each round.
                assembly ("memory-safe") {
                    mstore(0x00, result)
                    mstore(0x20, round)
                    result := keccak256(0x00, 0x40)
                }
            }
        }
        emit Ground(msg.sender, result);
    }
}
