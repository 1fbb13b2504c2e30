// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

interface Fungible {
    function transfer(address to, uint256 value) external returns (bool);
    function transferFrom(address from, address to, uint256 value) external returns (bool);
}

/// Two tokens that are exchanged for one another so that the product of the reserves never falls.
contract Pair {
    Fungible public token0;
    Fungible public token1;
    uint112 public reserve0;
    uint112 public reserve1;

    /// What is kept of each amount that comes in, in thousandths.
    uint256 public constant FEE = 3;

    event Swap(address indexed trader, bool zeroForOne, uint256 amountIn, uint256 amountOut);
    event Deposit(address indexed provider, uint256 amount0, uint256 amount1);

    error TooLittleOut(uint256 amountOut, uint256 wanted);
    error TransferFailed();

    constructor(Fungible first, Fungible second) {
        token0 = first;
        token1 = second;
    }

    /// Add to the reserves. There are no shares: what is deposited stays.
    function deposit(uint256 amount0, uint256 amount1) external {
        uint256 sum0 = reserve0 + amount0;
        uint256 sum1 = reserve1 + amount1;
        require(sum0 <= type(uint112).max && sum1 <= type(uint112).max);
        reserve0 = uint112(sum0);
        reserve1 = uint112(sum1);
        take(token0, amount0);
        take(token1, amount1);
        emit Deposit(msg.sender, amount0, amount1);
    }

    /// Give `amountIn` of one token, get at least `wanted` of the other.
    function swap(bool zeroForOne, uint256 amountIn, uint256 wanted)
        external
        returns (uint256 amountOut)
    {
        (uint256 reserveIn, uint256 reserveOut) =
            zeroForOne ? (reserve0, reserve1) : (reserve1, reserve0);
        uint256 counted = amountIn * (1000 - FEE);
        amountOut = (counted * reserveOut) / (reserveIn * 1000 + counted);
        if (amountOut < wanted) revert TooLittleOut(amountOut, wanted);
        reserveIn += amountIn;
        reserveOut -= amountOut;
        require(reserveIn <= type(uint112).max);
        (reserve0, reserve1) = zeroForOne
            ? (uint112(reserveIn), uint112(reserveOut))
            : (uint112(reserveOut), uint112(reserveIn));
        (Fungible sold, Fungible bought) = zeroForOne ? (token0, token1) : (token1, token0);
        take(sold, amountIn);
        if (!bought.transfer(msg.sender, amountOut)) revert TransferFailed();
        emit Swap(msg.sender, zeroForOne, amountIn, amountOut);
    }

    function take(Fungible token, uint256 amount) private {
        if (!token.transferFrom(msg.sender, address(this), amount)) revert TransferFailed();
    }
}
