//! Thresholds of findings about the search: the space, how well it was sampled, what was infeasible, how arms compare.

use crate::threshold::thresholds;

thresholds! {
    INSIGHT {
        FALSE_ALARMS: falseAlarms = 0.05, 0.0001..=0.5, Probability, Ours, "the rate at which a study without any signal may raise a finding that rests on a test";
        // R-072, D-26.
        REGION_TRIALS: regionTrials = 3.0, 2.0..=1000.0, Count, Ours, "the fewest infeasible trials that make a region of infeasible points";
        REGION_SHARE: regionShare = 0.7, 0.5..=1.0, Share, Ours, "the least share of infeasible trials in a region of infeasible points";
        PURE_REGION: pureRegion = 0.95, 0.5..=1.0, Share, Ours, "the share of infeasible trials from which a region needs no second condition";
        // R-068, D-05.
        MANY_INFEASIBLE: manyInfeasible = 0.5, 0.01..=1.0, Share, Ours, "the share of infeasible trials of an arm that is very large";
    }
    INSIGHT {
        //
        HOPELESS_DEVIATIONS: hopelessDeviations = 8.0, 2.0..=1000.0, Deviations, Ours, "how many standard deviations of the logarithm of the objective, seen in the better half, a trial lies beyond the median to be infeasible by value";
        HOPELESS_DISTANCE: hopelessDistance = 1000.0, 10.0..=1e9, Ratio, Ours, "of an objective without a logarithm: how many times the spread of the better half a trial lies beyond the median to be infeasible by value";
        CHANCE_GAIN: chanceGain = 0.02, 0.0001..=0.5, Share, Ours, "the share of the way from the chance level to the best trial below which a trial has learned nothing";
        PILE_SHARE: pileShare = 0.1, 0.01..=0.5, Share, Ours, "the least share of trials that pile up at the worst value and so show the chance level";
        PILE_WIDTH: pileWidth = 0.005, 0.0001..=0.1, Share, Ours, "the share of the span from the worst to the best trial within which trials pile up";
    }
    BOUNDARIES {
        // R-070, D-06.
        EDGE_SHARE: edgeShare = 0.1, 0.01..=0.5, Share, Ours, "the share of a range, in the scale of the search, that counts as its boundary";
        EDGE_TRIALS: edgeTrials = 3.0, 1.0..=20.0, Count, Ours, "the number of best trials that are examined at boundaries";
        BOUNDARY_TRIALS: boundaryTrials = 8.0, 3.0..=1000.0, Count, Ours, "the fewest feasible trials of an arm in which boundaries are looked for";
        BOUNDARY_POWER: boundaryPower = 0.8, 0.5..=0.99, Probability, Ours, "the share of studies like this one in which an optimum a quarter of the range beyond a boundary must be seen for the first question to pass";
        FEW_VALUES: fewValues = 10.0, 2.0..=1000.0, Count, Ours, "the number of different values up to which trials tie too often for ranks";
        BEST_SHARE: bestShare = 1.0 / 6.0, 0.01..=0.5, Share, Ours, "the best share of the trials that is examined at boundaries where values tie";
        MOST_BEST: mostBest = 20.0, 1.0..=1000.0, Count, Ours, "the most trials that are examined at boundaries where values tie";
        WIDEN_BY: widenBy = 0.25, 0.01..=10.0, Share, Ours, "the share of itself, in the scale of the search, by which a range is widened";
    }
    SAMPLING {
        // R-073, D-23.
        GOOD_TRIALS: goodTrials = 3.0, 1.0..=1000.0, Count, Ours, "the fewest trials of an arm that should be in its good region";
        GOOD_DEVIATIONS: goodDeviations = 2.0, 0.1..=10.0, Deviations, Ours, "how many standard deviations of a retraining around the best are the good region";
        // R-051, D-22.
        TRIALS_PER_DIMENSION: trialsPerDimension = 5.0, 1.0..=1000.0, Count, Ours, "the fewest trials of an arm for each dimension that is tuned in it";
        GAP_TRIALS: gapTrials = 6.0, 4.0..=1000.0, Count, Ours, "the fewest results whose gaps show that the best stand apart";
    }
    STUDIES {
        //
        UNEVEN_CHANCE: unevenChance = 0.01, 0.0001..=0.5, Probability, Ours, "the p-value below which the counts of scientific values are not uniform";
        EXPECTED_TRIALS: expectedTrials = 5.0, 1.0..=1000.0, Count, Ours, "the fewest trials expected of each value for which counts are compared by a chi-square test";
        RANGE_PARTS: rangeParts = 5.0, 2.0..=100.0, Count, Ours, "the most equal parts of a scientific range whose trials are counted";
    }
    ISOLATION {
        //
        TUNING_BALANCE: tuningBalance = 0.5, 0.01..=1.0, Share, Ours, "the share of the winner's tuning effort below which another arm is under-tuned";
        EFFORT_DIFFERENCE: effortDifference = 3.0, 1.0..=1000.0, Count, Ours, "the fewest points that one arm must have less than another to be under-tuned";
    }
    EXPLORATION {
        // R-046, D-24.
        SATURATED_TAIL: saturatedTail = 1.0 / 3.0, 0.05..=0.9, Share, Ours, "the last share of trials that should still gain more than trial variance";
        SATURATED_GAIN: saturatedGain = 0.02, 0.0001..=1.0, Share, Ours, "the gain of the last trials, as a share of the distance between the median trial and the best, that is nothing where trial variance is not known";
        SATURATED_TRIALS: saturatedTrials = 15.0, 6.0..=10000.0, Count, Ours, "the fewest results of which the gain of the last ones is measured";
        FEATURE_TRIALS: featureTrials = 8.0, 1.0..=1000.0, Count, Ours, "the fewest results of an arm that show that a feature does not help";
    }
    QUASI_RANDOM {
        // R-148, D-16.
        LOW_FEEDBACK: lowFeedback = 0.25, 0.01..=1.0, Share, Ours, "the share of all trials in flight at once from which on Bayesian search has too little to learn from";
    }
    ADOPTING {
        //
        NOISE_DEVIATIONS: noiseDeviations = 2.0, 0.1..=10.0, Deviations, Ours, "how many standard deviations of a difference are within noise";
        // D-09.
        RETRAIN_TIMES: retrainTimes = 5.0, 2.0..=100.0, Count, Ours, "how often the best points are trained again where that is suggested";
    }
    SAMPLE {
        //
        FEW_EXAMPLES: fewExamples = 100.0, 1.0..=1e9, Count, Ours, "the number of examples of the rarer outcome (most often the wrong ones) below which a rate is reported as a count, too";
        EXAMPLE_RESULTS: exampleResults = 8.0, 2.0..=1000.0, Count, Ours, "the fewest different results from which the number of examples is inferred";
    }
}
