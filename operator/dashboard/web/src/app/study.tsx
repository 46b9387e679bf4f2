import { studyPath, useData } from "./api";
import { holds } from "./condition";
import { Answer, Findings } from "./findings";
import { ago, count, number, time, value, whole } from "./format";
import { Copyable, Figure, Progress, Stale, Status, Waiting } from "./parts";
import { Plot } from "./plot";
import { choose, href, trialHref, useRoute } from "./route";
import { Trials } from "./table";
import type { FindingsView, Hyperparameter, StudyView, TrialItem } from "./types";

const RHYTHM = 1_500;
const SELDOM = 10_000;

export function Study({ namespace, name }: { namespace: string; name: string }) {
  const path = studyPath(namespace, name);
  const loaded = useData<StudyView>(path, (study) => (study.settled ? SELDOM : RHYTHM));
  const study = loaded.data;
  const by = useRoute().query.get("by") ?? "";
  const judged = by === "" ? "" : `?by=${encodeURIComponent(by)}`;
  const concluded = useData<FindingsView>(`${path}/findings${judged}`, (view) => (view.state === "pending" ? 1_000 : study?.settled === true ? SELDOM : 3_000));
  if (study === undefined) return <Waiting error={loaded.error} what={`study ${name}`} again={loaded.again} page />;
  const plots = concluded.data?.plots ?? [];
  const version = `${concluded.data?.trials ?? 0} ${concluded.data?.state ?? ""} ${JSON.stringify(plots).length}`;
  const { findings } = concluded.data ?? {};
  const grave = findings?.filter((finding) => finding.waived === undefined) ?? [];
  const problems = grave.filter((finding) => finding.severity === "Problem").length;
  const warnings = grave.filter((finding) => finding.severity === "Warning").length;
  return (
    <>
      <nav aria-label="Where this is" class="crumbs">
        <a href="#/">Studies</a> <span aria-hidden="true">/</span> <code>{study.name}</code>
      </nav>
      <h1>{study.goal}</h1>
      <Answer view={concluded.data} />
      <JudgedBy by={by} view={concluded.data} />
      {study.description !== null && <p class="lead">{study.description}</p>}
      <Stale error={loaded.error} />
      <p class="status" role="status">
        <Status standing={study.standing} /> {study.message}
        {study.changed !== null && <span class="muted"> · changed {ago(study.changed)}</span>}
      </p>
      <Progress counts={study.counts} label={study.name} />
      {study.violations.length > 0 && (
        <div class="fault" role="alert">
          <p>
            <strong>The study is refused:</strong>
          </p>
          <ul>
            {study.violations.map((violation) => (
              <li key={violation}>{violation}</li>
            ))}
          </ul>
        </div>
      )}
      <dl class="figures">
        <Figure name={`Best ${study.metric}`} note={study.direction === "Minimize" ? "lower is better" : "higher is better"}>
          {number(study.best)}
        </Figure>
        {study.retrained !== null && (
          <Figure name="Retrained" note={study.retrained.summary}>
            {number(study.retrained.mean)}
          </Figure>
        )}
        <Figure name="Trials" note={`of ${study.counts.planned.toLocaleString("en")} planned`}>
          {study.ended.toLocaleString("en")}
        </Figure>
        <Figure name="Infeasible" note="a result, not an error">
          {study.counts.infeasible.toLocaleString("en")}
        </Figure>
        <Figure
          name="Fix first"
          note={
            findings === undefined
              ? "being looked at"
              : problems + warnings === 0
                ? "no open findings"
                : problems === 0
                  ? warnings === 1
                    ? "warning"
                    : "warnings"
                  : `${problems} of them ${problems === 1 ? "a problem" : "problems"}`
          }
        >
          {findings === undefined ? "…" : problems + warnings}
        </Figure>
      </dl>
      <Contents hasPlots={plots.length > 0} />
      {concluded.data === undefined && concluded.error !== undefined ? (
        <section aria-labelledby="findings-title">
          <h2 id="findings-title">Findings</h2>
          <Waiting error={concluded.error} what="the findings" again={concluded.again} />
        </section>
      ) : (
        <Findings view={concluded.data} namespace={namespace} study={name} />
      )}
      {study.bestPoint !== null && <BestPoint study={study} row={study.bestPoint} />}
      {plots.length > 0 && (
        <section aria-labelledby="plots">
          <h2 id="plots">Plots</h2>
          <div class="plots">
            {plots.map((plot) => (
              <Plot key={plot.id} {...plot} source={`${path}/plots/${encodeURIComponent(plot.id)}${judged}`} version={version} />
            ))}
          </div>
        </section>
      )}
      <Trials study={study} />
      <Rounds study={study} />
      <section aria-labelledby="reproduce">
        <h2 id="reproduce">Reproduce</h2>
        <p>
          Save the study below as <code>study.yaml</code>, then <code>studious run study.yaml</code> here, or{" "}
          <code>kubectl apply -f study.yaml</code> on a cluster. The same study gives the same points and seeds.
        </p>
        <details>
          <summary>The study</summary>
          <Copyable text={study.yaml} label="study.yaml" />
        </details>
        <p class="muted">First seen {time(study.created)}.</p>
      </section>
    </>
  );
}

