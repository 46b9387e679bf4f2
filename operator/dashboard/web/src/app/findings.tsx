import { number, words } from "./format";
import { Copyable } from "./parts";
import { trialHref } from "./route";
import type { Change, Finding, FindingsView, Question } from "./types";

/** Trials that a finding names at once. */
const FEW = 12;

interface Properties {
  view: FindingsView | undefined;
  namespace: string;
  study: string;
}

/** The answer to the study's goal, before everything else. */
export function Answer({ view }: { view: FindingsView | undefined }) {
  const verdict = view?.verdict;
  if (verdict === undefined) return null;
  const isSure = !verdict.provisional && (verdict.kind === "Winner" || verdict.kind === "BestPoint");
  return <p class={`verdict ${verdict.kind === "CannotJudge" ? "open" : isSure ? "sure" : ""}`.trim()}>{verdict.summary}</p>;
}

/** The questions and the findings: what was concluded, before anything else. */
export function Findings({ view, namespace, study }: Properties) {
  const findings = view?.findings;
  return (
    <section aria-labelledby="findings-title" aria-busy={view === undefined || view.state === "pending"}>
      <h2 id="findings-title">Findings</h2>
      {findings === undefined ? (
        <p class="calm" role="status">
          {view?.state === "none" ? "No conclusions: the study is refused." : "Reading the curves and drawing conclusions …"}
        </p>
      ) : (
        <>
          {view?.state === "pending" && (
            <p class="muted" role="status">
              Newer results are being read; this was concluded from {view.trials} trials.
            </p>
          )}
          {view?.checklist !== undefined && <Questions questions={view.checklist.questions} provisional={view.checklist.provisional} />}
          <Cards findings={findings} namespace={namespace} study={study} />
        </>
      )}
    </section>
  );
}

const CONFIDENCE: Record<NonNullable<Finding["confidence"]>, string> = {
  Weak: "Weak evidence: an adaptive search may have left parts of the space unexplored.",
  OpenQuestion: "An open question: there is no certain answer.",
  WeakOpenQuestion:
    "An open question: there is no certain answer. Weak evidence: an adaptive search may have left parts of the space unexplored.",
};
const ANSWERS: Record<Question["answer"], string> = { Pass: "✓", Fail: "✕", Unknown: "?", Waived: "–" };

function Questions({ questions, provisional }: { questions: Question[]; provisional: boolean }) {
  return (
    <>
      <p>
        {provisional
          ? "The answer is provisional: not all five checks pass."
          : "All five checks pass or are waived."}
      </p>
      <ol class="questions">
        {questions.map((one) => (
          <li key={one.number} class={one.answer.toLowerCase()}>
            <span class="answer">
              <span aria-hidden="true">{ANSWERS[one.answer]}</span> {one.answer}
            </span>
            <span>
              <strong>{one.question}</strong>
              <span class="reason">{one.reason}</span>
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}

function Cards({ findings, namespace, study }: { findings: Finding[]; namespace: string; study: string }) {
  const grave = findings.filter((finding) => finding.severity !== "Info" && finding.waived === undefined);
  const light = findings.filter((finding) => finding.severity === "Info" && finding.waived === undefined);
  const waived = findings.filter((finding) => finding.waived !== undefined);
  if (findings.length === 0) return <p class="calm">No conclusions yet: no trial has ended.</p>;
  return (
    <>
      {grave.length === 0 && <p class="calm">No warnings. For information:</p>}
      {grave.map((finding, i) => (
        <Card key={`${finding.code} ${i}`} finding={finding} namespace={namespace} study={study} />
      ))}
      {light.length > 0 && grave.length > 0 && <h3 class="sub">Good to know</h3>}
      {light.map((finding, i) => (
        <Card key={`${finding.code} ${i}`} finding={finding} namespace={namespace} study={study} />
      ))}
      {waived.length > 0 && <h3 class="sub">Waived</h3>}
      {waived.map((finding, i) => (
        <Card key={`${finding.code} ${i}`} finding={finding} namespace={namespace} study={study} />
      ))}
    </>
  );
}

function Card({ finding, namespace, study }: { finding: Finding; namespace: string; study: string }) {
  const trials = finding.trials ?? [];
  const evidence = Object.entries(finding.evidence);
  const name = words(finding.code);
  return (
    <article class={`finding ${finding.severity.toLowerCase()}`}>
      <header>
        <span class="severity">{finding.severity}</span>
        <strong>{name}</strong>
        {finding.hyperparameter !== undefined && <code>{finding.hyperparameter}</code>}
      </header>
      <p>{finding.advice}</p>
      {finding.confidence !== undefined && <p class="muted">{CONFIDENCE[finding.confidence]}</p>}
      {finding.waived !== undefined && <p class="muted">Waived by the study: {finding.waived}</p>}
      {finding.change !== undefined && <Edit change={finding.change} name={name} />}
      <details>
        <summary>
          Evidence<span class="hidden"> for {name}</span>
        </summary>
        {evidence.length > 0 && (
          <table class="evidence">
            <tbody>
              {evidence.map(([what, x]) => (
                <tr key={what}>
                  <th scope="row">{what.replaceAll("_", " ")}</th>
                  <td>{number(x)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {trials.length > 0 && (
          <p class="trials">
            Trials:{" "}
            {trials.slice(0, FEW).map((trial, i) => (
              <>
                {i > 0 && ", "}
                <a href={trialHref(namespace, study, trial)}>
                  <code>{trial}</code>
                </a>
              </>
            ))}
            {trials.length > FEW && ` and ${trials.length - FEW} more`}
          </p>
        )}
        <p class="muted">
          Code <code>{finding.code}</code>. Playbook: “{finding.section}”.
        </p>
      </details>
    </article>
  );
}

/** The change to the study that a finding suggests, as the line of YAML to write and the place to write it. */
function Edit({ change, name }: { change: Change; name: string }) {
  const field = change.path.split(".").at(-1) ?? change.path;
  const text =
    change.to === null
      ? `# ${change.path}: remove this field${change.from === null ? "" : `, which is ${written(change.from)}`}`
      : `${field}: ${written(change.to)}  # ${change.path}${change.from === null ? "" : `, was ${written(change.from)}`}`;
  return (
    <div class="edit">
      <p class="muted">In the next study:</p>
      <Copyable text={text} label={`edit for ${name}`} />
    </div>
  );
}

/** As YAML takes it: JSON is YAML, and plain words need no quotes. */
function written(x: unknown): string {
  return typeof x === "string" && /^[A-Za-z][\w-]*$/.test(x) ? x : JSON.stringify(x);
}
