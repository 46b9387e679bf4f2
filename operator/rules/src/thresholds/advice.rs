//! Thresholds of advice before a study runs.

use crate::threshold::thresholds;

thresholds! {
    ADAM {
        //
        ADAM_BETA1_TRIALS: adamBeta1Trials = 10.0, 1.0..=10000.0, Count, Playbook, "the trials of an arm from which on Adam's beta1 is tuned beside the learning rate";
        ADAM_EPSILON_TRIALS: adamEpsilonTrials = 25.0, 1.0..=10000.0, Count, Playbook, "the trials of an arm from which on Adam's epsilon is tuned, too";
        ADAM_BETA2_TRIALS: adamBeta2Trials = 50.0, 1.0..=10000.0, Count, Ours, "the trials of an arm from which on Adam's beta2 is tuned, too: substantially more than 25";
    }
    APPROACH {
        //
        SEVERAL_AT_ONCE: severalAtOnce = 3.0, 1.0..=1000.0, Count, Ours, "the trials at once that the incremental tuning strategy supposes";
    }
    GOAL {
        //
        SCIENTIFIC_AT_ONCE: scientificAtOnce = 2.0, 1.0..=64.0, Count, Ours, "the most scientific hyperparameters whose effects can be told apart in one study";
    }
    COMPUTE_BOUND {
        //
        PRACTICAL_ROUNDS: practicalRounds = 3.0, 1.0..=100.0, Count, Playbook, "the most rounds that are usually practical";
    }
    QUASI_RANDOM_TOOLS {
        //
        GRID_DIMENSIONS: gridDimensions = 2.0, 1.0..=20.0, Count, Ours, "the most dimensions for which a grid is accepted";
    }
}
