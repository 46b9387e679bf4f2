// What the tests share: a browser that is Chromium, `studious` as a user calls it, and eyes for what must never happen.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

export const here = fileURLToPath(new URL(".", import.meta.url));
/** Folders made by test.sh: `few` a finished study and its report, `many` ten thousand trials. */
export const work = process.env["STUDIOUS_TEST_WORK"] ?? assert.fail("run web/test.sh");
const studious = process.env["STUDIOUS"] ?? assert.fail("run web/test.sh");
const axe = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

export async function browser() {
  return await chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    // The tests may run as root, where Chromium's sandbox doesn't work.
    args: ["--no-sandbox"],
  });
}

/** Starts `studious` with these arguments; ended with the test. */
export function run(test, args, cwd = work) {
  const child = spawn(studious, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "exit");
  let errors = "";
  child.stderr.on("data", (data) => {
    errors += data;
  });
  test.after(async () => {
    if (child.exitCode === null) child.kill("SIGKILL");
    await ended;
  });
  return { child, ended, errors: () => errors };
}

/** The link that opens each server, by its address: it holds the server's token. */
const links = new Map();

/** Serves a folder and says where. */
export async function serve(test, folder) {
  const { child, errors } = run(test, ["ui", "--dir", folder, "--port", "0"]);
  const [line] = await Promise.race([once(child.stdout, "data"), once(child, "exit").then(() => assert.fail(errors()))]);
  const link = String(line).trim();
  const address = new URL(link).origin;
  links.set(address, link);
  return { address, stop: () => child.kill("SIGKILL") };
}

/** A page that fails the test when anything is wrong that a user wouldn't see: errors, blocked styles, foreign requests. */
export async function open(context, address, hash) {
  const page = await context.newPage();
  const wrong = [];
  page.on("console", (message) => {
    // A server that is gone is what one test is about.
    if (message.type() === "error" && !message.text().includes("Failed to load resource")) wrong.push(message.text());
  });
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(address) && !url.startsWith("data:") && !url.startsWith("blob:")) wrong.push(`asked ${url}`);
  });
  await page.goto(`${links.get(address)}${hash}`);
  assert.ok(!page.url().includes("token"), "the token stays in the address");
  return Object.assign(page, { nothingWrong: () => assert.deepEqual(wrong, []) });
}

/** What axe-core finds wrong with a page. It comes past the page's policy, which lets nothing foreign in. */
export async function accessible(page, name) {
  const results = await page.evaluate(`(() => { ${axe}; return axe.run(document, { resultTypes: ["violations"] }); })()`);
  const violations = results.violations.map(
    ({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`,
  );
  assert.deepEqual(violations, [], name);
}

export const study = "#/studies/local/fallen-error";
