// A study while it runs: the page follows it by itself, and says so when it can't.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { browser, here, open, run, serve, study, work } from "./harness.mjs";

let chromium;
before(async () => {
  chromium = await browser();
});
after(async () => await chromium.close());

test("a page follows a study from before its first trial to its end", async (t) => {
  const folder = mkdtempSync(join(work, "live-"));
  // Ten seconds: the list of studies is asked for every three, and an idle machine is quick.
  writeFileSync(join(folder, "study.yaml"), readFileSync(join(here, "study.yaml"), "utf8").replace('value: "0"', 'value: "0.1"').replace("trials: 24", "trials: 10"));
  writeFileSync(join(folder, "trainer.py"), readFileSync(join(here, "trainer.py")));
  const { address } = await serve(t, join(folder, "studious-runs"));
  const context = await chromium.newContext();
  const page = await open(context, address, "");
  await page.locator("text=No studies yet").waitFor();
  const { ended, errors } = run(t, ["run", "study.yaml", "--no-progress"], folder);
  await page.getByRole("link", { name: "fallen-error" }).click();
  await page.locator(".standing.running").waitFor();
  const seen = new Set();
  const curves = new Set();
  const watch = async () => {
    const shown = await page.locator(".figures dd").nth(2).textContent();
    seen.add(Number(shown));
    curves.add(await page.locator("figure").count());
  };
  const until = Date.now() + 60_000;
  while ((await page.locator(".standing.completed").count()) === 0) {
    assert.ok(Date.now() < until, `not seen to end: ${[...seen]}; ${errors()}`);
    await watch();
    await page.waitForTimeout(150);
  }
  await watch();
  assert.ok(seen.size >= 3, `the number of ended trials was seen to be ${[...seen]}`);
  await page.waitForFunction(() => document.querySelectorAll(".trials-table .outcome.succeeded").length >= 5);
  // Conclusions and plots come by themselves.
  await page.locator(".questions li").first().waitFor();
  await page.locator("figure[data-plot^=axis]").first().waitFor();
  assert.equal((await ended)[0], 0, errors());
  page.nothingWrong();
  await context.close();
});

test("when the server is gone, what was read stays, and it is said", async (t) => {
  const { address, stop } = await serve(t, join(work, "few"));
  const context = await chromium.newContext();
  const page = await open(context, address, study);
  await page.locator(".trials-table .row").first().waitFor();
  stop();
  await page.locator("text=Showing the last data read").waitFor({ timeout: 25_000 });
  assert.ok((await page.locator(".trials-table .row").count()) > 5);
  await context.close();
});
