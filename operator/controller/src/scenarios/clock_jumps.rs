//! The operator's wall clock is set forward and back, from a seed.

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;
use studious_api::{
    TrialStatus,
    trial::{AttemptOutcome, TrialPhase},
};

use super::{trials::trial, world::World};

/// Seconds to hours.
fn draw(random: &mut StdRng) -> i64 {
    let most = [5, 60, 3600, 6 * 3600][random.random_range(0..4)];
    random.random_range(-most..=most)
}

/// Of an hour that it may take, a trial trains for 50 minutes, while the clock jumps every five; then for 20 more.
#[tokio::test]
async fn no_jump_of_the_clock_ends_an_attempt_before_its_time() {
    for seed in 0..20 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut world = World::new().await;
        let mut trial = trial(1);
        trial.spec.failure.attempts = 2;
        world.reconcile_trial(&trial).await;
        let job = world.job(&trial, 1);
        let now = crate::status::seconds(world.context.clock.now());
        world.pod(&job, 0, &json!({"running": {"startedAt": now}}), &json!({}));
        let mut ended = Vec::new();
        for minute in (5..=70).step_by(5) {
            world.pass(300);
            world.jump(draw(&mut random));
            world.reconcile_trial(&trial).await;
            let requests = world.requests();
            for request in requests.iter().filter(|request| request.line.contains("/status")) {
                let status: TrialStatus = serde_json::from_value(request.body["status"].clone()).unwrap();
                if let Some(last) = status.attempts.last() {
                    assert_eq!((status.phase, last.outcome), (TrialPhase::Retrying, AttemptOutcome::Failed));
                    ended.push((minute, last.number));
                }
                trial.status = Some(status);
                trial.metadata.resource_version = Some((2000 + minute).to_string());
            }
        }
        // A tenth is the most by which a time limit is off.
        ended.dedup_by_key(|(_, attempt)| *attempt);
        assert!(matches!(ended[..], [(55..=70, 1)]), "seed {seed}: {ended:?}");
    }
}
