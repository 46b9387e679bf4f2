import "../report.css";
import "./app.css";
import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useData } from "./api";
import { Compare } from "./compare";
import { useRoute } from "./route";
import { Studies } from "./studies";
import { Study } from "./study";
import { Trial } from "./trial";
import type { AboutView } from "./types";

function App() {
  const { parts } = useRoute();
  const about = useData<AboutView>("v1/about", () => null).data;
  const main = useRef<HTMLElement>(null);
  const path = parts.join("/");
  const before = useRef(path);
  useEffect(() => {
    document.title = `${parts.length === 0 ? "Studies" : parts.at(-1)} · Studious`;
    if (before.current === path) return;
    before.current = path;
    // A new page is read from its beginning, by eye or by ear.
    scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [path]);
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to the content
      </a>
      <header class="bar">
        <a class="brand" href="#/">
          Studious
        </a>
        {about !== undefined && (
          <span class="muted">
            {about.fleet === "Local" ? "runs of this machine" : "Kubernetes"}
            {about.user !== null && ` · ${about.user}`}
          </span>
        )}
      </header>
      <main id="main" tabIndex={-1} ref={main}>
        <Page parts={parts} about={about} />
      </main>
      <footer>
        <p>
          Advice follows the <a href="https://github.com/google/tuning_playbook">Deep Learning Tuning Playbook</a> (Godbole,
          Dahl, Gilmer, Shallue, Nado, 2023), <a href="https://creativecommons.org/licenses/by/4.0/">CC BY 4.0</a>, adapted
          here and without any warranty; its authors and Google endorse neither Studious nor what it says.
          {about !== undefined && ` Studious ${about.version}.`}
        </p>
      </footer>
    </>
  );
}

function Page({ parts, about }: { parts: string[]; about: AboutView | undefined }) {
  const [kind, namespace, study, trials, trial] = parts;
  if (kind === undefined) return <Studies about={about} />;
  if (kind === "compare" && parts.length === 1) return <Compare />;
  if (kind === "studies" && namespace !== undefined && study !== undefined) {
    if (parts.length === 3) return <Study key={parts.join("/")} namespace={namespace} name={study} />;
    if (trials === "trials" && trial !== undefined && parts.length === 5) {
      return <Trial key={parts.join("/")} about={about} namespace={namespace} study={study} name={trial} />;
    }
  }
  return (
    <div class="fault">
      <h1>There is no such page</h1>
      <p>
        <code>#/{parts.join("/")}</code> is not a page of the dashboard. <a href="#/">See all studies</a>.
      </p>
    </div>
  );
}

const root = document.getElementById("app");
if (root !== null) {
  root.replaceChildren();
  render(<App />, root);
}
