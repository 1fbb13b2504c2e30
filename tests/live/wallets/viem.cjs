// viem against a live node, used as its documentation does.
"use strict";

const { artifact, assert, http, key, library, prove, run, tell, ws } = require("./common.cjs");
const viem = library("viem");
const { privateKeyToAccount } = library("viem/accounts");

const SUPPLY = 5_000n;
const RECEIVER = "0x00000000000000000000000000000000000000a9";

function clients(id) {
  const chain = viem.defineChain({
    id,
    name: "Orrery",
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [http], webSocket: [ws] } },
  });
  const account = privateKeyToAccount(key);
  const settings = { chain, pollingInterval: 100 };
  const batched = viem.http(http, { batch: true });
  return {
    account,
    reader: viem.createPublicClient({ ...settings, transport: batched }),
    wallet: viem.createWalletClient({ ...settings, account, transport: viem.http(http) }),
    listener: viem.createPublicClient({ chain, transport: viem.webSocket(ws) }),
  };
}

async function sendEther({ reader, wallet, account }) {
  const hash = await wallet.sendTransaction({ to: RECEIVER, value: viem.parseEther("0.25") });
  const receipt = await reader.waitForTransactionReceipt({ hash });
  assert.strictEqual(receipt.status, "success");
  assert.strictEqual(viem.getAddress(receipt.from), account.address);
  const [block, nonce, fees] = await Promise.all([
    reader.getBlock({ blockNumber: receipt.blockNumber }),
    reader.getTransactionCount({ address: account.address }),
    reader.getFeeHistory({ blockCount: 4, rewardPercentiles: [25, 75] }),
  ]);
  assert(block.transactions.includes(hash));
  assert(nonce >= 1);
  assert(fees.baseFeePerGas.length >= 2);
  tell("sent", { hash, block: receipt.blockNumber });
}

async function deploy({ reader, wallet }) {
  const bytecode = `0x${artifact.creation}`;
  const hash = await wallet.deployContract({ abi: artifact.abi, bytecode, args: [SUPPLY] });
  const { contractAddress } = await reader.waitForTransactionReceipt({ hash });
  const code = await reader.getCode({ address: contractAddress });
  assert.strictEqual(code, `0x${artifact.runtime}`);
  tell("deployed", { address: contractAddress });
  return contractAddress;
}

async function readEvents({ reader, wallet, listener, account }, address) {
  const { abi } = artifact;
  const call = { address, abi, functionName: "transfer", args: [RECEIVER, 77n] };
  const heard = new Promise((resolve, reject) => {
    listener.watchContractEvent({
      address,
      abi,
      eventName: "Transfer",
      onLogs: (logs) => resolve(logs[0]),
      onError: reject,
    });
  });
  await listener.getBlockNumber(); // the subscription was sent before
  const estimate = await reader.estimateContractGas({ ...call, account });
  const { request } = await reader.simulateContract({ ...call, account });
  const hash = await wallet.writeContract(request);
  const receipt = await reader.waitForTransactionReceipt({ hash });
  assert(receipt.gasUsed <= estimate);
  assert.strictEqual((await heard).args.value, 77n);
  const past = await reader.getContractEvents({ address, abi, fromBlock: 0n });
  assert.strictEqual(past.length, 2);
  const held = await reader.readContract({
    address,
    abi,
    functionName: "balanceOf",
    args: [RECEIVER],
  });
  assert.strictEqual(held, 77n);
  tell("heard", { gas: receipt.gasUsed, estimate });
}

async function refuse({ reader, wallet, account }, address) {
  const call = { address, abi: artifact.abi, functionName: "transfer", args: [RECEIVER, SUPPLY] };
  const error = await reader.simulateContract({ ...call, account }).then(() => null, (e) => e);
  const reverted = error.walk((cause) => cause instanceof viem.ContractFunctionRevertedError);
  assert.strictEqual(reverted.data.errorName, "InsufficientBalance");
  const stale = { to: RECEIVER, value: 1n, nonce: 0, gas: 21_000n };
  const low = await wallet.sendTransaction(stale).then(() => null, (e) => e);
  assert(low.walk((cause) => cause instanceof viem.NonceTooLowError), low.message);
  tell("refused", { revert: reverted.data.errorName });
}

async function checkProof({ reader, account }, address) {
  const blockNumber = await reader.getBlockNumber();
  const packed = viem.encodeAbiParameters(
    [{ type: "address" }, { type: "uint256" }],
    [account.address, 1n],
  );
  const slot = viem.keccak256(packed);
  const proof = await reader.getProof({ address, storageKeys: [slot], blockNumber });
  const { stateRoot } = await reader.getBlock({ blockNumber });
  const tools = { keccak256: viem.keccak256, decodeRlp: viem.fromRlp };
  const leaf = viem.fromRlp(prove(stateRoot, address, proof.accountProof, tools));
  assert.strictEqual(leaf[2], proof.storageHash);
  const value = prove(proof.storageHash, slot, proof.storageProof[0].proof, tools);
  assert.strictEqual(BigInt(viem.fromRlp(value)), SUPPLY - 77n);
  tell("proved", { height: blockNumber });
}

run(async () => {
  const probe = viem.createPublicClient({ transport: viem.http(http) });
  const id = await probe.getChainId();
  const all = clients(id);
  tell("connected", { chain: id, height: await all.reader.getBlockNumber() });
  await sendEther(all);
  const address = await deploy(all);
  await readEvents(all, address);
  await refuse(all, address);
  await checkProof(all, address);
  const socket = await all.listener.transport.getRpcClient();
  socket.close();
});
