//! Thresholds of advice before a study runs.

use crate::threshold::thresholds;

thresholds! {
    COMPUTE_BOUND {
        //
        PRACTICAL_ROUNDS: practicalRounds = 3.0, 1.0..=100.0, Count, Playbook, "the most rounds that are usually practical";
    }
    QUASI_RANDOM_TOOLS {
        //
        GRID_DIMENSIONS: gridDimensions = 2.0, 1.0..=20.0, Count, Ours, "the most dimensions for which a grid is accepted";
    }
}
