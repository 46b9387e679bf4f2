//! Time that passes evenly, whatever the machine's wall clock does.
//!
//! A wall clock jumps: NTP sets it, a suspended machine resumes, an administrator corrects it. Deadlines, backoff and patience are
//! differences of two readings, and a jump between them must end no trial. So only the first reading is taken from the wall
//! clock; from then on time passes as the machine's monotonic clock does, and what the wall clock is off is made up for slowly,
//! as `adjtime` does.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Of a second that passes, the share by which the time shown is corrected at most: a deadline is off by no more.
const CORRECTED: i32 = 10;

/// The last reading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SteadyTime {
    shown: Timestamp,
    /// The monotonic clock then.
    at: Duration,
}

impl SteadyTime {
    /// Begins at the wall clock's time.
    pub(crate) fn new(wall: Timestamp, uptime: Duration) -> Self {
        Self { shown: wall, at: uptime }
    }

    /// The time at these readings of the wall clock and of the monotonic clock. It never goes back.
    pub(crate) fn read(&mut self, wall: Timestamp, uptime: Duration) -> Timestamp {
        let passed = SignedDuration::try_from(uptime.saturating_sub(self.at)).unwrap_or(SignedDuration::MAX);
        let even = self.shown.saturating_add(passed).unwrap_or(self.shown);
        let most = passed / CORRECTED;
        let correction = wall.duration_since(even).clamp(-most, most);
        self.shown = even.saturating_add(correction).unwrap_or(even);
        self.at = self.at.max(uptime);
        self.shown
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

    use super::*;

    /// Seconds to hours, forward and back, from a seed.
    #[test]
    fn a_wall_clock_that_jumps_makes_no_time_pass() {
        for seed in 0..200 {
            let mut random = StdRng::seed_from_u64(seed);
            let begun = Timestamp::from_second(1_800_000_000).unwrap();
            let mut time = SteadyTime::new(begun, Duration::ZERO);
            let (mut uptime, mut off, mut before) = (Duration::ZERO, SignedDuration::ZERO, begun);
            for _ in 0..100 {
                let passed = Duration::from_millis(random.random_range(0..20_000));
                uptime += passed;
                off += SignedDuration::from_secs(random.random_range(-6 * 3600..6 * 3600));
                let wall = begun + SignedDuration::try_from(uptime).unwrap() + off;
                let now = time.read(wall, uptime);
                let shown = now.duration_since(before);
                let passed = SignedDuration::try_from(passed).unwrap();
                assert!(
                    (shown - passed).abs() <= passed / CORRECTED,
                    "seed {seed}: {passed} passed, {shown} were shown"
                );
                before = now;
            }
        }
    }

    #[test]
    fn what_the_wall_clock_is_off_is_made_up_for() {
        let begun = Timestamp::from_second(1_800_000_000).unwrap();
        for off in [-60, 60] {
            let mut time = SteadyTime::new(begun, Duration::ZERO);
            let wall = |second| begun + SignedDuration::from_secs(i64::try_from(second).unwrap() + off);
            let left: Vec<i64> = [100, 599, 600, 700]
                .into_iter()
                .map(|second| (wall(second) - time.read(wall(second), Duration::from_secs(second))).get_seconds())
                .collect();
            assert_eq!(left, [50 * off / 60, off / 60 / 10, 0, 0], "{off}");
        }
    }
}
