// The table of trials. The server filters, sorts and cuts it into pages; only rows in view are here.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, studyPath } from "./api";
import { count, duration, number, short, time, value, whole } from "./format";
import { Outcome } from "./parts";
import { choose, href, trialHref, useRoute } from "./route";
import type { StudyView, TableColumns, TrialItem, TrialsPage } from "./types";

/** Height of a row in pixels; the style sheet says the same. */
const ROW = 34;
const PAGE = 100;
/** Height of what is seen of a long table. */
const WINDOW = 640;
/** Rows drawn above and below what is seen. */
const MARGIN = 12;
const RHYTHM = 1_500;

interface Column {
  id: string;
  name: string;
  /** The words by which the server sorts; none: not sortable. */
  number: boolean;
  cell: (row: TrialItem) => ComponentChildren;
}

const PHASES = ["Succeeded", "Infeasible", "Running", "Retrying", "Pending", "Stopped", "Failed"] as const;

function all(study: StudyView): Column[] {
  const shown = (row: TrialItem, name: string): ComponentChildren => {
    const x = row.hyperparameters[name];
    return x === undefined ? <span class="muted">·</span> : value(x);
  };
  const missing = <span class="muted">–</span>;
  const of = (columns: TableColumns): Column[] => [
    { id: "round", name: "Round", number: false, cell: (row) => row.round },
    ...columns.hyperparameters.map(
      (h): Column => ({ id: `hyperparameters.${h.name}`, name: h.name, number: h.number, cell: (row) => shown(row, h.name) }),
    ),
    {
      id: "objective",
      name: study.metric,
      number: true,
      cell: (row) =>
        row.objective === undefined ? missing : row.phase === "Succeeded" ? number(row.objective) : <span class="muted">{number(row.objective)}</span>,
    },
    { id: "bestStep", name: "Best step", number: true, cell: (row) => (row.bestStep === undefined ? missing : whole(row.bestStep)) },
    {
      id: "step",
      name: "Step",
      number: true,
      cell: (row) => (row.step === undefined ? missing : `${whole(row.step)}/${whole(row.maxTrainSteps)}`),
    },
    { id: "phase", name: "Outcome", number: false, cell: (row) => <Outcome phase={row.phase} reason={row.reason} /> },
    { id: "attempt", name: "Attempt", number: true, cell: (row) => row.attempt },
    { id: "disruptions", name: "Disruptions", number: true, cell: (row) => row.disruptions ?? 0 },
    { id: "started", name: "Started", number: false, cell: (row) => time(row.started) },
    { id: "ended", name: "Ended", number: false, cell: (row) => time(row.ended) },
    {
      id: "duration",
      name: "Duration",
      number: true,
      cell: (row) => (row.started === undefined || row.ended === undefined ? missing : duration(row.ended - row.started)),
    },
    ...columns.latest
      .filter((name) => name !== study.metric)
      .map(
        (name): Column => ({
          id: `latest.${name}`,
          name: `${name} (last)`,
          number: true,
          cell: (row) => (row.latest[name] === undefined ? missing : number(row.latest[name])),
        }),
      ),
  ];
  return of(study.columns);
}

/** What is shown until the user chooses: what varies, what came of it. */
function usual(study: StudyView): string[] {
  const varied = study.columns.hyperparameters.filter((h) => h.role !== "Fixed").map((h) => `hyperparameters.${h.name}`);
  return [...(study.rounds.length > 1 ? ["round"] : []), ...varied, "objective", "bestStep", "phase"];
}