/** By what the trials are judged: answer, findings and plots follow, without training anything again. */
function JudgedBy({ by, view }: { by: string; view: FindingsView | undefined }) {
  const offered = view?.choices ?? [{ by: "", label: "the study's objective" }];
  const choices = offered.some((one) => one.by === by) ? offered : [...offered, { by, label: by }];
  return (
    <p class="judged">
      <label>
        Judged by{" "}
        <select value={by} onChange={(event) => choose({ by: event.currentTarget.value })}>
          {choices.map((one) => (
            <option key={one.by} value={one.by}>
              {one.label}
            </option>
          ))}
        </select>
      </label>
      {by !== "" && <span class="muted"> Answer, findings and plots are by this, everything else by the study's objective.</span>}
      {view?.reservation !== undefined && <span class="muted"> Less sure: {view.reservation}.</span>}
    </p>
  );
}

function Contents({ hasPlots }: { hasPlots: boolean }) {
  const jump = (id: string) => (event: Event) => {
    event.preventDefault();
    const target = document.getElementById(id);
    target?.scrollIntoView();
    target?.setAttribute("tabindex", "-1");
    target?.focus({ preventScroll: true });
  };
  const sections: [string, string][] = [
    ["findings-title", "Findings"],
    ["best", "Best point"],
    ...(hasPlots ? ([["plots", "Plots"]] as [string, string][]) : []),
    ["trials", "Trials"],
    ["rounds", "Rounds"],
    ["reproduce", "Reproduce"],
  ];
  return (
    <nav aria-label="Sections of this page">
      <ul>
        {sections.map(([id, name]) => (
          <li key={id}>
            <button type="button" class="link" onClick={jump(id)}>
              {name}
            </button>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function BestPoint({ study, row }: { study: StudyView; row: TrialItem }) {
  return (
    <section aria-labelledby="best">
      <h2 id="best">Best point</h2>
      <p>
        <a href={trialHref(study.namespace, study.name, row.name)}>
          <code>{row.name}</code>
        </a>{" "}
        reached a {study.metric} of <strong>{number(row.objective)}</strong>
        {row.bestStep !== undefined && ` at step ${row.bestStep} of ${row.maxTrainSteps}`}, the best of round {row.round}.
      </p>
      {study.retrained !== null && (
        <p>
          Retrained with other seeds: {study.metric} <strong>{study.retrained.summary}</strong>.
        </p>
      )}
      <Point row={row} space={study.hyperparameters} />
    </section>
  );
}

/** A point: its values, and where each lies in what was searched. */
export function Point({ row, space }: { row: TrialItem; space: Hyperparameter[] }) {
  const active = Object.entries(row.hyperparameters).map(([name, x]) => {
    // The same name may stand under several conditions: the one that holds here.
    const meant = space.find((h) => h.name === name && holds(h, row.hyperparameters));
    return { name, x, meant: meant ?? space.find((h) => h.name === name) };
  });
  const order = ["Scientific", "Nuisance", "Derived", "Fixed"];
  active.sort((a, b) => order.indexOf(a.meant?.role ?? "Nuisance") - order.indexOf(b.meant?.role ?? "Nuisance"));
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label="Hyperparameters of the point">
      <table>
        <thead>
          <tr>
            <th scope="col">Hyperparameter</th>
            <th scope="col">Role</th>
            <th scope="col" class="number">
              Value
            </th>
            <th scope="col">Searched</th>
          </tr>
        </thead>
        <tbody>
          {active.map(({ name, x, meant }) => (
            <tr key={name}>
              <th scope="row">
                <code>{name}</code>
              </th>
              <td>{(meant?.role ?? "Nuisance").toLowerCase()}</td>
              <td class="number">{value(x)}</td>
              <td>{meant !== undefined && <Searched meant={meant} x={x} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Searched({ meant, x }: { meant: Hyperparameter; x: unknown }) {
  if (meant.range !== undefined) {
    const { min, max, scale } = meant.range;
    const to = (at: number): number => (scale === "Log" ? Math.log(at) : scale === "ReverseLog" ? -Math.log(1 - at) : at);
    const place = typeof x === "number" && max > min ? (to(x) - to(min)) / (to(max) - to(min)) : Number.NaN;
    return (
      <span class="range">
        <span>{number(min)}</span>
        {Number.isFinite(place) && (
          <svg viewBox="0 0 120 12" width="120" height="12" role="img" aria-label={`${Math.round(100 * place)}% of the range`}>
            <line x1="4" x2="116" y1="6" y2="6" stroke="currentColor" stroke-opacity="0.35" stroke-width="2" />
            <circle cx={4 + 112 * place} cy="6" r="4" fill="#0072B2" stroke="currentColor" stroke-width="0.75" />
          </svg>
        )}
        <span>
          {number(max)}
          {scale === "Log" ? ", log" : scale === "ReverseLog" ? ", 1 − x in log" : ""}
        </span>
      </span>
    );
  }
  if (meant.expression !== undefined) return <>= {meant.expression}</>;
  if (meant.values !== undefined) return <>{meant.values.map(value).join(", ")}</>;
  return <>not searched{meant.fixedBecause !== undefined && `: ${meant.fixedBecause}`}</>;
}

function Rounds({ study }: { study: StudyView }) {
  return (
    <section aria-labelledby="rounds">
      <h2 id="rounds">Rounds</h2>
      <p class="muted">Trials of one round share a step budget. Results of different rounds are not compared.</p>
      <div class="scroll" tabIndex={0} role="group" aria-label="Table of rounds">
        <table>
          <thead>
            <tr>
              <th scope="col">Round</th>
              {["Steps", "Planned", "Succeeded", "Infeasible", "Failed", `Best ${study.metric}`].map((name) => (
                <th key={name} scope="col" class="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {study.rounds.map((round) => (
              <tr key={round.name}>
                <th scope="row">{round.name}</th>
                <td class="number">{whole(round.maxTrainSteps)}</td>
                <td class="number">{whole(round.counts.planned)}</td>
                <td class="number">{whole(round.counts.succeeded)}</td>
                <td class="number">{whole(round.counts.infeasible)}</td>
                <td class="number">{whole(round.counts.failed)}</td>
                <td class="number">{number(round.best)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {study.fixed.length > 0 && (
        <>
          <h3 class="sub">Held fixed</h3>
          <p class="muted">What this study finds may not hold at other values of these.</p>
          <ul>
            {study.fixed.map((one) => (
              <li key={one.name}>
                <code>{one.name}</code>
                {one.value !== null && ` = ${value(one.value)}`}
                {one.because !== null && ` (${one.because})`}
              </li>
            ))}
          </ul>
        </>
      )}
      <p class="muted">
        {count(study.rounds.length, "round")}. See also <a href={href(["compare"], { study: `${study.namespace}/${study.name}` })}>this study beside others</a>.
      </p>
    </section>
  );
}
