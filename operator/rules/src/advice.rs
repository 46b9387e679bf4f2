//! Rules of advice before a study runs. Information is shown by `studious validate` alone, a warning wherever the study is
//! read, and refused under `policy.strict`; what is a problem is always refused.

use crate::{
    rule::rules,
    thresholds::{
        advice::{
            ADAM_BETA1_TRIALS, ADAM_BETA2_TRIALS, ADAM_EPSILON_TRIALS, GRID_DIMENSIONS, PRACTICAL_ROUNDS,
            SCIENTIFIC_AT_ONCE, SEVERAL_AT_ONCE,
        },
        search::TRIALS_PER_DIMENSION,
    },
};

rules! {
    GOAL {
        GOAL_TOO_BROAD: GoalTooBroad, Warning, None, [SCIENTIFIC_AT_ONCE],
            "The goal asks several questions, or many features are compared at once: their effects can't be told apart.";
    }
    BATCH_SIZE {
        BATCH_SIZE_TUNED: BatchSizeTuned, Warning, None, [],
            "The batch size is tuned like a nuisance, as if it governed quality and not speed.";
    }
    THROUGHPUT {
        GRADIENT_ACCUMULATION_USED: GradientAccumulation, Warning, None, [],
            "Gradient accumulation imitates a larger batch and gains no throughput.";
    }
    TRAINING_TIME {
        EPOCH_BUDGET_COMPARISON: EpochBudgetComparison, Warning, None, [],
            "Batch sizes are compared while the trainer counts epochs: larger batches get fewer steps.";
    }
    BATCH_NORM {
        BATCH_NORM_HAZARD: BatchNormHazard, Warning, None, [],
            "Batch normalization is used while the batch size or the number of hosts varies, on which its statistics depend.";
    }
    OPTIMIZER {
        OPTIMIZER_HYPERPARAMETER_MISSING: OptimizerHyperparameterMissing, Info, None, [],
            "An optimizer has hyperparameters that the study gives no role: they are held at values that it doesn't know.";
    }
    ROLES {
        OPTIMIZER_NOT_TUNED: OptimizerNotTuned, Warning, None, [],
            "The learning rate is fixed while something is compared, or nothing of the optimizer is tuned.";
        OPTIMIZER_PARAM_SCIENTIFIC: OptimizerParamScientific, Warning, None, [],
            "A number of the optimizer is scientific: which value is best tells little, since the next change moves it.";
        OPTIMIZER_NUISANCE: OptimizerNuisance, Warning, None, [],
            "The choice of optimizer is a nuisance: it gets an unequal and small share of the trials.";
        ARCHITECTURE_NUISANCE: ArchitectureNuisance, Warning, None, [],
            "The number of layers is a nuisance: what is compared differs in cost.";
        REGULARIZATION_STRENGTH_SCIENTIFIC: RegularizationStrengthScientific, Warning, None, [],
            "The strength of a regularizer is scientific: whether to have it is the question, its strength is tuned.";
        FIXED_INTERACTS: FixedInteracts, Warning, None, [],
            "A hyperparameter is fixed that interacts strongly with what is compared.";
        SINGLE_VALUE: SingleValue, Warning, None, [], "A list of one value: the hyperparameter doesn't vary.";
    }
    BALANCE {
        TOO_MANY_NUISANCE: TooManyNuisance, Warning, None, [TRIALS_PER_DIMENSION],
            "A scientific configuration has too few trials for the dimensions that are searched in it.";
    }
    STUDIES {
        UNEQUAL_ARMS: UnequalArms, Warning, None, [],
            "The trials can't be shared out equally among the scientific configurations.";
        SAMPLED_UNLIKE_SPACES: SampledUnlikeSpaces, Warning, None, [],
            "A Sampled study has nuisance hyperparameters that exist only for some scientific values.";
    }
    ADAM {
        ADAM_BUDGET: AdamBudget, Warning, None, [ADAM_BETA1_TRIALS, ADAM_EPSILON_TRIALS, ADAM_BETA2_TRIALS],
            "More of Adam's hyperparameters are tuned than the number of trials supports.";
    }
    SCHEDULE_FAMILY {
        CONSTANT_SCHEDULE: ConstantSchedule, Info, None, [],
            "The learning rate never decays in a study that is past its baseline.";
    }
    COMPLICATED_SCHEDULES {
        HUMAN_IN_LOOP_SCHEDULE: HumanInLoopSchedule, Warning, None, [],
            "The steps at which the learning rate drops are given by hand, as they were found while another training ran.";
    }
    APPROACH {
        LOW_PARALLELISM: LowParallelism, Info, None, [SEVERAL_AT_ONCE],
            "Fewer trials run at once than the playbook's approach supposes.";
    }
    STEPS {
        MAX_TRAIN_STEPS_TUNED: MaxTrainStepsTuned, Problem, None, [],
            "The length of training is a hyperparameter: trials of unlike length can't be compared. Such a study is refused.";
    }
    COMPUTE_BOUND {
        MANY_ROUNDS: ManyRounds, Warning, None, [PRACTICAL_ROUNDS], "More rounds than are usually practical.";
    }
    QUASI_RANDOM {
        ADAPTIVE_EXPLORATION: AdaptiveExploration, Warning, None, [],
            "A study that explores chooses its points by results, which hides boundaries and sampling.";
    }
    QUASI_RANDOM_TOOLS {
        WIDE_GRID: WideGrid, Warning, None, [GRID_DIMENSIONS], "A grid of many dimensions tries few values of each.";
    }
    CHECKPOINTS {
        CHECKPOINTS_TOO_RARE: CheckpointsTooRare, Warning, None, [],
            "Checkpoints are rarer than evaluations: the best evaluation may have none.";
        EARLY_ENDING_BY_RANK: EarlyEndingByRank, Warning, None, [],
            "Trials are ended by their rank in the middle of training: those that would have been best may be among them.";
    }
    NONE {
        EARLY_ENDING_TOO_LATE: EarlyEndingTooLate, Warning, None, [],
            "No evaluation falls where the early ending rule could look at it.";
        DIRECTION_AGAINST_METRIC: DirectionAgainstMetric, Warning, None, [],
            "The objective's direction is the opposite of what its metric usually has.";
        SPACE_EXHAUSTED: SpaceExhausted, Warning, None, [], "More trials are asked than the space has points.";
        CHECKPOINTS_NOT_SHARED: CheckpointsNotShared, Warning, None, [],
            "Trials of several hosts have no volume for checkpoints that all can read.";
        NO_TRAINER_IMAGE: NoTrainerImage, Warning, None, [], "The trainer has no image: the study can't run on a cluster.";
    }
}