export function Trials({ study }: { study: StudyView }) {
  const { query } = useRoute();
  const text = query.get("text") ?? "";
  const phase = query.get("phase") ?? "";
  const round = query.get("round") ?? "";
  const sort = query.get("sort") ?? "best";
  const chosen = query.get("columns")?.split(",") ?? usual(study);
  const picked = (query.get("trials") ?? "").split(",").filter(Boolean);
  const every = all(study);
  const columns = every.filter((column) => chosen.includes(column.id));
  const rows = useRows(study, { text, phase, round, sort });

  const toggleColumn = (id: string): void => {
    const next = every.map((c) => c.id).filter((c) => (c === id ? !chosen.includes(c) : chosen.includes(c)));
    choose({ columns: next.join(",") === usual(study).join(",") ? null : next.join(",") || "-" });
  };
  const pick = (name: string): void => {
    const next = picked.includes(name) ? picked.filter((other) => other !== name) : [...picked, name];
    choose({ trials: next.join(",") });
  };
  return (
    <section aria-labelledby="trials">
      <h2 id="trials">Trials</h2>
      <form class="filters" role="search" aria-label="Filter trials" onSubmit={(event) => event.preventDefault()}>
        <label>
          Contains{" "}
          <input
            type="search"
            value={text}
            placeholder="name, width=64, reason"
            autocomplete="off"
            onInput={(event) => choose({ text: event.currentTarget.value })}
          />
        </label>
        <label>
          Outcome{" "}
          <select value={phase} onChange={(event) => choose({ phase: event.currentTarget.value })}>
            <option value="">all</option>
            {PHASES.map((one) => (
              <option key={one} value={one}>
                {one.toLowerCase()}
              </option>
            ))}
          </select>
        </label>
        {study.rounds.length > 1 && (
          <label>
            Round{" "}
            <select value={round} onChange={(event) => choose({ round: event.currentTarget.value })}>
              <option value="">all</option>
              {study.rounds.map((one) => (
                <option key={one.name}>{one.name}</option>
              ))}
            </select>
          </label>
        )}
        <details class="columns">
          <summary>Columns</summary>
          <fieldset>
            <legend class="hidden">Columns that are shown</legend>
            {every.map((column) => (
              <label key={column.id}>
                <input type="checkbox" checked={chosen.includes(column.id)} onChange={() => toggleColumn(column.id)} /> {column.name}
              </label>
            ))}
          </fieldset>
        </details>
        {sort !== "best" && (
          <button type="button" class="link" onClick={() => choose({ sort: null })}>
            Best first
          </button>
        )}
        <output>{rows.total === undefined ? "" : `${rows.matching?.toLocaleString("en")} of ${count(rows.total, "trial")}`}</output>
      </form>
      {rows.problem !== undefined && (
        <p class="fault" role="alert">
          {rows.problem}
        </p>
      )}
      {rows.total === undefined && rows.problem === undefined && <p class="loading">Reading the trials …</p>}
      {rows.total === 0 && <p class="calm">No trial has been started yet.</p>}
      {rows.total !== undefined && rows.total > 0 && rows.matching === 0 && (
        <p class="calm">
          No matching trials.{" "}
          <button type="button" class="link" onClick={() => choose({ text: null, phase: null, round: null })}>
            Show all
          </button>
        </p>
      )}
      {rows.matching !== undefined && rows.matching > 0 && (
        <Body study={study} columns={columns} rows={rows} sort={sort} picked={picked} pick={pick} />
      )}
      {picked.length > 0 && (
        <div class="tray" role="region" aria-label="Comparison">
          <span>{count(picked.length, "trial")} chosen</span>
          {picked.length > 12 ? (
            <span class="muted">at most 12 can be compared</span>
          ) : (
            <a class="plain" href={compareHref(study, picked)}>
              Compare
            </a>
          )}
          <button type="button" class="link" onClick={() => choose({ trials: null })}>
            Clear
          </button>
        </div>
      )}
    </section>
  );
}

function compareHref(study: StudyView, trials: string[]): string {
  return href(["compare"], new URLSearchParams(trials.map((trial) => ["trial", `${study.namespace}/${study.name}/${trial}`])));
}

interface BodyProperties {
  study: StudyView;
  columns: Column[];
  rows: Rows;
  sort: string;
  picked: string[];
  pick: (name: string) => void;
}

