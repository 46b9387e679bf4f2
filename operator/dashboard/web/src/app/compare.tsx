import { useState } from "preact/hooks";
import { ask, studyPath, useData } from "./api";
import { allowedValues } from "./condition";
import { number, value, words, whole } from "./format";
import { Outcome, Status, Waiting } from "./parts";
import { Plot } from "./plot";
import { href, studyHref, trialHref, useRoute } from "./route";
import type { ComparisonView, FindingsView, Hyperparameter, StudyItem, StudyList, StudyView, TrialView, TrialsPage } from "./types";

const RHYTHM = 4_000;

export function Compare() {
  const { query } = useRoute();
  const trials = query.getAll("trial");
  const studies = query.getAll("study");
  return (
    <>
      <nav aria-label="Where this is" class="crumbs">
        <a href="#/">Studies</a> <span aria-hidden="true">/</span> compare
      </nav>
      {studies.length > 0 ? <CompareStudies ids={studies.slice(0, 8)} /> : <CompareTrials ids={trials} />}
    </>
  );
}

function CompareTrials({ ids }: { ids: string[] }) {
  const query = new URLSearchParams(ids.map((id) => ["trial", id]));
  const loaded = useData<ComparisonView>(ids.length > 0 ? `v1/compare?${query}` : null, (data) =>
    data.trials.every((trial) => trial.settled) ? null : RHYTHM,
  );
  if (ids.length === 0) return <p class="calm">Choose trials in the table of a study, then “Compare”.</p>;
  const trials = loaded.data?.trials;
  if (trials === undefined) return <Waiting error={loaded.error} what="the trials" again={loaded.again} page />;
  const without = (id: string): string => href(["compare"], new URLSearchParams(ids.filter((other) => other !== id).map((other) => ["trial", other])));
  const names = [...new Set(trials.flatMap((trial) => Object.keys(trial.hyperparameters)))];
  const differs = (values: unknown[]): boolean => new Set(values.map((x) => JSON.stringify(x))).size > 1;
  const rows: [string, (trial: TrialView) => preact.ComponentChildren, boolean][] = [
    ["Study", (trial) => <a href={studyHref(trial.namespace, trial.study)}>{trial.study}</a>, false],
    ["Round", (trial) => trial.round, differs(trials.map((trial) => trial.round))],
    ["Outcome", (trial) => <Outcome phase={trial.phase} reason={trial.reason} />, false],
    [
      new Set(trials.map((trial) => trial.metric)).size === 1 ? (trials[0]?.metric ?? "") : "Objective",
      (trial) => <strong>{number(trial.objective)}</strong>,
      false,
    ],
    ["At step", (trial) => `${whole(trial.bestStep)} of ${whole(trial.maxTrainSteps)}`, differs(trials.map((trial) => trial.maxTrainSteps))],
    ["Init seed", (trial) => trial.seeds.init, false],
    ...names.map((name): [string, (trial: TrialView) => preact.ComponentChildren, boolean] => [
      name,
      (trial) => value(trial.hyperparameters[name]),
      differs(trials.map((trial) => trial.hyperparameters[name])),
    ]),
  ];
  const budgets = new Set(trials.map((trial) => trial.maxTrainSteps));
  return (
    <>
      <h1>{trials.length === 1 ? `${trials[0]?.name} beside others` : `${trials.length} trials beside each other`}</h1>
      {budgets.size > 1 && (
        <p class="stale">These trials had different step budgets: their objectives cannot be compared directly.</p>
      )}
      <AddTrial ids={ids} last={trials.at(-1)} />
      <div class="scroll" tabIndex={0} role="group" aria-label="Table of trials">
        <table class="beside">
          <thead>
            <tr>
              <th scope="col">
                <span class="hidden">What</span>
              </th>
              {trials.map((trial, i) => (
                <th key={ids[i]} scope="col">
                  <a href={trialHref(trial.namespace, trial.study, trial.name)}>{trial.name}</a>
                  {ids.length > 1 && (
                    <a class="drop" href={without(ids[i] ?? "")} aria-label={`Leave out ${trial.name}`}>
                      ×
                    </a>
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(([name, cell, isDifferent]) => (
              <tr key={name} class={isDifferent ? "differs" : undefined}>
                <th scope="row">
                  {name}
                  {isDifferent && <span class="hidden"> (differs)</span>}
                </th>
                {trials.map((trial, i) => (
                  <td key={ids[i]}>{cell(trial)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <section aria-labelledby="curves">
        <h2 id="curves">Curves</h2>
        <div class="plots">
          {loaded.data?.plots.map((plot) => (
            <Plot key={plot.id} id={`compare-${plot.id}`} title={plot.title} subtitle={plot.subtitle} source={plot.specification} />
          ))}
        </div>
      </section>
    </>
  );
}

/** Another trial by its name, or the best of a study. */
function AddTrial({ ids, last }: { ids: string[]; last: TrialView | undefined }) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string>();
  const studies = useData<StudyList>("v1/studies", () => null);
  const add = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      const id = await found(text.trim(), last, studies.data?.studies ?? []);
      setProblem(undefined);
      setText("");
      location.hash = href(["compare"], new URLSearchParams([...ids, id].map((one) => ["trial", one])));
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  if (ids.length >= 12) return <p class="muted">At most 12 trials can be compared.</p>;
  return (
    <form class="filters" onSubmit={(event) => void add(event)}>
      <label>
        Add a trial{" "}
        <input
          type="text"
          required
          value={text}
          placeholder="its name, or a study's for its best"
          size={34}
          list="names"
          autocomplete="off"
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <datalist id="names">
        {studies.data?.studies.map((study) => (
          <option key={`${study.namespace}/${study.name}`} value={`${study.namespace}/${study.name}`} />
        ))}
      </datalist>
      <button type="submit" class="plain">
        Add
      </button>
      {problem !== undefined && (
        <span class="problem-text" role="alert">
          {problem}
        </span>
      )}
    </form>
  );
}

async function found(text: string, last: TrialView | undefined, studies: StudyItem[]): Promise<string> {
  if (text.split("/").length === 3) return text;
  const study = studies.find((one) => text === one.name || text === `${one.namespace}/${one.name}`);
  if (study !== undefined) {
    if (study.bestTrial === null) throw new Error(`no trial of ${study.name} has succeeded yet`);
    return `${study.namespace}/${study.name}/${study.bestTrial}`;
  }
  const within = last === undefined ? studies : studies.filter((one) => one.namespace === last.namespace && one.name === last.study);
  // Trials are named after their study.
  const candidates = [...within, ...studies.filter((one) => text.startsWith(`${one.name}-`))].slice(0, 8);
  for (const one of candidates) {
    const path = `${studyPath(one.namespace, one.name)}/trials?${new URLSearchParams({ text, limit: "20" })}`;
    const page = (await ask<TrialsPage>(path, null, new AbortController().signal))?.data;
    const row = page?.rows.find((candidate) => candidate.name === text || candidate.name.endsWith(`-${text}`));
    if (row !== undefined) return `${one.namespace}/${one.name}/${row.name}`;
  }
  throw new Error(`there is no trial or study ${text}`);
}

function CompareStudies({ ids }: { ids: string[] }) {
  return (
    <>
      <h1>{ids.length === 1 ? `${ids[0]?.split("/").at(-1)} beside others` : `${ids.length} studies beside each other`}</h1>
      <AddStudy ids={ids} />
      <Beside ids={ids} />
    </>
  );
}

function AddStudy({ ids }: { ids: string[] }) {
  const loaded = useData<StudyList>("v1/studies", () => null);
  const others = (loaded.data?.studies ?? []).filter((study) => !ids.includes(`${study.namespace}/${study.name}`));
  if (others.length === 0 || ids.length >= 8) return null;
  return (
    <form class="filters">
      <label>
        Add a study{" "}
        <select
          value=""
          onChange={(event) => {
            location.hash = href(["compare"], new URLSearchParams([...ids, event.currentTarget.value].map((id) => ["study", id])));
          }}
        >
          <option value="">choose …</option>
          {others.slice(0, 500).map((study) => (
            <option key={`${study.namespace}/${study.name}`} value={`${study.namespace}/${study.name}`}>
              {study.name}
            </option>
          ))}
        </select>
      </label>
    </form>
  );
}

interface Both {
  study: StudyView | undefined;
  findings: FindingsView | undefined;
  error: Error | undefined;
}

function useBoth(id: string | undefined): Both {
  const [namespace = "", name = ""] = (id ?? "").split("/");
  const path = id === undefined ? null : studyPath(namespace, name);
  const study = useData<StudyView>(path, (data) => (data.settled ? null : RHYTHM));
  const findings = useData<FindingsView>(path === null ? null : `${path}/findings`, (data) =>
    data.state === "pending" ? 1_000 : study.data?.settled === true ? null : RHYTHM,
  );
  return { study: study.data, findings: findings.data, error: study.error };
}

function Beside({ ids }: { ids: string[] }) {
  // As many as there can be: the number of hooks never changes.
  const slots = [useBoth(ids[0]), useBoth(ids[1]), useBoth(ids[2]), useBoth(ids[3]), useBoth(ids[4]), useBoth(ids[5]), useBoth(ids[6]), useBoth(ids[7])];
  const both = slots.slice(0, ids.length);
  const failed = both.find((one) => one.study === undefined && one.error !== undefined);
  if (failed !== undefined) return <Waiting error={failed.error} what="one of the studies" again={() => location.reload()} />;
  const shown = both.flatMap((one) => (one.study === undefined ? [] : [{ study: one.study, findings: one.findings }]));
  if (shown.length < ids.length) return <Waiting error={undefined} what="the studies" again={() => {}} />;
  const metrics = new Set(shown.map(({ study }) => `${study.metric} ${study.direction}`));
  const names = [...new Set(shown.flatMap(({ study }) => study.hyperparameters.map((h) => h.name)))];
  const codes = [...new Set(shown.flatMap(({ findings }) => (findings?.findings ?? []).filter((f) => f.severity !== "Info" && f.waived === undefined).map((f) => f.code)))];
  type One = (typeof shown)[number];
  const facts: [string, (one: One) => preact.ComponentChildren, boolean][] = [
    ["Goal", ({ study }) => study.goal, false],
    ["Status", ({ study }) => <Status standing={study.standing} />, false],
    ["Objective", ({ study }) => `${study.metric}, ${study.direction.toLowerCase()}`, metrics.size > 1],
    ["Best", ({ study }) => <strong>{number(study.best)}</strong>, false],
    ["Retrained", ({ study }) => study.retrained?.summary ?? "–", false],
    [
      "Best trial",
      ({ study }) => (study.bestTrial === null ? "–" : <a href={trialHref(study.namespace, study.name, study.bestTrial)}>{study.bestTrial}</a>),
      false,
    ],
    ["Trials", ({ study }) => `${study.ended} of ${study.counts.planned}`, false],
    ["Infeasible", ({ study }) => study.counts.infeasible, false],
    ["Longest training", ({ study }) => `${whole(Math.max(0, ...study.rounds.map((round) => round.maxTrainSteps ?? 0)))} steps`, false],
  ];
  const difference = (cells: string[]): boolean => new Set(cells).size > 1;
  const row = (name: string, cells: preact.ComponentChildren[], isDifferent: boolean) => (
    <tr key={name} class={isDifferent ? "differs" : undefined}>
      <th scope="row">
        {name}
        {isDifferent && <span class="hidden"> (differs)</span>}
      </th>
      {cells.map((cell, i) => (
        <td key={ids[i]} class="wide">
          {cell}
        </td>
      ))}
    </tr>
  );
  const bests = shown.flatMap(({ study }) => (study.bestTrial === null ? [] : [`${study.namespace}/${study.name}/${study.bestTrial}`]));
  return (
    <>
      {metrics.size > 1 && <p class="stale">These studies have different objectives: their results can't be compared.</p>}
      <div class="scroll" tabIndex={0} role="group" aria-label="Table of studies">
        <table class="beside">
          <thead>
            <tr>
              <th scope="col">
                <span class="hidden">What</span>
              </th>
              {shown.map(({ study }) => (
                <th key={`${study.namespace}/${study.name}`} scope="col">
                  <a href={studyHref(study.namespace, study.name)}>{study.name}</a>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{facts.map(([name, cell, isDifferent]) => row(name, shown.map(cell), isDifferent))}</tbody>
          <tbody>
            <tr class="part">
              <th scope="rowgroup" colSpan={shown.length + 1}>
                Searched
              </th>
            </tr>
            {names.map((name) => {
              const cells = shown.map(({ study }) => study.hyperparameters.filter((h) => h.name === name).map(space).join("; ") || "–");
              return row(name, cells, difference(cells));
            })}
          </tbody>
          <tbody>
            <tr class="part">
              <th scope="rowgroup" colSpan={shown.length + 1}>
                Value of the best trial
              </th>
            </tr>
            {names.map((name) => {
              const cells = shown.map(({ study }) => value(study.bestPoint?.hyperparameters[name]));
              return row(name, cells, difference(cells));
            })}
          </tbody>
          {codes.length > 0 && (
            <tbody>
              <tr class="part">
                <th scope="rowgroup" colSpan={shown.length + 1}>
                  Issues
                </th>
              </tr>
              {codes.map((code) => {
                const cells = shown.map(({ findings }) => {
                  const all = findings?.findings?.filter((finding) => finding.code === code) ?? [];
                  return all.length === 0 ? "–" : all.map((finding) => finding.hyperparameter ?? finding.severity.toLowerCase()).join(", ");
                });
                return row(words(code), cells, difference(cells));
              })}
            </tbody>
          )}
        </table>
      </div>
      {bests.length > 1 && (
        <p>
          <a class="plain" href={href(["compare"], new URLSearchParams(bests.map((id) => ["trial", id])))}>
            Compare their best trials
          </a>
        </p>
      )}
    </>
  );
}

function space(h: Hyperparameter): string {
  const when = Object.entries(h.when ?? {}).map(([on, allowed]) => `${on} is ${allowedValues(allowed)}`);
  const of =
    h.range !== undefined
      ? `${number(h.range.min)} … ${number(h.range.max)}${h.range.scale === undefined || h.range.scale === "Linear" ? "" : `, ${h.range.scale}`}`
      : h.values !== undefined
        ? h.values.map(value).join(", ")
        : `held at ${value(h.value)}`;
  return when.length > 0 ? `${of} (when ${when.join(" and ")})` : of;
}
