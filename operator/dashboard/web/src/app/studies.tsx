import { useMemo, useState } from "preact/hooks";
import { useData } from "./api";
import { ago, count, number } from "./format";
import { Progress, Stale, Status, Waiting } from "./parts";
import { choose, href, studyHref, useRoute } from "./route";
import type { AboutView, StudyItem, StudyList } from "./types";

const RHYTHM = 3_000;
/** Rows that are shown before one asks for more. */
const FIRST = 200;

type Column = "name" | "standing" | "project" | "ended" | "best" | "findings" | "changed";

export function Studies({ about }: { about: AboutView | undefined }) {
  const { query } = useRoute();
  const loaded = useData<StudyList>("v1/studies", () => RHYTHM);
  const [most, setMost] = useState(FIRST);
  const text = query.get("text") ?? "";
  const standing = query.get("standing") ?? "";
  const tag = query.get("tag") ?? "";
  const archived = query.get("archived") === "yes";
  const sort = query.get("sort") ?? "-changed";
  const chosen = (query.get("compare") ?? "").split(",").filter(Boolean);
  const all = loaded.data?.studies;
  const shown = useMemo(() => arrange(all ?? [], { text, standing, tag, archived, sort }), [all, text, standing, tag, archived, sort]);
  const tags = useMemo(() => [...new Set((all ?? []).flatMap(tagsOf))].sort(), [all]);
  const hasNamespaces = about?.fleet === "Kubernetes";
  const hasProjects = (all ?? []).some((study) => study.project !== null);

  if (all === undefined) return <Waiting error={loaded.error} what="the studies" again={loaded.again} page />;
  const hidden = all.filter((study) => study.archived).length;
  const heading = (column: Column, name: string, className?: string) => (
    <th scope="col" class={className} aria-sort={sort === column ? "ascending" : sort === `-${column}` ? "descending" : undefined}>
      <button type="button" onClick={() => choose({ sort: sort === column ? `-${column}` : column })}>
        {name}
      </button>
    </th>
  );
  const toggle = (id: string): void => {
    const next = chosen.includes(id) ? chosen.filter((other) => other !== id) : [...chosen, id];
    choose({ compare: next.join(",") });
  };
  return (
    <>
      <h1>Studies</h1>
      <Stale error={loaded.error} />
      {all.length === 0 ? (
        <Nothing about={about} />
      ) : (
        <>
          <form class="filters" role="search" aria-label="Filter studies" onSubmit={(event) => event.preventDefault()}>
            <label>
              Contains{" "}
              <input
                type="search"
                value={text}
                placeholder="name, goal, tag"
                autocomplete="off"
                onInput={(event) => choose({ text: event.currentTarget.value })}
              />
            </label>
            <label>
              Status{" "}
              <select value={standing} onChange={(event) => choose({ standing: event.currentTarget.value })}>
                <option value="">all</option>
                {["Running", "Pending", "Paused", "Interrupted", "Completed", "Failed", "Invalid"].map((one) => (
                  <option key={one} value={one}>
                    {one.toLowerCase()}
                  </option>
                ))}
              </select>
            </label>
            {tags.length > 0 && (
              <label>
                Tag{" "}
                <select value={tag} onChange={(event) => choose({ tag: event.currentTarget.value })}>
                  <option value="">all</option>
                  {tags.map((one) => (
                    <option key={one}>{one}</option>
                  ))}
                </select>
              </label>
            )}
            {hidden > 0 && (
              <label>
                <input
                  type="checkbox"
                  checked={archived}
                  onChange={(event) => choose({ archived: event.currentTarget.checked ? "yes" : null })}
                />{" "}
                {count(hidden, "archived study", "archived studies")}
              </label>
            )}
            <output>
              {shown.length} of {count(all.length, "study", "studies")}
            </output>
          </form>
          {shown.length === 0 ? (
            <p class="calm">
              No matching studies.{" "}
              <button type="button" class="link" onClick={() => choose({ text: null, standing: null, tag: null })}>
                Show all
              </button>
            </p>
          ) : (
            <div class="scroll" tabIndex={0} role="group" aria-label="Table of studies">
              <table class="studies">
                <caption class="hidden">Studies; headings sort</caption>
                <thead>
                  <tr>
                    <th scope="col">
                      <span class="hidden">Compare</span>
                    </th>
                    {heading("name", "Study")}
                    {heading("standing", "Status")}
                    {hasProjects && heading("project", "Project")}
                    {heading("ended", "Trials")}
                    {heading("best", "Best", "number")}
                    {heading("findings", "Issues")}
                    {heading("changed", "Changed")}
                  </tr>
                </thead>
                <tbody>
                  {shown.slice(0, most).map((study) => {
                    const id = `${study.namespace}/${study.name}`;
                    return (
                      <tr key={id} class={study.archived ? "archived" : undefined}>
                        <td>
                          <input
                            type="checkbox"
                            aria-label={`Compare ${study.name}`}
                            checked={chosen.includes(id)}
                            onChange={() => toggle(id)}
                          />
                        </td>
                        <th scope="row" class="wide">
                          <a href={studyHref(study.namespace, study.name)}>{study.name}</a>
                          {hasNamespaces && <span class="muted"> {study.namespace}</span>}
                          {tagsOf(study).map((one) => (
                            <button key={one} type="button" class="tag" onClick={() => choose({ tag: one })} aria-label={`Only tag ${one}`}>
                              {one}
                            </button>
                          ))}
                          {study.archived && <span class="tag">archived</span>}
                          <span class="goal">{study.goal}</span>
                        </th>
                        <td>
                          <Status standing={study.standing} />
                        </td>
                        {hasProjects && <td>{study.project ?? ""}</td>}
                        <td class="bar">
                          <Progress counts={study.counts} label={study.name} />
                          <span>
                            {study.ended}/{Math.max(study.counts.planned, study.ended)}
                          </span>
                        </td>
                        <td class="number">
                          {number(study.best)} <span class="goal">{study.metric}</span>
                          {study.retrained !== null && <span class="goal">retrained: {study.retrained.summary}</span>}
                        </td>
                        <td>
                          <Issues study={study} />
                        </td>
                        <td title={study.changed === null ? undefined : new Date(study.changed).toISOString()}>{ago(study.changed)}</td>
                      </tr>
                    );
                  })}
                </tbody>
              </table>
            </div>
          )}
          {shown.length > most && (
            <p>
              <button type="button" class="plain" onClick={() => setMost(most + 1000)}>
                Show {Math.min(1000, shown.length - most)} more of {shown.length}
              </button>
            </p>
          )}
          {loaded.data?.more === true && <p class="muted">Not all studies are listed: these changed most recently.</p>}
          {chosen.length > 0 && (
            <div class="tray" role="region" aria-label="Comparison">
              <span>{count(chosen.length, "study", "studies")} chosen</span>
              {chosen.length > 1 ? (
                <a class="plain" href={compareHref(chosen)}>
                  Compare
                </a>
              ) : (
                <span class="muted">choose another</span>
              )}
              <button type="button" class="link" onClick={() => choose({ compare: null })}>
                Clear
              </button>
            </div>
          )}
        </>
      )}
    </>
  );
}

