// Generated from operator/dashboard/src/serve/views.rs: don't edit. To write it again:
// UPDATE_TYPES=1 cargo test -p studious-dashboard types_of_the_pages

/**
 * `/v1/about`: who asks, of what.
 */
export type AboutView = {
/**
 * Of Studious.
 */
version: string,
/**
 * What carries trials out.
 */
fleet: Backend,
/**
 * The caller's name, if they have one.
 */
user: string | null, };

/**
 * An answer.
 */
export type Answer = "Pass" | "Fail" | "Unknown" | "Waived";

/**
 * Whether the nuisance hyperparameters of an arm are tuned well enough to compare it.
 */
export type ArmTuning = {
/**
 * The scientific values that its trials share.
 */
configuration: { [key in string]: HyperparameterValue },
/**
 * `Pass`: its search space, its sampling and its infeasible trials give no cause for doubt.
 */
nuisance_tuned_enough: Answer,
/**
 * Why, in a sentence.
 */
reason: string,
/**
 * The codes of the findings that contradict it.
 */
codes: Array<string>, };

/**
 * How an arm stands.
 */
export type ArmValue = {
/**
 * The scientific values that its trials share.
 */
configuration: { [key in string]: HyperparameterValue },
/**
 * The trial whose point stands for it.
 */
trial: string,
/**
 * What is compared: the mean of the retrainings, or else the best objective.
 */
value: number,
/**
 * The best objective of its trials, which owes part of its value to noise.
 */
best: number,
/**
 * Retrainings behind `value`; 0 where it is the best objective.
 */
retrainings: number,
/**
 * Trials with a result.
 */
trials: number, };

/**
 * An attempt at a trial.
 */
export type AttemptItem = {
/**
 * What is said about its end.
 */
message: string | null,
/**
 * What it executed, and on what, as far as that is known.
 */
executed: Array<FactView>,
/**
 * From 1.
 */
number: number,
/**
 * When its processes or its Job were asked for, in milliseconds since the epoch.
 */
queued?: Millis,
/**
 * When its first host began.
 */
started?: Millis,
/**
 * When it ended; nothing while it runs.
 */
ended?: Millis,
/**
 * How it ended.
 */
outcome?: AttemptOutcome, };

/**
 * How an attempt ended.
 */
export type AttemptOutcome = "Finished" | "Failed" | "Disrupted";

/**
 * What kind of backend is shown.
 */
export type Backend = "Local" | "Kubernetes";

/**
 * The best point of a study without arms.
 */
export type BestValue = {
/**
 * The trial that was chosen.
 */
trial: string,
/**
 * Its objective, which owes part of its value to noise.
 */
chosen: number,
/**
 * Of how many trials with an objective it is the best.
 */
of: number,
/**
 * The mean of its retrainings.
 */
retrained?: Estimate,
/**
 * How many those are.
 */
retrainings: number, };

/**
 * One edit of a study: for the next study, since the space of one that exists can't change.
 *
 * It is written as `{"path", "from", "to"}`. An edit of several fields has the path `spec`, and objects that hold the
 * fields by their paths below it.
 */
export type Change = {
/**
 * Where: `spec.hyperparameters[1].range.max`.
 */
path: string,
/**
 * The value there now; `null` when there is none.
 */
from: unknown,
/**
 * The value that should be there; `null` when it should go.
 */
to: unknown, };

/**
 * The five questions with their answers.
 */
export type Checklist = {
/**
 * Whether the study's answer must wait: some question fails or is unknown, or there is a problem beside them.
 */
provisional: boolean,
/**
 * The codes of problems that speak to none of the questions, such as `SeedMismatch`, and aren't waived.
 */
problems: Array<string>,
/**
 * The five questions in their order.
 */
questions: Array<Question>,
/**
 * For each arm whether it is tuned well enough to compare. One without a configuration where no scientific
 * hyperparameter has a list of values.
 */
arms: Array<ArmTuning>, };

/**
 * An objective by which the trials may be judged.
 */
export type ChoiceItem = {
/**
 * What to ask for (`?by=`); empty for the study's own.
 */
by: string, label: string, };

/**
 * A command for a shell, and what for.
 */
export type CommandView = { what: string, command: string, };

/**
 * `/v1/compare`: trials beside each other.
 */
export type ComparisonView = { trials: Array<TrialView>,
/**
 * One for each metric, with the curves of all trials.
 */
plots: Array<PlotView>, };

/**
 * Why a finding is less sure than its words.
 */
