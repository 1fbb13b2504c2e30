// Compile sources/*.sol to artifacts/*.json, or compare what is there with what would come out.
//
//   make contracts                             installs the compiler and runs this
//   node sim/contracts/compile.js [--check] [--out DIR] [--source FILE]
//
// Node finds the compiler where NODE_PATH says. Code is compiled without metadata, so that the
// same source gives the same bytes wherever it lies.
"use strict";

const crypto = require("crypto");
const fs = require("fs");
const path = require("path");
const solc = require("solc");

const VERSION = "0.8.37";
const SETTINGS = {
  evmVersion: "osaka",
  optimizer: { enabled: true, runs: 200 },
  metadata: { appendCBOR: false, bytecodeHash: "none" },
};
const WANTED = ["abi", "storageLayout", "evm.bytecode.object", "evm.deployedBytecode.object"];

function compile(file) {
  const name = path.basename(file, ".sol");
  const content = fs.readFileSync(file, "utf8");
  const source = `${name}.sol`;
  const input = {
    language: "Solidity",
    sources: { [source]: { content } },
    settings: { ...SETTINGS, outputSelection: { [source]: { [name]: WANTED } } },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const complaints = (output.errors || []).map((error) => error.formattedMessage);
  if (complaints.length) throw new Error(complaints.join("\n"));
  const made = output.contracts[source][name];
  return {
    name,
    source,
    source_sha256: crypto.createHash("sha256").update(content).digest("hex"),
    compiler: `solc ${solc.version()}`,
    settings: SETTINGS,
    abi: made.abi,
    storage: made.storageLayout.storage.map(({ label, slot, offset, type }) => ({
      label,
      slot: Number(slot),
      offset,
      type,
    })),
    creation: made.evm.bytecode.object,
    runtime: made.evm.deployedBytecode.object,
  };
}

function option(name, otherwise) {
  const position = process.argv.indexOf(name);
  return position < 0 ? otherwise : process.argv[position + 1];
}

function main() {
  if (!solc.version().startsWith(`${VERSION}+`)) {
    throw new Error(`expected solc ${VERSION}, got ${solc.version()}`);
  }
  const folder = path.join(__dirname, "sources");
  const all = fs.readdirSync(folder).sort().map((name) => path.join(folder, name));
  const chosen = option("--source");
  const out = option("--out", path.join(__dirname, "artifacts"));
  const stale = [];
  for (const file of chosen ? [chosen] : all) {
    const artifact = compile(file);
    const text = JSON.stringify(artifact, null, 1) + "\n";
    const target = path.join(out, `${artifact.name}.json`);
    if (!process.argv.includes("--check")) fs.writeFileSync(target, text);
    else if (fs.readFileSync(target, "utf8") !== text) stale.push(target);
  }
  if (stale.length) throw new Error(`differ from their sources: ${stale.join(", ")}`);
}

try {
  main();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
