import { studyPath, useData } from "./api";
import { duration, number, short, time, whole } from "./format";
import { Copyable, Figure, Outcome, Stale, Waiting } from "./parts";
import { Plot } from "./plot";
import { href, studyHref } from "./route";
import { Point } from "./study";
import type { AboutView, AttemptItem, InitView, KubernetesEvent, TrialEvents, TrialPlots, TrialView } from "./types";

const RHYTHM = 1_500;
const SELDOM = 15_000;
/** What is shown of a fingerprint. */
const PRINT = 12;

interface Properties {
  about: AboutView | undefined;
  namespace: string;
  study: string;
  name: string;
}

export function Trial({ about, namespace, study, name }: Properties) {
  const path = `${studyPath(namespace, study)}/trials/${encodeURIComponent(name)}`;
  const loaded = useData<TrialView>(path, (trial) => (trial.settled ? SELDOM : RHYTHM));
  const trial = loaded.data;
  const curves = useData<TrialPlots>(`${path}/plots`, () => (trial?.settled === true ? SELDOM : 3_000));
  const isCluster = about?.fleet === "Kubernetes";
  const events = useData<TrialEvents>(isCluster ? `${path}/events` : null, () => (trial?.settled === true ? SELDOM : 5_000));
  if (trial === undefined) return <Waiting error={loaded.error} what={`trial ${name}`} again={loaded.again} page />;
  return (
    <>
      <nav aria-label="Where this is" class="crumbs">
        <a href="#/">Studies</a> <span aria-hidden="true">/</span> <a href={studyHref(namespace, study)}>{study}</a>{" "}
        <span aria-hidden="true">/</span> <code>{short(name, study)}</code>
      </nav>
      <h1>Trial {name}</h1>
      <p class="lead">{trial.goal}</p>
      <Stale error={loaded.error} />
      <p class="status" role="status">
        <Outcome phase={trial.phase} reason={trial.reason} />
        {trial.message !== undefined && ` — ${trial.message}`}
      </p>
      <dl class="figures">
        <Figure
          name={trial.phase === "Succeeded" ? trial.metric : `${trial.metric} so far`}
          note={trial.rank === null ? (trial.direction === "Minimize" ? "lower is better" : "higher is better") : `${trial.rank.place}. of ${trial.rank.of} in round ${trial.round}`}
        >
          {number(trial.objective)}
        </Figure>
        <Figure name="At step" note={`of ${whole(trial.maxTrainSteps)}`}>
          {whole(trial.bestStep)}
        </Figure>
        <Figure name="Last step" note={trial.settled ? "it has ended" : "seen so far"}>
          {whole(trial.step)}
        </Figure>
        <Figure name="Attempt" note={trial.disruptions === undefined ? "none was lost" : `${trial.disruptions} lost to disruptions`}>
          {trial.attempt}
        </Figure>
      </dl>
      <section aria-labelledby="point">
        <h2 id="point">Point</h2>
        <Point row={trial} space={trial.space} />
        {trial.schedule !== null && <Schedule schedule={trial.schedule} />}
      </section>
      <section aria-labelledby="curves">
        <h2 id="curves">Curves</h2>
        {curves.data === undefined ? (
          <Waiting error={curves.error} what="the curves" again={curves.again} />
        ) : curves.data.plots.length === 0 ? (
          <p class="calm">Nothing has been measured{trial.settled ? "." : " yet."}</p>
        ) : (
          <div class="plots">
            {curves.data.plots.map((plot) => (
              <Plot key={plot.id} id={`${name}-${plot.id}`} title={plot.title} subtitle={plot.subtitle} source={plot.specification} />
            ))}
          </div>
        )}
      </section>
      <Attempts trial={trial} />
      <Seeds trial={trial} />
      {isCluster && (
        <section aria-labelledby="events">
          <h2 id="events">Events</h2>
          {events.data === undefined ? (
            <Waiting error={events.error} what="the events" again={events.again} />
          ) : (
            <Events events={events.data.events} />
          )}
        </section>
      )}
      {trial.output !== null && trial.output !== "" && (
        <section aria-labelledby="output">
          <h2 id="output">Output</h2>
          <p class="muted">The end of what host 0 of the latest attempt printed.</p>
          <Copyable text={trial.output} label="output" />
        </section>
      )}
      <section aria-labelledby="again">
        <h2 id="again">See more, run it again</h2>
        {trial.commands.map(({ what, command }) => (
          <div key={what} class="command">
            <p>{what}</p>
            <Copyable text={command} label={what} />
          </div>
        ))}
        <details>
          <summary>Everything needed to run it again</summary>
          <p class="muted">
            As a standalone object, without a study: <code>kubectl apply -f trial.yaml</code>.
          </p>
          <Copyable text={trial.yaml} label="trial.yaml" />
        </details>
        <p>
          <a href={href(["compare"], { trial: `${namespace}/${study}/${name}` })}>Compare with another trial</a>
        </p>
      </section>
    </>
  );
}

function Schedule({ schedule }: { schedule: Record<string, unknown> }) {
  const said = Object.entries(schedule).map(([name, x]) => `${name} ${typeof x === "number" ? number(x) : String(x)}`);
  return <p class="muted">Learning-rate schedule: {said.join(", ")}.</p>;
}