export type Confidence = "Weak" | "OpenQuestion" | "WeakOpenQuestion";

/**
 * Trials by phase.
 */
export type Counts = {
/**
 * In all rounds.
 */
planned: number,
/**
 * Created, not yet running.
 */
pending: number,
/**
 * Running, or waiting for another attempt.
 */
running: number, succeeded: number, infeasible: number, failed: number, stopped: number, };

/**
 * Which way is better.
 */
export type Direction = "Minimize" | "Maximize";

/**
 * Why there is no answer.
 */
export type ErrorView = { error: string, };

/**
 * A number, with an interval if it has one.
 */
export type Estimate = {
/**
 * The number, in units of the objective.
 */
value: number,
/**
 * Where the truth is with probability `level`, as far as the noise of training goes; missing where that is unknown.
 */
interval?: [number, number],
/**
 * The probability of the interval, such as 0.95.
 */
level: number, };

/**
 * A name and what is known under it.
 */
export type FactView = { name: string, value: string, };

/**
 * A conclusion drawn from the trials.
 */
export type Finding = {
/**
 * Stable code, such as `SearchSpaceTooNarrow`.
 */
code: string,
/**
 * How much it matters.
 */
severity: Severity,
/**
 * The hyperparameter it speaks of.
 */
hyperparameter?: string,
/**
 * The trials it speaks of.
 */
trials: Array<string>,
/**
 * The numbers behind it.
 */
evidence: { [key in string]: number },
/**
 * What was found and what to do, in a sentence or two.
 */
advice: string,
/**
 * The playbook's section.
 */
section: string,
/**
 * The change to the study that it suggests.
 */
change?: Change,
/**
 * Why its advice is less sure than others', if it is.
 */
confidence?: Confidence,
/**
 * Why it is set aside, where `spec.policy.waive` does so.
 */
waived?: string, };

/**
 * Findings by severity, without those that were set aside.
 */
export type FindingCounts = { problems: number, warnings: number, };

/**
 * Whether conclusions are those of the trials as they are now.
 */
export type FindingsState = "ready" | "pending" | "none";

/**
 * `…/findings`: what is concluded from a study's trials, and which plots there are.
 */
export type FindingsView = { state: FindingsState,
/**
 * How many trials they were drawn from.
 */
trials?: number, findings?: Array<Finding>,
/**
 * The answer to the study's goal.
 */
verdict?: Verdict, checklist?: Checklist, plots?: Array<PlotItem>,
/**
 * By what the trials may be judged, the study's own objective first.
 */
choices?: Array<ChoiceItem>,
/**
 * Why what is concluded by another objective is less sure, if it is.
 */
reservation?: string, };

/**
 * A hyperparameter that is held.
 */
export type FixedView = { name: string, value: HyperparameterValue | null, because: string | null, };

/**
 * One dimension of the study, one value held fixed, or one worked out. Exactly one of `range`, `values`, `value` and
 * `expression` is given.
 */
export type Hyperparameter = {
/**
 * The name that trainers see; `HP_<NAME>` in the environment.
 */
name: string,
/**
 * Its name in the program, in imported files and in exported tables, where that is not an identifier, such as `optim.lr`.
 */
alias?: string,
/**
 * Scientific: its effect is the question. Nuisance: tuned over, to compare fairly. Fixed: held. Derived: worked out from
 * others.
 */
role: Role,
/**
 * Exists only when each hyperparameter named here has one of the given values, as a list, or a number between the given
 * ends: `min` and `max`, or without the end itself `above` and `below`.
 */
when?: { [key in string]: ParentValues },
/**
 * An interval to search.
 */
range?: Range,
/**
 * A list of values to choose from.
 */
values?: Array<HyperparameterValue>,
/**
 * How a `Derived` hyperparameter is worked out from others, such as `effective_rate * (1 - momentum)`: numbers, names,
 * `+ - * / % **`, parentheses and `abs ceil exp floor log log10 log2 max min round sqrt`. It exists where all that it
 * names exist.
 */
expression?: string,
/**
 * The one value of a `Fixed` hyperparameter.
 */
value?: HyperparameterValue,
/**
 * What kind of choice it is, where its name doesn't say so.
 */
category?: HyperparameterCategory,
/**
 * What it is among the hyperparameters that Studious knows, where its name doesn't say so: such as `learning_rate`.
 */
knownAs?: string,
/**
 * The optimizer of which it is a hyperparameter, where neither its name nor its condition says so: such as `adam`.
 */
optimizerOf?: string,
/**
 * Why it isn't tuned: printed as a caveat with every conclusion.
 */
fixedBecause?: string, };

