//! What is made of answers validates, and as little as can be is advised against.

use proptest::prelude::*;
use studious_api::study::Direction;
use studious_rules::registry::optimizers;

use super::*;

fn outline(hyperparameters: Vec<Hyperparameter>) -> StudyDraft {
    StudyDraft {
        name: "widths".to_owned(),
        goal: "Does \"mixup\" help: yes # or no?".to_owned(),
        metric: "validation_error".to_owned(),
        direction: Direction::Minimize,
        optimizer: None,
        hyperparameters,
        trials: None,
        steps: 1000,
        parallelism: 4,
        command: words("python train.py --name 'a b'").unwrap(),
        image: Some("ghcr.io/team/trainer:1".to_owned()),
    }
}

fn made(outline: &StudyDraft) -> Outlined {
    outlined(outline).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

#[test]
fn a_study_of_every_optimizer_validates_without_a_warning() {
    for optimizer in optimizers() {
        let compared = vec![scientific("activation=relu,gelu").unwrap(), fixed("batch_size=128: it fits").unwrap()];
        let made = made(&StudyDraft { optimizer: Some(optimizer), ..outline(compared) });
        assert_eq!(made.advised.warnings, [], "{}:\n{}", optimizer.name, made.text);
        let spec = &made.advised.document.study.spec;
        assert!(spec.goal.contains("\"mixup\" help: yes # or"));
        let nuisance = spec.hyperparameters.iter().filter(|h| h.role == Role::Nuisance).count();
        assert!(nuisance > 0 && made.trials as usize >= 2 * 5 * nuisance, "{}: {}", optimizer.name, made.trials);
    }
}

#[test]
fn what_is_mentioned_is_not_proposed_again() {
    let mentioned = [nuisance("lr=0.01..1:log").unwrap(), fixed("b1=0.9").unwrap()];
    let proposed = proposed(super::optimizer("adam").unwrap(), &mentioned);
    assert_eq!(proposed.iter().map(|h| h.name.as_str()).collect::<Vec<_>>(), ["beta2", "epsilon"]);
}

#[test]
fn a_text_reads_as_a_person_would_write_it() {
    let adam = super::optimizer("AdamW").unwrap();
    let all = vec![
        scientific("mixup=true,false").unwrap(),
        fixed("batch_size=256: the largest that fits").unwrap(),
        fixed("beta2=0.999: needs more trials than we have").unwrap(),
        fixed("eps=1e-8: needs more trials than we have").unwrap(),
    ];
    insta::assert_snapshot!(made(&StudyDraft { optimizer: Some(adam), ..outline(all) }).text);
}

#[test]
fn values_are_what_was_answered() {
    let listed = |text: &str| {
        let h = scientific(text).unwrap();
        h.listed().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(listed("augmentation=null,mixup,~,-"), r#"Text("null") Text("mixup") Text("~") Text("-")"#);
    assert_eq!(
        listed("x=1,0.5,true,{g},#e,&a"),
        r##"Integer(1) Number(0.5) Bool(true) Text("{g}") Text("#e") Text("&a")"##
    );
    assert_eq!(fixed("x=null").unwrap().value, Some("null".into()));
}

#[test]
fn answers_that_can_not_be_read_say_what_was_expected() {
    let mut said = String::new();
    for (what, wrong) in [
        ("scientific", scientific("activation=relu").unwrap_err()),
        ("nuisance", nuisance("temperature").unwrap_err()),
        ("nuisance", nuisance("lr=0.1..x").unwrap_err()),
        ("nuisance", nuisance("lr=0.1..1:cubic").unwrap_err()),
        ("nuisance", nuisance("lr=0.1").unwrap_err()),
        ("fixed", fixed("bs").unwrap_err()),
        ("command", words("python 'train").unwrap_err()),
        ("command", words(" ").unwrap_err()),
        ("optimizer", super::optimizer("adamish").unwrap_err()),
    ] {
        said.push_str(what);
        said.push_str(": ");
        said.push_str(&wrong);
        said.push('\n');
    }
    insta::assert_snapshot!(said);
}

proptest! {
    #[test]
    fn any_goal_and_any_words_are_kept(goal in "\\PC{1,60}", word in "\\PC{1,20}") {
        let mut outline = outline(vec![nuisance("lr").unwrap()]);
        outline.goal.clone_from(&goal);
        outline.command = vec!["python".to_owned(), word.replace('$', "")];
        if let Ok(made) = outlined(&outline) {
            prop_assert_eq!(&made.advised.document.study.spec.goal, &goal);
        } else {
            prop_assert!(false, "refused: {:?}", outlined(&outline).map_err(|p| p[0].message.clone()).err());
        }
    }
}
