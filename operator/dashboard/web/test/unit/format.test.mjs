// How the pages write numbers, times, addresses and conditions.
import assert from "node:assert/strict";
import { test } from "node:test";

import { build } from "esbuild";

/** A module of src/app as it is bundled. */
async function load(name) {
  const { outputFiles } = await build({
    entryPoints: [`src/app/${name}`],
    bundle: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    write: false,
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}

const format = await load("format.ts");
const route = await load("route.ts");
const condition = await load("condition.ts");

test("durations carry into the next unit", () => {
  const cases = [
    [0, "0 ms"], [999.4, "999 ms"], [999.6, "1.0 s"], [9_949, "9.9 s"], [9_960, "10 s"], [59_400, "59 s"], [59_700, "1 min 0 s"],
    [119_700, "2 min 0 s"], [3_599_600, "1 h 0 min"], [3_661_000, "1 h 1 min"], [172_799_000, "47 h 59 min"],
    [172_800_000, "2 d 0 h"],
  ];
  for (const [milliseconds, written] of cases) assert.equal(format.duration(milliseconds), written, String(milliseconds));
});

test("numbers have four digits that count, and what is unknown is a dash", () => {
  for (const [x, written] of [[null, "–"], [undefined, "–"], [-0, "0"], [0.000123456, "1.235e-4"], [0.01, "0.01"], [1e7, "1e7"], [Number.NaN, "NaN"]]) {
    assert.equal(format.number(x), written, String(x));
  }
  assert.equal(format.count(1, "trial"), "1 trial");
  assert.equal(format.count(1200, "trial"), "1,200 trials");
});

test("a trial is called by what its study's name leaves of it", () => {
  assert.equal(format.short("s-explore-0001", "s"), "explore-0001");
  assert.equal(format.short("sx-explore-0001", "s"), "sx-explore-0001");
  assert.equal(format.words("SearchSpaceTooNarrow"), "Search space too narrow");
});

test("an address says the same when it is read again", () => {
  const parts = ["studies", "a/b", "100 %", "ä?#"];
  const read = route.read(route.href(parts, { sort: "objective", by: "x/y min" }));
  assert.deepEqual(read.parts, parts);
  assert.deepEqual([...read.query], [["sort", "objective"], ["by", "x/y min"]]);
});

test("an address that nobody wrote well is read as far as it goes", () => {
  assert.deepEqual(route.read("#/studies/%E0%A4%A").parts, ["studies", "%E0%A4%A"]);
  assert.deepEqual(route.read("").parts, []);
});

test("conditions hold for listed values and within intervals", () => {
  const holds = (allowed, x) => condition.holds({ name: "y", when: { x: allowed } }, { x });
  assert.deepEqual([3.9, 4, 8, 8.1].map((x) => holds({ min: 4, max: 8 }, x)), [false, true, true, false]);
  assert.deepEqual([4, 5, 8].map((x) => holds({ above: 4, below: 8 }, x)), [false, true, false]);
  assert.deepEqual(["adam", "sgd", undefined].map((x) => holds(["adam", 1], x)), [true, false, false]);
  assert.deepEqual([holds({ min: 4 }, "5"), condition.holds({ name: "y" }, {})], [false, true]);
  const said = [["adam", "sgd"], { min: 4, max: 8 }, { above: 0.1, max: 0.5 }, { below: 2 }].map(condition.allowedValues);
  assert.deepEqual(said, ["adam or sgd", "from 4 to 8", "above 0.1 and at most 0.5", "below 2"]);
});
