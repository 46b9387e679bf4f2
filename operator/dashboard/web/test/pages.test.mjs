// Every page as a user meets it: in light and dark, wide and narrow, with keyboard and address bar alone.
import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";

import { accessible, browser, open, serve, study, work } from "./harness.mjs";

let chromium;
before(async () => {
  chromium = await browser();
});
after(async () => await chromium.close());

const trial = `${study}/trials/fallen-error-explore-0003`;
const pages = {
  studies: ["#/", "text=fallen-error"],
  study: [study, "figure[data-drawn=yes]"],
  trial: [trial, "figure[data-drawn=yes]"],
  "two trials": [
    "#/compare?trial=local/fallen-error/fallen-error-explore-0003&trial=local/fallen-error/fallen-error-explore-0004",
    "figure[data-drawn=yes]",
  ],
  "a study beside others": ["#/compare?study=local/fallen-error", "text=Searched"],
  "no such page": ["#/nothing/here", "text=There is no such page"],
  "no such study": ["#/studies/local/nobody", "text=there is no study local/nobody"],
};
const looks = {
  light: { colorScheme: "light", viewport: { width: 1280, height: 900 } },
  dark: { colorScheme: "dark", viewport: { width: 1280, height: 900 } },
  narrow: { colorScheme: "light", viewport: { width: 390, height: 844 } },
};

for (const [look, options] of Object.entries(looks)) {
  test(`every page is accessible, draws and breaks no rule: ${look}`, async (t) => {
    const { address } = await serve(t, join(work, "few"));
    const context = await chromium.newContext(options);
    for (const [name, [hash, sign]] of Object.entries(pages)) {
      const page = await open(context, address, hash);
      // Plots are drawn when they come into view.
      if (sign.startsWith("figure")) await page.locator("figure").first().scrollIntoViewIfNeeded();
      await page.locator(sign).first().waitFor();
      await accessible(page, `${name}, ${look}`);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `${name} is ${overflow} pixels too wide`);
      const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      assert.equal(background === "rgb(255, 255, 255)", look !== "dark", `${name}: ${background}`);
      page.nothingWrong();
      await page.close();
    }
    await context.close();
  });
}

test("answer, findings and plots follow the objective that is chosen, and the address holds it", async (t) => {
  const { address } = await serve(t, join(work, "few"));
  const context = await chromium.newContext();
  const page = await open(context, address, study);
  const picker = page.getByLabel("Judged by");
  const offered = picker.locator("option");
  await offered.nth(1).waitFor({ state: "attached" });
  assert.equal(await picker.inputValue(), "");
  const other = await offered.nth(1).getAttribute("value");
  await picker.selectOption(other ?? "");
  await page.locator("text=Answer, findings and plots are by this").waitFor();
  await page.locator("figure").first().scrollIntoViewIfNeeded();
  await page.locator("figure[data-drawn=yes]").first().waitFor();
  assert.ok(page.url().includes(`by=${encodeURIComponent(other ?? "")}`), page.url());
  await accessible(page, "judged by another objective");
  page.nothingWrong();
  await context.close();
});

test("the report is accessible in light and dark", async () => {
  for (const colorScheme of ["light", "dark"]) {
    const context = await chromium.newContext({ colorScheme });
    const page = await context.newPage();
    await page.goto(pathToFileURL(join(work, "few/fallen-error/report.html")).href);
    await page.locator("html[data-drawn=yes]").waitFor({ state: "attached" });
    await accessible(page, `report, ${colorScheme}`);
    await context.close();
  }
});

test("nothing to see is said so, and what to do", async (t) => {
  const { address } = await serve(t, mkdtempSync(join(work, "empty-")));
  const context = await chromium.newContext();
  const page = await open(context, address, "");
  await page.locator("text=No studies yet").waitFor();
  await page.locator("text=studious run study.yaml").waitFor();
  await accessible(page, "empty");
  page.nothingWrong();
  await context.close();
});