function Body({ study, columns, rows, sort, picked, pick }: BodyProperties) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const matching = rows.matching ?? 0;
  const first = Math.max(0, Math.floor(top / ROW) - MARGIN);
  const last = Math.min(matching, Math.ceil((top + WINDOW) / ROW) + MARGIN);
  useEffect(() => rows.show(first, last), [first, last, rows.show]);
  // What was chosen is seen from its beginning.
  useEffect(() => {
    if (box.current !== null) box.current.scrollTop = 0;
    setTop(0);
  }, [rows.key]);
  const heading = (id: string, name: string, isNumber: boolean) => (
    <th key={id} scope="col" class={isNumber ? "number" : undefined} aria-sort={sort === id ? "ascending" : sort === `-${id}` ? "descending" : undefined}>
      <button type="button" onClick={() => choose({ sort: sort === id ? `-${id}` : id })}>
        {name}
      </button>
    </th>
  );
  const span = columns.length + 2;
  return (
    <div
      class="scroll window"
      ref={box}
      tabIndex={0}
      role="group"
      aria-label="Table of trials"
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
    >
      <table class="trials-table" aria-rowcount={matching + 1}>
        <caption class="hidden">Trials with their points and results; headings sort</caption>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col">
              <span class="hidden">Compare</span>
            </th>
            {heading("name", "Trial", false)}
            {columns.map((column) => heading(column.id, column.name, column.number))}
          </tr>
        </thead>
        <tbody>
          {first > 0 && (
            <tr class="space" aria-hidden="true">
              <td colSpan={span} style={{ height: `${first * ROW}px` }} />
            </tr>
          )}
          {Array.from({ length: last - first }, (_, i) => {
            const index = first + i;
            const row = rows.at(index);
            if (row === undefined) {
              return (
                <tr key={index} aria-rowindex={index + 2} class="row">
                  <td colSpan={span} class="muted">
                    …
                  </td>
                </tr>
              );
            }
            return (
              <tr key={row.name} aria-rowindex={index + 2} class={picked.includes(row.name) ? "row picked" : "row"}>
                <td>
                  <input type="checkbox" aria-label={`Compare ${row.name}`} checked={picked.includes(row.name)} onChange={() => pick(row.name)} />
                </td>
                <th scope="row">
                  <a href={trialHref(study.namespace, study.name, row.name)} title={row.name}>
                    {short(row.name, study.studyName)}
                  </a>
                </th>
                {columns.map((column) => (
                  <td key={column.id} class={column.number ? "number" : undefined}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            );
          })}
          {last < matching && (
            <tr class="space" aria-hidden="true">
              <td colSpan={span} style={{ height: `${(matching - last) * ROW}px` }} />
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

interface Rows {
  key: string;
  total: number | undefined;
  matching: number | undefined;
  problem: string | undefined;
  at: (index: number) => TrialItem | undefined;
  show: (first: number, last: number) => void;
}

/** The pages of a table that are in view, asked again while the study moves. */
function useRows(study: StudyView, wanted: { text: string; phase: string; round: string; sort: string }): Rows {
  const base = `${studyPath(study.namespace, study.name)}/trials`;
  const key = JSON.stringify([base, wanted]);
  const [range, setRange] = useState<[number, number]>([0, 40]);
  const [known, setKnown] = useState<{ key: string; pages: Map<number, TrialsPage>; total?: number; matching?: number; problem?: string }>({
    key,
    pages: new Map(),
  });
  const tags = useRef(new Map<string, string | null>());
  const settled = useRef(study.settled);
  settled.current = study.settled;
  const firstPage = Math.floor(range[0] / PAGE);
  const lastPage = Math.floor(Math.max(range[0], range[1] - 1) / PAGE);

  useEffect(() => {
    const ending = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let faults = 0;
    const look = async (): Promise<void> => {
      try {
        for (let page = firstPage; page <= lastPage; page += 1) {
          const query = new URLSearchParams({ sort: wanted.sort, offset: String(page * PAGE), limit: String(PAGE) });
          for (const name of ["text", "phase", "round"] as const) if (wanted[name] !== "") query.set(name, wanted[name]);
          const path = `${base}?${query}`;
          const answer = await ask<TrialsPage>(path, tags.current.get(path) ?? null, ending.signal);
          if (answer === null) continue;
          // Tags of pages that were dropped would answer "as before" for rows that are gone.
          if (tags.current.size > 64) tags.current.clear();
          tags.current.set(path, answer.tag);
          setKnown((old) => {
            const pages = new Map(old.key === key ? old.pages : []);
            pages.set(page, answer.data);
            return { key, pages, total: answer.data.total, matching: answer.data.matching };
          });
        }
        faults = 0;
      } catch (error) {
        if (ending.signal.aborted) return;
        faults += 1;
        const problem = error instanceof Error ? error.message : String(error);
        setKnown((old) => (old.key === key ? { ...old, problem } : { key, pages: new Map(), problem }));
      }
      const wait = faults > 0 ? Math.min(30_000, 1000 * 2 ** faults) : settled.current ? 10_000 : RHYTHM;
      if (!ending.signal.aborted) timer = setTimeout(() => void tick(), wait);
    };
    const tick = async (): Promise<void> => {
      if (document.hidden) timer = setTimeout(() => void tick(), 1000);
      else await look();
    };
    // Typing asks once, at its end.
    timer = setTimeout(() => void look(), known.total === undefined ? 0 : 120);
    return () => {
      ending.abort();
      clearTimeout(timer);
      if (known.key !== key) tags.current.clear();
    };
  }, [key, firstPage, lastPage]);

  const isCurrent = known.key === key;
  const show = useRef((first: number, last: number): void => setRange([first, last])).current;
  return {
    key,
    total: known.total,
    matching: known.matching,
    problem: isCurrent ? known.problem : undefined,
    at: (index) => known.pages.get(Math.floor(index / PAGE))?.rows[index % PAGE],
    show,
  };
}
