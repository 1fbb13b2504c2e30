// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// A non-fungible token that anybody may mint: the part of ERC-721 that a drop exercises.
contract Collectible {
    /// The next token's number, which is how many there are. Every mint reads and writes it.
    uint256 public totalSupply;
    mapping(uint256 => address) public ownerOf;
    mapping(address => uint256) public balanceOf;

    event Transfer(address indexed from, address indexed to, uint256 indexed id);

    error NotOwner(address owner);

    function mint(address to) external returns (uint256 id) {
        require(to != address(0));
        unchecked {
            id = totalSupply++;
            balanceOf[to]++;
        }
        ownerOf[id] = to;
        emit Transfer(address(0), to, id);
    }

    function transferFrom(address from, address to, uint256 id) external {
        if (msg.sender != from || ownerOf[id] != from) revert NotOwner(ownerOf[id]);
        require(to != address(0));
        unchecked {
            balanceOf[from]--;
            balanceOf[to]++;
        }
        ownerOf[id] = to;
        emit Transfer(from, to, id);
    }
}