test("headings sort, filters filter, columns are chosen, and an address holds it all", async (t) => {
  const { address } = await serve(t, join(work, "few"));
  const context = await chromium.newContext();
  const page = await open(context, address, study);
  const heading = page.getByRole("columnheader", { name: "learning_rate" });
  const rates = async (of = page) => (await of.locator(".trials-table .row td:nth-child(4)").allTextContents()).map(Number);
  await heading.getByRole("button").click();
  await page.waitForFunction(() => document.querySelector(".trials-table th[aria-sort=ascending]") !== null);
  await page.waitForFunction(() => {
    const cells = [...document.querySelectorAll(".trials-table .row td:nth-child(4)")].map((cell) => Number(cell.textContent));
    return cells.length > 5 && cells.every((x, i) => i === 0 || cells[i - 1] <= x);
  });
  await heading.getByRole("button").click();
  await page.waitForFunction(() => {
    const cells = [...document.querySelectorAll(".trials-table .row td:nth-child(4)")].map((cell) => Number(cell.textContent));
    return cells.length > 5 && cells.every((x, i) => i === 0 || cells[i - 1] >= x);
  });
  await page.getByRole("search", { name: "Filter trials" }).getByRole("combobox", { name: "Outcome" }).selectOption("Infeasible");
  await page.waitForFunction(() => {
    const rows = [...document.querySelectorAll(".trials-table .row")];
    return rows.length > 0 && rows.every((row) => row.textContent.includes("infeasible: Diverged"));
  });
  await page.locator(".columns summary").click();
  await page.locator(".columns").getByLabel("Duration").check();
  await page.getByRole("columnheader", { name: "Duration" }).waitFor();

  // Sent to somebody else, the address shows the same.
  const copy = await open(await chromium.newContext(), address, new URL(page.url()).hash);
  await copy.locator(".trials-table th[aria-sort=descending]").waitFor();
  await copy.getByRole("columnheader", { name: "Duration" }).waitFor();
  assert.deepEqual(await rates(copy), await rates());
  assert.equal(await copy.getByRole("search", { name: "Filter trials" }).getByRole("combobox", { name: "Outcome" }).inputValue(), "Infeasible");
  await page.getByRole("search", { name: "Filter trials" }).getByLabel("Contains").fill("nothing-like-it");
  await page.locator("text=No matching trials").waitFor();
  page.nothingWrong();
  copy.nothingWrong();
  await copy.context().close();
  await context.close();
});

test("the keyboard is enough to look, to sort and to compare", async (t) => {
  const { address } = await serve(t, join(work, "few"));
  const context = await chromium.newContext();
  const page = await open(context, address, "");
  await page.locator("text=fallen-error").first().waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  await page.getByRole("link", { name: "fallen-error" }).focus();
  await page.keyboard.press("Enter");
  await page.locator(".trials-table .row").first().waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "main", "a new page is read from its beginning");
  const objective = page.getByRole("columnheader", { name: "validation_error" }).getByRole("button");
  await objective.focus();
  await page.keyboard.press("Enter");
  await page.locator(".trials-table th[aria-sort=ascending]").waitFor();
  for (const row of [0, 1]) {
    await page.locator(".trials-table .row input").nth(row).focus();
    await page.keyboard.press("Space");
  }
  await page.getByRole("region", { name: "Comparison" }).getByRole("link", { name: "Compare" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "2 trials beside each other" }).waitFor();
  assert.equal(await page.locator(".beside thead th").count(), 3);
  page.nothingWrong();
  await context.close();
});

test("advice is an edit that can be copied", async (t) => {
  const { address } = await serve(t, join(work, "few"));
  const context = await chromium.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
  const page = await open(context, address, study);
  await page.locator(".questions li").first().waitFor();
  assert.equal(await page.locator(".questions li").count(), 5);
  const edit = page.locator(".finding .edit").first();
  await edit.getByRole("button").click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(copied, /^\w+: .+ {2}# spec\.|^# spec\./);
  assert.equal(copied, (await edit.locator("pre").textContent()).trim());
  page.nothingWrong();
  await context.close();
});
