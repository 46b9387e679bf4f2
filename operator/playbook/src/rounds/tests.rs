use super::*;
use crate::studies;

#[test]
fn smoke() {
    let plan = studies::plan(studies::DIGITS);
    for p in points(&plan, "explore", &[]).unwrap() {
        println!("{} {:?}", p.key.index, p.hyperparameters);
    }
    let plan = studies::plan(studies::NESTEROV_AND_ADAM);
    for p in points(&plan, "explore", &[]).unwrap() {
        println!("{} {:?}", p.key.index, p.hyperparameters);
    }
    assert_eq!(total_trials(&plan), 20);
}
