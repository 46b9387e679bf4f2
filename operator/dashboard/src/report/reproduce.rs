//! How to run the same study again.

use maud::{Markup, html};
use studious_api::study::{Algorithm, Scientific};
use studious_api::yaml::{Mapping, Value};
use studious_playbook::Plan;

use super::ReportError;

pub(super) fn section(plan: &Plan) -> Result<Markup, ReportError> {
    let spec = plan.spec();
    let algorithm = match spec.search.algorithm {
        Algorithm::QuasiRandom => "quasi-random (shifted, scrambled Halton)",
        Algorithm::Random => "independent uniform random",
        Algorithm::Grid => "grid",
        Algorithm::Manual => "listed by hand",
        Algorithm::Bayesian => "Gaussian-process search",
    };
    let yaml = study_yaml(plan)?;
    Ok(html! {
        section aria-labelledby="reproduce" {
            h2 id="reproduce" { "Reproduce" }
            dl.facts {
                dt { "Points" }
                dd {
                    (algorithm) ", seed " (spec.search.seed)
                    @if plan.is_crossed() { "; every scientific configuration gets the same points" }
                    @else if spec.search.scientific == Scientific::Sampled { "; scientific values drawn with the others" }
                }
                dt { "Training seeds" }
                dd { "derived from seeds.base " (spec.seeds.base) " by trial: the same study gives the same seeds" }
                dt { "Run" }
                dd { "save the study below as " code { "study.yaml" } ", then " code { "studious run study.yaml" } " here, or " code { "kubectl apply -f study.yaml" } " on a cluster" }
            }
            details {
                summary { "The study" }
                pre tabindex="0" { (yaml) }
            }
        }
    })
}

fn study_yaml(plan: &Plan) -> Result<String, studious_api::yaml::Error> {
    studious_api::yaml::to_string(&manifest(plan)?)
}

/// The study as an object of Kubernetes.
pub(super) fn manifest(plan: &Plan) -> Result<Value, studious_api::yaml::Error> {
    let mut metadata = Mapping::new();
    metadata.insert("name".into(), plan.name().into());
    let mut study = Mapping::new();
    study.insert("apiVersion".into(), format!("{}/{}", studious_api::GROUP, studious_api::VERSION).into());
    study.insert("kind".into(), "Study".into());
    study.insert("metadata".into(), Value::Mapping(metadata));
    study.insert("spec".into(), studious_api::yaml::to_value(plan.spec())?);
    Ok(Value::Mapping(study))
}
