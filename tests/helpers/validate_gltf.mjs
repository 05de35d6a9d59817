// Runs Khronos' gltf-validator over the files named and prints one JSON object a file.
// usage: node validate_gltf.mjs NODE_MODULES FILE...
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const [modules, ...files] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(modules), "here.js"));
const validator = require(path.join(path.resolve(modules), "gltf-validator"));

for (const file of files) {
  const report = await validator.validateBytes(new Uint8Array(readFileSync(file)), { uri: file });
  const { numErrors, numWarnings, numInfos, numHints, messages } = report.issues;
  console.log(JSON.stringify({ file, numErrors, numWarnings, numInfos, numHints, messages }));
}
