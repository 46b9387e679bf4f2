// What the API says. Names are those of operator/dashboard/src/serve.

export type Value = number | string | boolean;
export type Standing = "Pending" | "Invalid" | "Running" | "Paused" | "Interrupted" | "Completed" | "Failed";
export type Phase = "Pending" | "Retrying" | "Running" | "Succeeded" | "Infeasible" | "Failed" | "Stopped";
export type Severity = "Info" | "Warning" | "Problem";

export interface About {
  version: string;
  fleet: "Local" | "Kubernetes";
  user: string | null;
}

export interface Counts {
  planned: number;
  pending: number;
  running: number;
  succeeded: number;
  infeasible: number;
  failed: number;
  stopped: number;
}

export interface Summary {
  namespace: string;
  name: string;
  goal: string;
  project: string | null;
  labels: Record<string, string>;
  archived: boolean;
  standing: Standing;
  message: string;
  round: string | null;
  counts: Counts;
  ended: number;
  metric: string;
  direction: "Minimize" | "Maximize";
  best: number | null;
  bestTrial: string | null;
  findings: { problems: number; warnings: number } | null;
  created: number | null;
  changed: number | null;
}

export interface Hyperparameter {
  name: string;
  role?: "Scientific" | "Nuisance" | "Fixed";
  range?: { min: number; max: number; scale?: "Linear" | "Log" | "ReverseLog"; integer?: boolean };
  values?: Value[];
  value?: Value;
  fixedBecause?: string;
  when?: Record<string, Value[]>;
}

export interface RoundView {
  name: string;
  maxTrainSteps: number | null;
  counts: Counts;
  best: number | null;
}

export interface Columns {
  hyperparameters: { name: string; role: "Scientific" | "Nuisance" | "Fixed"; number: boolean }[];
  latest: string[];
}

export interface StudyView extends Summary {
  studyName: string;
  settled: boolean;
  description: string | null;
  violations: string[];
  rounds: RoundView[];
  fixed: { name: string; value: Value | null; because: string | null }[];
  bestPoint: Row | null;
  hyperparameters: Hyperparameter[];
  columns: Columns;
  yaml: string;
  spec: Record<string, unknown>;
}

export interface Change {
  path: string;
  /** What stands there; null when nothing does. */
  from: unknown;
  /** What should; null when it should go. */
  to: unknown;
}

export interface Finding {
  code: string;
  severity: Severity;
  hyperparameter?: string;
  trials?: string[];
  evidence: Record<string, number>;
  advice: string;
  section: string;
  change?: Change;
  confidence?: string;
  waived?: string;
}

export interface Question {
  number: number;
  question: string;
  answer: "Pass" | "Fail" | "Unknown" | "Waived";
  reason: string;
  codes: string[];
}

export interface FindingsView {
  state: "ready" | "pending" | "none";
  trials?: number;
  findings?: Finding[];
  checklist?: { questions: Question[]; provisional: boolean };
  plots?: { id: string; title: string; subtitle: string }[];
}

export interface Row {
  name: string;
  round: string;
  maxTrainSteps: number;
  phase: Phase;
  reason?: string;
  message?: string;
  objective?: number;
  bestStep?: number;
  step?: number;
  attempt: number;
  disruptions?: number;
  started?: number;
  ended?: number;
  hyperparameters: Record<string, Value>;
  latest: Record<string, number>;
}

export interface Page {
  total: number;
  matching: number;
  offset: number;
  rows: Row[];
}

export interface Attempt {
  number: number;
  queued?: number;
  started?: number;
  ended?: number;
  outcome?: "Finished" | "Failed" | "Disrupted";
  message: string | null;
}

export interface Init {
  attempt: number;
  host: number;
  parameters_sha256?: string;
  init_seed?: number;
  data_seed?: number;
  restored_step?: number;
}

export interface TrialView extends Row {
  study: string;
  namespace: string;
  goal: string;
  metric: string;
  direction: "Minimize" | "Maximize";
  rank: { place: number; of: number } | null;
  space: Hyperparameter[];
  schedule: Record<string, unknown> | null;
  seeds: { init: number; data: number[]; split: number };
  hosts: number;
  inits: Init[];
  checkpoints: { attempt: number; host: number; step: number; parameters_sha256?: string }[];
  attempts: Attempt[];
  malformed: number;
  commands: { what: string; command: string }[];
  output: string | null;
  yaml: string;
  settled: boolean;
}

export interface Picture {
  id: string;
  title: string;
  subtitle: string;
  specification: Record<string, unknown>;
}

export interface Happening {
  at: number | null;
  severity: string;
  reason: string;
  message: string;
  object: string;
  count: number;
}