function Attempts({ trial }: { trial: TrialView }) {
  const took = (attempt: AttemptItem): string =>
    attempt.started === undefined || attempt.ended === undefined ? "–" : duration(attempt.ended - attempt.started);
  return (
    <section aria-labelledby="attempts">
      <h2 id="attempts">Attempts</h2>
      {trial.attempts.length === 0 ? (
        <p class="calm">No attempts yet.</p>
      ) : (
        <div class="scroll" tabIndex={0} role="group" aria-label="Table of attempts">
          <table>
            <thead>
              <tr>
                <th scope="col" class="number">
                  Attempt
                </th>
                <th scope="col">Outcome</th>
                <th scope="col">Queued</th>
                <th scope="col">Started</th>
                <th scope="col">Ended</th>
                <th scope="col" class="number">
                  Took
                </th>
                <th scope="col">Message</th>
              </tr>
            </thead>
            <tbody>
              {trial.attempts.map((attempt) => (
                <tr key={attempt.number}>
                  <th scope="row" class="number">
                    {attempt.number}
                  </th>
                  <td>{attempt.outcome?.toLowerCase() ?? "running"}</td>
                  <td>{time(attempt.queued)}</td>
                  <td>{time(attempt.started)}</td>
                  <td>{time(attempt.ended)}</td>
                  <td class="number">{took(attempt)}</td>
                  <td class="wide">{attempt.message ?? ""}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Executed attempt={trial.attempts.at(-1)} />
      {trial.malformed > 0 && (
        <p class="warning-text">{trial.malformed} lines of metrics.jsonl could not be read; all others were.</p>
      )}
    </section>
  );
}

/** What the latest attempt executed, and on what. */
function Executed({ attempt }: { attempt: AttemptItem | undefined }) {
  if (attempt === undefined || attempt.executed.length === 0) return null;
  return (
    <details>
      <summary>What attempt {attempt.number} executed</summary>
      <div class="scroll" tabIndex={0} role="group" aria-label="Table of what was executed">
        <table>
          <tbody>
            {attempt.executed.map(({ name, value }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td class="wide">
                  <code>{value}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function Seeds({ trial }: { trial: TrialView }) {
  const hosts = Array.from({ length: Math.min(trial.hosts, 64) }, (_, host) => host);
  const latest = (host: number): InitView | undefined => trial.inits.filter((init) => init.host === host).at(-1);
  const prints = new Set(hosts.map((host) => latest(host)?.parameters_sha256).filter((print) => print !== undefined));
  return (
    <section aria-labelledby="seeds">
      <h2 id="seeds">Hosts, seeds and fingerprints</h2>
      <p>
        Every host initializes with seed <strong>{trial.seeds.init}</strong> and reads data in an order of its own; the data
        are split with seed {trial.seeds.split}.
        {prints.size === 1 && trial.hosts > 1 && " All hosts began with the same parameters."}
        {prints.size > 1 && <strong class="problem-text"> Hosts began with different parameters.</strong>}
      </p>
      <div class="scroll" tabIndex={0} role="group" aria-label="Table of hosts">
        <table>
          <thead>
            <tr>
              <th scope="col" class="number">
                Host
              </th>
              <th scope="col" class="number">
                Data seed given
              </th>
              <th scope="col" class="number">
                used
              </th>
              <th scope="col">Initial parameters (SHA-256)</th>
              <th scope="col" class="number">
                Restored from step
              </th>
            </tr>
          </thead>
          <tbody>
            {hosts.map((host) => {
              const init = latest(host);
              return (
                <tr key={host}>
                  <th scope="row" class="number">
                    {host}
                  </th>
                  <td class="number">{trial.seeds.data[host] ?? "–"}</td>
                  <td class="number">{init?.data_seed ?? "–"}</td>
                  <td>
                    {init?.parameters_sha256 === undefined ? (
                      <span class="muted">not reported</span>
                    ) : (
                      <code title={init.parameters_sha256}>{init.parameters_sha256.slice(0, PRINT)}…</code>
                    )}
                  </td>
                  <td class="number">{init?.restored_step ?? "–"}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {trial.checkpoints.length > 0 && (
        <p class="muted">
          {trial.checkpoints.length} checkpoints were saved, the last at step {whole(trial.checkpoints.at(-1)?.step)}.
        </p>
      )}
    </section>
  );
}

function Events({ events }: { events: KubernetesEvent[] }) {
  if (events.length === 0) return <p class="calm">Kubernetes keeps Events for about an hour; there are none of this trial.</p>;
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label="Table of events">
      <table>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">What</th>
            <th scope="col">Of</th>
            <th scope="col">Said</th>
          </tr>
        </thead>
        <tbody>
          {events.map((event, i) => (
            <tr key={i}>
              <td>{time(event.at)}</td>
              <td class={event.severity === "Warning" ? "warning-text" : undefined}>
                {event.reason}
                {event.count > 1 && ` ×${event.count}`}
              </td>
              <td>
                <code>{event.object}</code>
              </td>
              <td class="wide">{event.message}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