function compareHref(studies: string[]): string {
  return href(["compare"], new URLSearchParams(studies.map((study) => ["study", study])));
}

function Issues({ study }: { study: StudyItem }) {
  if (study.findings === null) return <span class="muted">{study.ended > 0 ? "…" : "–"}</span>;
  const { problems, warnings } = study.findings;
  if (problems + warnings === 0) return <span class="muted">none</span>;
  return (
    <>
      {problems > 0 && <span class="problem-text">{count(problems, "problem")}</span>}
      {problems > 0 && warnings > 0 && ", "}
      {warnings > 0 && <span class="warning-text">{count(warnings, "warning")}</span>}
    </>
  );
}

function Nothing({ about }: { about: AboutView | undefined }) {
  const local = about?.fleet !== "Kubernetes";
  return (
    <div class="calm">
      <p>
        <strong>No studies yet.</strong>
      </p>
      {local ? (
        <p>
          Start one with <code>studious run study.yaml</code> in the folder where <code>studious ui</code> was started: it
          appears here immediately and updates as its trials run.
        </p>
      ) : (
        <p>
          Apply one with <code>kubectl apply -f study.yaml</code>. You see the studies of the namespaces in which you may{" "}
          <code>get</code> studies.
        </p>
      )}
    </div>
  );
}

/** Labels, but for those that machines put there. */
function tagsOf(study: StudyItem): string[] {
  return Object.entries(study.labels)
    .filter(([key]) => !key.includes("/"))
    .map(([key, value]) => (value === "" ? key : `${key}=${value}`));
}

interface Choice {
  text: string;
  standing: string;
  tag: string;
  archived: boolean;
  sort: string;
}

function arrange(studies: StudyItem[], choice: Choice): StudyItem[] {
  const words = choice.text.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = studies.filter((study) => {
    const tags = tagsOf(study);
    const text = `${study.namespace}/${study.name} ${study.goal} ${study.project ?? ""} ${tags.join(" ")}`.toLowerCase();
    return (
      (choice.archived || !study.archived) &&
      (choice.standing === "" || study.standing === choice.standing) &&
      (choice.tag === "" || tags.includes(choice.tag)) &&
      words.every((word) => text.includes(word))
    );
  });
  const reverse = choice.sort.startsWith("-");
  const column = choice.sort.replace(/^-/, "") as Column;
  const key = (study: StudyItem): string | number | null => {
    switch (column) {
      case "name":
        return study.name;
      case "standing":
        return study.standing;
      case "project":
        return study.project;
      case "ended":
        return study.ended;
      case "best":
        return study.best;
      case "findings":
        return study.findings === null ? null : study.findings.problems * 1000 + study.findings.warnings;
      default:
        return study.changed;
    }
  };
  return matching.sort((one, other) => {
    const [a, b] = [key(one), key(other)];
    // What has no value comes last, either way.
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
    return reverse ? -order : order;
  });
}