/**
 * What kind of choice a hyperparameter is (requirement R-012).
 */
export type HyperparameterCategory = "Optimizer" | "Schedule" | "Regularization" | "Architecture" | "Initialization" | "Data";

/**
 * A column of a hyperparameter's values.
 */
export type HyperparameterColumn = { name: string, role: Role,
/**
 * Whether all its values are numbers.
 */
number: boolean, };

/**
 * One value: a truth value, an integer, a real number or a name.
 *
 * The API server writes `1.0` as `1`, so an integer and a real number of the same value are equal.
 */
export type HyperparameterValue = boolean | number | number | string;

/**
 * What a host reported of its beginning. What it left out is left out.
 */
export type InitView = { attempt: number, host: number, parameters_sha256?: string, init_seed?: number, data_seed?: number,
/**
 * The step of the checkpoint that it resumed from.
 */
restored_step?: number, };

/**
 * Something that Kubernetes or the operator said about a trial.
 */
export type KubernetesEvent = {
/**
 * When.
 */
at: Millis | null,
/**
 * `Normal` or `Warning`.
 */
severity: string,
/**
 * In a word.
 */
reason: string,
/**
 * In a sentence.
 */
message: string,
/**
 * The object: `Job/digits-explore-0007-a1`.
 */
object: string,
/**
 * How often.
 */
count: number, };

/**
 * Milliseconds since the epoch: the clock is an argument.
 */
export type Millis = number;

/**
 * An interval of numbers, open where an end is missing.
 */
export type ParentInterval = {
/**
 * At least this.
 */
min?: number,
/**
 * At most this.
 */
max?: number,
/**
 * More than this.
 */
above?: number,
/**
 * Less than this.
 */
below?: number, };

/**
 * The values of a hyperparameter for which another one exists.
 */
export type ParentValues = Array<HyperparameterValue> | ParentInterval;

/**
 * A plot of a study by name.
 */
export type PlotItem = { id: string, title: string,
/**
 * What it is drawn from.
 */
subtitle: string, };

/**
 * A plot with its specification.
 */
export type PlotView = { id: string, title: string,
/**
 * What it is drawn from.
 */
subtitle: string,
/**
 * Vega-Lite's.
 */
specification: Record<string, unknown>, };

/**
 * One question with its answer.
 */
export type Question = {
/**
 * 1 to 5.
 */
number: number,
/**
 * The question.
 */
question: string,
/**
 * The answer.
 */
answer: Answer,
/**
 * Why, in a sentence or two.
 */
reason: string,
/**
 * The codes of the findings that speak to it.
 */
codes: Array<string>, };

/**
 * An interval, both ends included.
 */
export type Range = {
/**
 * Smallest value.
 */
min: number,
/**
 * Largest value.
 */
max: number,
/**
 * In which scale points are spread evenly.
 */
scale: Scale,
/**
 * Whole numbers only.
 */
integer: boolean, };

/**
 * The rank of a trial among those of its round that succeeded.
 */
export type RankView = {
/**
 * From 1.
 */
place: number, of: number, };

/**
 * What training the best point again showed.
 */
export type RetrainedBest = {
/**
 * Mean of the objectives.
 */
mean: number,
/**
 * Their standard deviation; missing of a single one.
 */
standardDeviation?: number,
/**
 * Retrainings that succeeded.
 */
trials: number,
/**
 * `0.1 ± 0.03 (5 retrainings)`.
 */
summary: string, };

/**
 * What a hyperparameter is to the question of a study.
 *
 * Playbook: "Identifying scientific, nuisance, and fixed hyperparameters". Nuisance unless said otherwise.
 */
export type Role = "Scientific" | "Nuisance" | "Fixed" | "Derived";

/**
 * What was planned of a round, and what became of it.
 */
export type RoundView = { name: string,
/**
 * Nothing of a study that is refused.
 */
maxTrainSteps: number | null, counts: Counts, best: number | null, };

/**
 * A checkpoint that a host said it saved.
 */
export type SavedCheckpoint = {
/**
 * From 1.
 */
attempt: number,
/**
 * From 0. Only host 0 should save any.
 */
host: number,
/**
 * Training step.
 */
step: number,
/**
 * Fingerprint of what was saved.
 */
parameters_sha256?: string, };

/**
 * The scale in which a range is searched.
 */
export type Scale = "Linear" | "Log" | "ReverseLog";

