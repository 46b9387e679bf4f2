//! Whose guidance this is.

use maud::{Markup, html};

/// The same in plain text.
pub(super) const TEXT: &str = "Findings and advice are adapted from V. Godbole, G. E. Dahl, J. Gilmer, C. J. Shallue and \
Z. Nado, Deep Learning Tuning Playbook, 2023, Version 1.0, https://github.com/google/tuning_playbook, licensed under CC BY \
4.0 (https://creativecommons.org/licenses/by/4.0/), which comes without warranties. The material was changed: shortened, \
reworded, and turned into computations, with thresholds of our own. Its authors and Google endorse neither this report nor \
Studious.";

pub(super) fn footer(generated_at: &str) -> Markup {
    html! {
        footer {
            p {
                "Findings and advice are adapted from V. Godbole, G. E. Dahl, J. Gilmer, C. J. Shallue and Z. Nado, "
                cite { "Deep Learning Tuning Playbook" } ", 2023, Version 1.0, "
                a href="https://github.com/google/tuning_playbook" rel="noreferrer" { "github.com/google/tuning_playbook" }
                ", licensed under "
                a href="https://creativecommons.org/licenses/by/4.0/" rel="license noreferrer" { "CC BY 4.0" }
                ", which comes without warranties. The material was changed: shortened, reworded, and turned into "
                "computations, with thresholds of our own. Its authors and Google endorse neither this report nor Studious."
            }
            p { "Made by Studious " (env!("CARGO_PKG_VERSION")) ", " (generated_at) "." }
        }
    }
}
