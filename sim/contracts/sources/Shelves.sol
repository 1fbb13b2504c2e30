// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Work that is mostly storage: each sender fills a shelf of its own, slot by slot.
contract Shelves {
    mapping(address => mapping(uint256 => uint256)) public value;

    /// Write `count` slots from `first` on. Costs about 22,200 gas for each new one.
    function fill(uint256 first, uint256 count, uint256 content) external {
        mapping(uint256 => uint256) storage shelf = value[msg.sender];
        unchecked {
            for (uint256 place = first; place < first + count; ++place) {
                shelf[place] = content;
            }
        }
    }

    /// Add to `count` slots from `first` on: each is read and written.
    function raise(uint256 first, uint256 count, uint256 by) external {
        mapping(uint256 => uint256) storage shelf = value[msg.sender];
        unchecked {
            for (uint256 place = first; place < first + count; ++place) {
                shelf[place] += by;
            }
        }
    }
}
