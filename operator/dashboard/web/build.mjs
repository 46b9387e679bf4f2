// Bundles what is looked at, without network access at any time: `dist/report.js`, one classic script that stands inside a
// report; and `dist/app/`, the dashboard's page with its scripts and styles, each also compressed.
// The first line of each entry names the sources it was made from, so that the crate's build script can tell what is out
// of date.
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import { build } from "esbuild";

/** In this order; build.rs reads them the same way. */
const sources = [
  "build.mjs",
  "package-lock.json",
  "package.json",
  ...readdirSync("src", { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).replaceAll("\\", "/"))
    .sort(),
];
const digest = createHash("sha256");
for (const source of sources) digest.update(readFileSync(source));
const hex = digest.digest("hex");
const shared = {
  bundle: true,
  target: ["es2022"],
  platform: "browser",
  minify: true,
  charset: "ascii",
  legalComments: "eof",
  logLevel: "warning",
};

await build({
  ...shared,
  entryPoints: ["src/report.ts"],
  outfile: "dist/report.js",
  banner: { js: `/* sources ${hex} */` },
  format: "iife",
});

// For the command's own engine, which is no browser.
await build({
  ...shared,
  platform: "neutral",
  mainFields: ["module", "main"],
  target: ["es2020"],
  entryPoints: ["src/svg.ts"],
  outfile: "dist/svg.js",
  format: "iife",
});
// How the pages write numbers, for the crate's tests to compare with its own.
await build({
  ...shared,
  platform: "neutral",
  entryPoints: ["src/app/format.ts"],
  outfile: "dist/format.js",
  format: "iife",
  globalName: "format",
});
// Its text is drawn, and measured, in this font.
copyFileSync("node_modules/dejavu-fonts-ttf/ttf/DejaVuSans.ttf", "dist/DejaVuSans.ttf");

rmSync("dist/app", { recursive: true, force: true });
const { metafile } = await build({
  ...shared,
  entryPoints: { app: "src/app/main.tsx" },
  outdir: "dist/app",
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  format: "esm",
  splitting: true,
  jsx: "automatic",
  jsxImportSource: "preact",
  metafile: true,
});

const entry = Object.entries(metafile.outputs).find(([, output]) => output.entryPoint === "src/app/main.tsx");
if (entry === undefined) throw new Error("esbuild made no entry");
const [script, { cssBundle, imports }] = entry;
// What the page needs at once; plots are loaded when one comes into view.
const early = imports.filter((one) => one.kind === "import-statement").map((one) => basename(one.path));
const page = readFileSync("src/app/index.html", "utf8")
  .replace("<!-- head -->", [
    `<link rel="stylesheet" href="assets/${basename(cssBundle)}">`,
    ...early.map((name) => `<link rel="modulepreload" href="assets/${name}">`),
    `<script type="module" src="assets/${basename(script)}"></script>`,
  ].join("\n"));
writeFileSync("dist/app/index.html", page);
mkdirSync("dist/app", { recursive: true });
for (const name of readdirSync("dist/app")) {
  const bytes = readFileSync(join("dist/app", name));
  writeFileSync(join("dist/app", `${name}.br`), brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  }));
  writeFileSync(join("dist/app", `${name}.gz`), gzipSync(bytes, { level: 9 }));
}
// Written last: without it nothing counts as made.
writeFileSync("dist/app.sources", hex);
