// How soon a study's page is useful: `node test/paint.mjs FOLDER STUDY …`, folders as `studious run` keeps them, each served
// afresh to an open browser. Prints milliseconds from the address to the goal, to the first rows of trials and to the first
// conclusions, the first time and again, and the last study's page as a multiple of the first's.
import { once } from "node:events";
import { spawn } from "node:child_process";

import { chromium } from "playwright-core";

const [, , ...given] = process.argv;
const studious = process.env["STUDIOUS"] ?? "studious";
const browser = await chromium.launch({ executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
// A browser that has just started is slow at its first page, whichever it is.
await paint("data:text/html,<h1>open</h1><div class=trials-table><p class=row><a>.</a></div><ol class=questions><li>.</ol>", "");

/** Milliseconds to each of three sights, from the moment the address is entered. */
async function paint(address, study) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const begun = performance.now();
  await page.goto(study === "" ? address : `${address}#/studies/local/${study}`);
  const sights = {};
  for (const [what, selector] of [["goal", "h1"], ["trials", ".trials-table .row a"], ["conclusions", ".questions li"]]) {
    await page.locator(selector).first().waitFor({ timeout: 120_000 });
    sights[what] = Math.round(performance.now() - begun);
  }
  await context.close();
  return sights;
}

const medians = [];
for (let i = 0; i + 1 < given.length; i += 2) {
  const [folder, study] = [given[i], given[i + 1]];
  const child = spawn(studious, ["ui", folder, "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(child.stdout, "data");
  const address = String(line).trim();
  const first = await paint(address, study);
  const again = [];
  for (let n = 0; n < 5; n += 1) again.push(await paint(address, study));
  const median = (what) => again.map((sights) => sights[what]).sort((a, b) => a - b)[2];
  const shown = Object.keys(first).map((what) => `${what} ${first[what]} ms, again ${median(what)} ms`);
  console.log(`${study}: ${shown.join("; ")}`);
  medians.push(median("trials"));
  child.kill("SIGKILL");
}
if (medians.length > 1) console.log(`rows again: ${(medians.at(-1) / medians[0]).toFixed(2)} times the first study's`);
await browser.close();
