//! The playbook's sections, by the names that it gives them.

pub(crate) const ADOPTING: &str =
    "Determining whether to adopt a training pipeline change or hyperparameter configuration";
pub(crate) const BOUNDARIES: &str = "Identifying bad search space boundaries";
pub(crate) const CHECKPOINTS: &str = "Saving checkpoints and retrospectively selecting the best checkpoint";
pub(crate) const CLIPPING: &str = "Gradient clipping";
pub(crate) const COMPUTE_BOUND: &str = "Deciding how long to train when training is compute-bound";
pub(crate) const CURVES: &str = "Examining the training curves";
pub(crate) const EVALUATION_SETTINGS: &str = "Evaluation settings";
pub(crate) const EXPLORATION: &str = "Exploration vs exploitation";
pub(crate) const HOSTS: &str = "Considerations for multi-host pipelines";
pub(crate) const INSIGHT: &str = "Extracting insight from experimental results";
pub(crate) const ISOLATION: &str = "Detecting whether a change is useful with isolation plots";
pub(crate) const NOT_COMPUTE_BOUND: &str = "Deciding how long to train when training is not compute-bound";
pub(crate) const PERIODIC_EVALUATIONS: &str = "Setting up periodic evaluations";
pub(crate) const PIPELINE: &str = "Optimizing the input pipeline";
pub(crate) const QUASI_RANDOM: &str = "Why use quasi-random search instead of more sophisticated black box optimization \
                                       algorithms during the exploration phase of tuning?";
pub(crate) const QUASI_RANDOM_TOOLS: &str = "Where can I find an implementation of quasi-random search?";
pub(crate) const ROLES: &str = "Identifying scientific, nuisance, and fixed hyperparameters";
pub(crate) const ROUND_1: &str = "Round 1";
pub(crate) const ROUND_2: &str = "Round 2";
pub(crate) const SAMPLE: &str = "Choosing a sample for periodic evaluation";
pub(crate) const SAMPLING: &str = "Not sampling enough points in the search space";
pub(crate) const STUDIES: &str = "Creating a set of studies";
pub(crate) const UNSTABLE: &str = "Identifying unstable workloads";
pub(crate) const WARMUP: &str = "How to apply learning rate warmup";
pub(crate) const ADAM: &str = "How should Adam's hyperparameters be tuned?";
pub(crate) const APPROACH: &str = "A scientific approach to improving model performance";
pub(crate) const BALANCE: &str = "Striking a balance between informative and affordable experiments";
pub(crate) const BATCH_NORM: &str = "Batch normalization implementation details";
pub(crate) const BATCH_SIZE: &str = "Choosing the batch size";
pub(crate) const COMPLICATED_SCHEDULES: &str = "Why do some papers have complicated learning rate schedules?";
pub(crate) const GOAL: &str = "Choosing the goal for the next round of experiments";
/// Of what the playbook does not say.
pub(crate) const NONE: &str = "";
pub(crate) const OPTIMIZER: &str = "Choosing the optimizer";
pub(crate) const SCHEDULE_FAMILY: &str = "What is the best learning rate decay schedule family?";
pub(crate) const STEPS: &str = "Determining the number of steps for each training run";
pub(crate) const THROUGHPUT: &str = "Determining the feasible batch sizes and estimating training throughput";
pub(crate) const TRAINING_TIME: &str = "Choosing the batch size to minimize training time";
