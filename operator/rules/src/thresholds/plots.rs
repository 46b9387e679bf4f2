//! Thresholds of plots.

use crate::threshold::thresholds;

thresholds! {
    ISOLATION {
        //
        BUCKET_TRIALS: bucketTrials = 3.0, 1.0..=1000.0, Count, Ours, "the fewest trials of a bucket of an isolation plot that is not drawn as thin";
        TRIALS_PER_BUCKET: trialsPerBucket = 6.0, 1.0..=1000.0, Count, Ours, "the number of trials that each bucket of an isolation plot gets, about";
    }
    INSIGHT {
        GOOD_SHARE: goodShare = 0.1, 0.001..=1.0, Share, Ours, "the best share of the trials that parallel coordinates show in color";
        IMPORTANCE_TRIALS: importanceTrials = 16.0, 8.0..=10000.0, Count, Ours, "the fewest results from which the importance of hyperparameters is estimated";
    }
}
