// What the scripts of this folder share: where libraries are, what they were told, how they answer.
//
//   node ethers.cjs|viem.cjs HTTP_URL WS_URL KEY ARTIFACT
//
// ORRERY_WALLETS names the folder with node_modules (`make wallets` makes build/wallets). Each step
// prints one line of JSON; the exit code says whether all went well.
"use strict";

const assert = require("assert");
const fs = require("fs");
const path = require("path");
const { createRequire } = require("module");

const [http, ws, key, artifactFile] = process.argv.slice(2);
const artifact = JSON.parse(fs.readFileSync(artifactFile, "utf8"));
const library = createRequire(path.join(path.resolve(process.env.ORRERY_WALLETS), "package.json"));

function tell(step, facts) {
  const plain = (_, value) => (typeof value === "bigint" ? value.toString() : value);
  console.log(JSON.stringify({ step, ...facts }, plain));
}

/// Walk a proof of the Merkle Patricia trie down from its root, and return the RLP at its end.
function prove(root, path, nodes, { keccak256, decodeRlp }) {
  const nibbles = [...keccak256(path).slice(2)];
  let expected = root;
  for (const node of nodes) {
    assert.strictEqual(keccak256(node), expected, "a node of the proof has another hash");
    const items = decodeRlp(node);
    if (items.length === 17) {
      expected = items[parseInt(nibbles.shift(), 16)];
      continue;
    }
    const [flag, ...rest] = items[0].slice(2);
    const part = flag === "1" || flag === "3" ? rest : rest.slice(1);
    assert.deepStrictEqual(nibbles.splice(0, part.length), part, "the proof leads elsewhere");
    if (flag === "2" || flag === "3") {
      assert.strictEqual(nibbles.length, 0);
      return items[1];
    }
    expected = items[1];
  }
  throw new Error("the proof ends before its leaf");
}

async function run(main) {
  const patience = setTimeout(() => {
    console.error("the script took more than two minutes");
    process.exit(3);
  }, 120_000);
  try {
    await main();
    tell("done", {});
  } catch (error) {
    console.error(error);
    process.exit(1); // open sockets would keep it alive
  } finally {
    clearTimeout(patience);
  }
}

module.exports = { artifact, assert, http, key, library, prove, run, tell, ws };