/**
 * Shape of the decay.
 */
export type ScheduleFamily = "Constant" | "Linear" | "Cosine";

/**
 * How much a finding matters.
 */
export type Severity = "Info" | "Warning" | "Problem";

/**
 * A study in a list.
 */
export type StudyItem = { namespace: string, name: string, goal: string, project: string | null, labels: { [key in string]: string },
/**
 * Whether its label says that it is out of the way.
 */
archived: boolean, standing: StudyState,
/**
 * Why, in a sentence.
 */
message: string,
/**
 * The round that runs, or ran last.
 */
round: string | null, counts: Counts,
/**
 * Trials that have ended.
 */
ended: number,
/**
 * The objective's.
 */
metric: string, direction: Direction,
/**
 * The best objective, and its trial.
 */
best: number | null, bestTrial: string | null,
/**
 * What training that trial's point again showed.
 */
retrained: RetrainedBest | null,
/**
 * Nothing before conclusions were drawn.
 */
findings: FindingCounts | null,
/**
 * Milliseconds since the epoch, as all times here.
 */
created: Millis | null, changed: Millis | null, };

/**
 * `/v1/studies`.
 */
export type StudyList = {
/**
 * The last changed first.
 */
studies: Array<StudyItem>,
/**
 * Whether there are more than one answer holds.
 */
more: boolean, };

/**
 * Where a study stands.
 */
export type StudyState = "Pending" | "Invalid" | "Running" | "Paused" | "Interrupted" | "Completed" | "Failed";

/**
 * `/v1/namespaces/{namespace}/studies/{name}`: a study without its trials.
 */
export type StudyView = {
/**
 * The name by which its trials are called. A local folder may have another.
 */
studyName: string,
/**
 * Whether nothing more will happen by itself.
 */
settled: boolean, description: string | null,
/**
 * What is wrong with it, if it is refused.
 */
violations: Array<string>, rounds: Array<RoundView>, fixed: Array<FixedView>,
/**
 * The best trial.
 */
bestPoint: TrialItem | null, hyperparameters: Array<Hyperparameter>, columns: TableColumns,
/**
 * The study as YAML.
 */
yaml: string, spec: Record<string, unknown>, namespace: string, name: string, goal: string, project: string | null, labels: { [key in string]: string },
/**
 * Whether its label says that it is out of the way.
 */
archived: boolean, standing: StudyState,
/**
 * Why, in a sentence.
 */
message: string,
/**
 * The round that runs, or ran last.
 */
round: string | null, counts: Counts,
/**
 * Trials that have ended.
 */
ended: number,
/**
 * The objective's.
 */
metric: string, direction: Direction,
/**
 * The best objective, and its trial.
 */
best: number | null, bestTrial: string | null,
/**
 * What training that trial's point again showed.
 */
retrained: RetrainedBest | null,
/**
 * Nothing before conclusions were drawn.
 */
findings: FindingCounts | null,
/**
 * Milliseconds since the epoch, as all times here.
 */
created: Millis | null, changed: Millis | null, };

/**
 * What may be shown of the trials of a study beside what every trial has.
 */
export type TableColumns = { hyperparameters: Array<HyperparameterColumn>,
/**
 * Metrics whose latest value trials have.
 */
latest: Array<string>, };

/**
 * `…/trials/{trial}/events`: what Kubernetes and the operator said about a trial.
 */
export type TrialEvents = {
/**
 * The latest first.
 */
events: Array<KubernetesEvent>, };

/**
 * A trial in a table. What it doesn't have is left out.
 */
export type TrialItem = { name: string, round: string, maxTrainSteps: number, phase: TrialPhase, reason?: string, message?: string,
/**
 * So far, of one that hasn't ended; an infeasible trial has none.
 */
objective?: number, bestStep?: number,
/**
 * The latest step that host 0 reported.
 */
step?: number,
/**
 * From 1; 0 before the first.
 */
attempt: number,
/**
 * Attempts that were disrupted.
 */
disruptions?: number, started?: Millis, ended?: Millis, hyperparameters: { [key in string]: HyperparameterValue },
/**
 * The last value of every metric of host 0.
 */
latest: { [key in string]: number }, };

/**
 * Where a trial stands.
 */
export type TrialPhase = "Pending" | "Retrying" | "Running" | "Succeeded" | "Infeasible" | "Failed" | "Stopped";

/**
 * `…/trials/{trial}/plots`: the curves of a trial.
 */
