// What several pages show in the same way.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Refused, setToken, token } from "./api";
import { number } from "./format";
import type { Counts, StudyState, TrialPhase } from "./types";

const MARKS: Record<TrialPhase, string> = {
  Succeeded: "●",
  Infeasible: "✕",
  Failed: "▲",
  Stopped: "■",
  Running: "▶",
  Retrying: "↻",
  Pending: "○",
};

/** How a trial stands, by shape, word and colour. */
export function Outcome({ phase, reason }: { phase: TrialPhase; reason?: string | undefined }) {
  return (
    <span class={`outcome ${phase.toLowerCase()}`}>
      <span class="mark" aria-hidden="true">
        {MARKS[phase]}
      </span>{" "}
      {phase.toLowerCase()}
      {reason !== undefined && reason !== "" && <>: {reason}</>}
    </span>
  );
}

const STANDINGS: Record<StudyState, string> = {
  Pending: "pending",
  Invalid: "refused",
  Running: "running",
  Paused: "paused",
  Interrupted: "interrupted",
  Completed: "completed",
  Failed: "failed",
};

export function Status({ standing }: { standing: StudyState }) {
  return <span class={`standing ${standing.toLowerCase()}`}>{STANDINGS[standing]}</span>;
}

/** How far a study is: one bar, its parts by outcome. */
export function Progress({ counts, label }: { counts: Counts; label: string }) {
  const made = counts.succeeded + counts.infeasible + counts.failed + counts.stopped + counts.running + counts.pending;
  const all = Math.max(1, counts.planned, made);
  const ended = counts.succeeded + counts.infeasible + counts.failed + counts.stopped;
  const parts: [keyof Counts, string][] = [
    ["succeeded", "succeeded"],
    ["infeasible", "infeasible"],
    ["failed", "failed"],
    ["stopped", "stopped"],
    ["running", "running"],
  ];
  const said = parts.filter(([key]) => counts[key] > 0).map(([key, word]) => `${counts[key]} ${word}`);
  const text = `${label}: ${ended} of ${all} trials have ended${said.length > 0 ? ` (${said.join(", ")})` : ""}`;
  let x = 0;
  return (
    <svg class="progress" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={text}>
      <title>{text}</title>
      <rect class="rest" x="0" y="0" width="100" height="6" />
      {parts.map(([key, word]) => {
        const width = (100 * counts[key]) / all;
        const at = x;
        x += width;
        return width > 0 ? <rect key={key} class={word} x={at} y="0" width={width} height="6" /> : null;
      })}
    </svg>
  );
}

export function Figure({ name, children, note }: { name: string; children: ComponentChildren; note?: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
      {note !== undefined && <dd class="note">{note}</dd>}
    </div>
  );
}

/** Text with a button that copies it. */
export function Copyable({ text, label, open = false }: { text: string; label: string; open?: boolean }) {
  return (
    <div class="copyable">
      <pre tabIndex={0} role="group" aria-label={label} class={open ? "open" : undefined}>
        {text}
      </pre>
      <Copy text={text} label={label} />
    </div>
  );
}

export function Copy({ text, label }: { text: string; label: string }) {
  const [done, setDone] = useState<string>();
  useEffect(() => {
    if (done === undefined) return;
    const timer = setTimeout(() => setDone(undefined), 2000);
    return () => clearTimeout(timer);
  }, [done]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setDone("Copied");
    } catch {
      setDone("Select and copy it: this browser doesn't let the page");
    }
  };
  return (
    <span class="copy">
      <button type="button" onClick={() => void copy()} aria-label={`Copy: ${label}`}>
        Copy
      </button>
      <span role="status">{done}</span>
    </span>
  );
}

/** Stands in for what isn't there: while it is being read, and when it can't be. For a whole page (`page`) it has its heading. */
export function Waiting({ error, what, again, page = false }: { error: Error | undefined; what: string; again: () => void; page?: boolean }) {
  if (error === undefined) {
    return (
      <p class="loading" role="status">
        Reading {what} …
      </p>
    );
  }
  if (error instanceof Refused && error.status === 401) return <SignIn why={error.message} again={again} />;
  const offline = !(error instanceof Refused);
  const said = offline ? "The server doesn't answer" : `Cannot show ${what}`;
  return (
    <div class="fault" role="alert">
      {page ? <h1>{said}</h1> : <p><strong>{said}</strong></p>}
      <p>{offline ? "Retrying automatically. Is `studious ui`, or the port-forward, still running?" : error.message}</p>
      <p>
        <button type="button" class="plain" onClick={again}>
          Try again
        </button>
        {error instanceof Refused && error.status === 403 && token() !== null && (
          <button
            type="button"
            class="plain"
            onClick={() => {
              setToken(null);
              location.reload();
            }}
          >
            Sign in as another user
          </button>
        )}
      </p>
    </div>
  );
}

/** Said above what is shown when it can no longer be renewed. */
export function Stale({ error }: { error: Error | undefined }) {
  if (error === undefined) return null;
  return (
    <p class="stale" role="status">
      Showing the last data read: {error instanceof Refused ? error.message : "the server doesn't answer"}.
    </p>
  );
}

function SignIn({ why, again }: { why: string; again: () => void }) {
  const [value, setValue] = useState("");
  const submit = (event: Event): void => {
    event.preventDefault();
    setToken(value.trim());
    setValue("");
    again();
  };
  return (
    <form class="sign-in" onSubmit={submit}>
      <h1>Sign in</h1>
      <p>
        The dashboard shows the studies that you may <code>get</code> in Kubernetes. Sign in with your token, or with one
        that may read studies:
      </p>
      <Copyable text="kubectl create token studious-reader --namespace studious-system --duration 8h" label="command" />
      <label>
        Token
        <input
          type="password"
          autocomplete="off"
          required
          value={value}
          onInput={(event) => setValue(event.currentTarget.value)}
        />
      </label>
      <p>
        <button type="submit" class="plain">
          Sign in
        </button>{" "}
        <span class="muted">The token is kept in this tab until it is closed.</span>
      </p>
      {token() !== null && (
        <p class="stale" role="alert">
          {why}
        </p>
      )}
    </form>
  );
}

export function Best({ value, direction }: { value: number | null | undefined; direction: string }) {
  return (
    <>
      {number(value)}
      <span class="hidden">{direction === "Minimize" ? ", lower is better" : ", higher is better"}</span>
    </>
  );
}
