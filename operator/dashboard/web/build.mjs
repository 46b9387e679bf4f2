// Bundles what the report needs into one classic script: no module loader, no network, no eval.
// `node build.mjs` writes dist/report.js. Its first line names the sources it was made from, so that the crate's build
// script can tell a bundle that is out of date.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";

import { build } from "esbuild";

/** In this order; build.rs reads them the same way. */
const sources = [
  "build.mjs",
  "package-lock.json",
  "package.json",
  ...readdirSync("src").filter((name) => name.endsWith(".ts")).sort().map((name) => `src/${name}`),
];
const digest = createHash("sha256");
for (const source of sources) digest.update(readFileSync(source));

await build({
  entryPoints: ["src/report.ts"],
  outfile: "dist/report.js",
  banner: { js: `/* sources ${digest.digest("hex")} */` },
  bundle: true,
  format: "iife",
  target: ["es2022"],
  platform: "browser",
  minify: true,
  charset: "ascii",
  legalComments: "eof",
  logLevel: "warning",
});
