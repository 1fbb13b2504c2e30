// ethers.js against a live node, used as its documentation does.
"use strict";

const { artifact, assert, http, key, library, prove, run, tell, ws } = require("./common.cjs");
const { ethers } = library("ethers");

const SUPPLY = 1_000_000n;
const RECEIVER = ethers.getAddress("0x00000000000000000000000000000000000000e7");

async function sendEther(wallet, provider) {
  const before = await provider.getBalance(RECEIVER);
  const sent = await wallet.sendTransaction({ to: RECEIVER, value: ethers.parseEther("1.5") });
  const receipt = await sent.wait();
  assert.strictEqual(receipt.status, 1);
  assert.strictEqual(receipt.gasUsed, 21_000n);
  assert.strictEqual((await provider.getBalance(RECEIVER)) - before, ethers.parseEther("1.5"));
  const known = await provider.getTransaction(sent.hash);
  assert.strictEqual(known.blockNumber, receipt.blockNumber);
  assert.strictEqual(known.from, wallet.address);
  const block = await provider.getBlock(receipt.blockNumber, true);
  assert(block.transactions.includes(sent.hash));
  tell("sent", { hash: sent.hash, block: receipt.blockNumber });
}

async function deploy(wallet) {
  const factory = new ethers.ContractFactory(artifact.abi, artifact.creation, wallet);
  const token = await factory.deploy(SUPPLY);
  await token.waitForDeployment();
  assert.strictEqual(await token.name(), "Orrery Token");
  assert.strictEqual(await token.balanceOf(wallet.address), SUPPLY);
  tell("deployed", { address: await token.getAddress() });
  return token;
}

async function readEvents(token, wallet) {
  const socket = new ethers.WebSocketProvider(ws);
  const heard = new Promise((resolve) => {
    const listening = new ethers.Contract(token.target, artifact.abi, socket);
    listening.on("Transfer", (from, to, value) => resolve({ from, to, value }));
  });
  await socket.send("eth_chainId", []); // the subscription was sent before
  const heads = new Promise((resolve) => socket.once("block", resolve));
  const estimate = await token.transfer.estimateGas(RECEIVER, 250n);
  const sent = await token.transfer(RECEIVER, 250n);
  const receipt = await sent.wait();
  assert(receipt.gasUsed <= estimate, `${receipt.gasUsed} used, ${estimate} estimated`);
  assert.strictEqual(receipt.logs.length, 1);
  assert.deepStrictEqual(await heard, { from: wallet.address, to: RECEIVER, value: 250n });
  assert((await heads) >= 1);
  const past = await token.queryFilter("Transfer", 0, "latest");
  assert.strictEqual(past.length, 2);
  assert.strictEqual(past[1].transactionHash, sent.hash);
  tell("heard", { gas: receipt.gasUsed, estimate });
  await socket.destroy();
}

async function refuse(token, wallet) {
  const why = (promise) => promise.then(() => null, (reason) => reason);
  const estimated = await why(token.transfer.estimateGas(RECEIVER, SUPPLY + 1n));
  assert(ethers.isCallException(estimated), `expected a revert, got ${estimated}`);
  const error = await why(token.transfer.staticCall(RECEIVER, SUPPLY + 1n));
  assert.strictEqual(error.revert.name, "InsufficientBalance");
  const stale = { to: RECEIVER, value: 1n, nonce: 0, gasLimit: 21_000n };
  const low = await why(wallet.sendTransaction(stale));
  assert(ethers.isError(low, "NONCE_EXPIRED"), `expected NONCE_EXPIRED, got ${low && low.code}`);
  const rich = { to: RECEIVER, value: ethers.parseEther("1000000000"), gasLimit: 21_000n };
  const broke = await why(wallet.sendTransaction(rich));
  assert(ethers.isError(broke, "INSUFFICIENT_FUNDS"), `got ${broke && broke.code}`);
  tell("refused", { revert: error.revert.name });
}

async function checkProof(token, wallet, provider) {
  const height = await provider.getBlockNumber();
  const tag = ethers.toQuantity(height);
  const slot = ethers.solidityPackedKeccak256(["uint256", "uint256"], [wallet.address, 1n]);
  const proof = await provider.send("eth_getProof", [token.target, [slot], tag]);
  const block = await provider.send("eth_getBlockByNumber", [tag, false]);
  const leaf = prove(block.stateRoot, token.target, proof.accountProof, ethers);
  const account = ethers.decodeRlp(leaf);
  assert.strictEqual(account[2], proof.storageHash);
  const value = prove(proof.storageHash, slot, proof.storageProof[0].proof, ethers);
  assert.strictEqual(BigInt(ethers.decodeRlp(value)), SUPPLY - 250n);
  tell("proved", { height });
}

run(async () => {
  const provider = new ethers.JsonRpcProvider(http, undefined, { pollingInterval: 100 });
  const wallet = new ethers.Wallet(key, provider);
  const network = await provider.getNetwork();
  tell("connected", { chain: network.chainId, height: await provider.getBlockNumber() });
  await sendEther(wallet, provider);
  const token = await deploy(wallet);
  await readEvents(token, wallet);
  await refuse(token, wallet);
  await checkProof(token, wallet, provider);
  provider.destroy();
});