export type TrialPlots = {
/**
 * One for each metric, the objective first.
 */
plots: Array<PlotView>, };

/**
 * A schedule worked out for one trial. At 0-based step `t` the learning rate is `base * t / warmupSteps` while
 * `t < warmupSteps`, then `base` for `constantSteps`, then falls to `base * endFactor` over `decaySteps` in a straight
 * line or half a cosine, and stays there.
 */
export type TrialSchedule = {
/**
 * Shape of the decay.
 */
family: ScheduleFamily,
/**
 * Peak learning rate.
 */
base: number,
/**
 * Steps of warmup.
 */
warmupSteps: number,
/**
 * Steps at the peak.
 */
constantSteps: number,
/**
 * Steps of decay.
 */
decaySteps: number,
/**
 * Learning rate at the end as a share of the peak.
 */
endFactor: number, };

/**
 * Seeds of one trial, each below 2^31.
 */
export type TrialSeeds = {
/**
 * Of the initialisation: the same on every host.
 */
init: number,
/**
 * Of the data order: one for each host, all different.
 */
data: Array<number>,
/**
 * Of the split into train, validation and test: the same for the whole study.
 */
split: number, };

/**
 * `…/trials/{trial}`: a trial without its curves.
 */
export type TrialView = { study: string, namespace: string, goal: string, metric: string, direction: Direction,
/**
 * Nothing unless it succeeded.
 */
rank: RankView | null, space: Array<Hyperparameter>, schedule: TrialSchedule | null, seeds: TrialSeeds, hosts: number,
/**
 * The latest reports of hosts on how they began.
 */
inits: Array<InitView>,
/**
 * The latest checkpoints.
 */
checkpoints: Array<SavedCheckpoint>, attempts: Array<AttemptItem>,
/**
 * Lines of `metrics.jsonl` that could not be read.
 */
malformed: number, commands: Array<CommandView>,
/**
 * The end of what its trainer printed, where that is at hand.
 */
output: string | null,
/**
 * A Trial that trains the same again, as YAML.
 */
yaml: string,
/**
 * Whether nothing more will happen to it.
 */
settled: boolean, name: string, round: string, maxTrainSteps: number, phase: TrialPhase, reason?: string, message?: string,
/**
 * So far, of one that hasn't ended; an infeasible trial has none.
 */
objective?: number, bestStep?: number,
/**
 * The latest step that host 0 reported.
 */
step?: number,
/**
 * From 1; 0 before the first.
 */
attempt: number,
/**
 * Attempts that were disrupted.
 */
disruptions?: number, started?: Millis, ended?: Millis, hyperparameters: { [key in string]: HyperparameterValue },
/**
 * The last value of every metric of host 0.
 */
latest: { [key in string]: number }, };

/**
 * `…/trials`: one page of the table.
 */
export type TrialsPage = {
/**
 * Trials of the study.
 */
total: number,
/**
 * Trials that the query matches.
 */
matching: number,
/**
 * The row that the page begins with, from 0.
 */
offset: number, rows: Array<TrialItem>, };

/**
 * The answer to a study's goal.
 */
export type Verdict = {
/**
 * Which kind of answer it is.
 */
kind: VerdictKind,
/**
 * The answer in a sentence or two.
 */
summary: string,
/**
 * Whether trials are still to end, or questions are open.
 */
provisional: boolean,
/**
 * The numbers of the questions that fail: why it cannot be judged.
 */
failing: Array<number>,
/**
 * The numbers of the questions that are unknown.
 */
unknown: Array<number>,
/**
 * The codes of problems that speak to none of the questions.
 */
problems: Array<string>,
/**
 * The arms that have a result, the leading one first; empty where there is but one.
 */
arms: Array<ArmValue>,
/**
 * By how much the first arm is ahead of the second.
 */
difference?: Estimate,
/**
 * What the first arm's value will be with other seeds, on average: it leads by noise as well as merit, so this is a
 * little worse than the mean of its retrainings. Missing without those.
 */
expected?: number,
/**
 * The best point, of a study without arms.
 */
best?: BestValue,
/**
 * The standard deviation between trainings of one point with other seeds; missing where it is unknown.
 */
noise?: number,
/**
 * How many examples the metric is a share of, where the results give it away.
 */
examples?: number,
/**
 * How often each arm's best point would have to be trained again to name a winner.
 */
retrainings_needed?: number, };

/**
 * The kinds of answers.
 */
export type VerdictKind = "Winner" | "NoWinner" | "BestPoint" | "CannotJudge";
