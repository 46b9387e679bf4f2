//! `studious about`: sources and licences.

use clap::Args;

use crate::{exit, output::outln};

#[derive(Args, Debug)]
pub(crate) struct About {
    /// Print the BibTeX entry of the playbook alone
    #[arg(long)]
    bibtex: bool,
}

const BIBTEX: &str = "\
@misc{tuningplaybookgithub,
  author = {Varun Godbole and George E. Dahl and Justin Gilmer and Christopher J. Shallue and Zachary Nado},
  title = {Deep Learning Tuning Playbook},
  url = {http://github.com/google/tuning_playbook},
  year = {2023},
  note = {Version 1.0}
}";

impl About {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        if self.bibtex {
            outln!("{BIBTEX}")?;
        } else {
            outln!("{}", text())?;
        }
        Ok(exit::OK)
    }
}

fn text() -> String {
    format!(
        "\
Studious {version}
Licensed under the Apache License, Version 2.0.

The guidance that Studious shows is adapted from

  Varun Godbole, George E. Dahl, Justin Gilmer, Christopher J. Shallue, Zachary Nado:
  Deep Learning Tuning Playbook. 2023. Version 1.0.
  https://github.com/google/tuning_playbook

which is licensed under the Creative Commons Attribution 4.0 International License (CC BY 4.0,
https://creativecommons.org/licenses/by/4.0/) and comes without warranties of any kind, as that licence says.

The material was changed: its advice was put in our own words, its rules of thumb became thresholds, and thresholds
of our own were added where it names none. The authors of the playbook and Google have not reviewed or endorsed
Studious. Neither the playbook nor Studious is an officially supported Google product.

To cite the playbook:

{BIBTEX}

(Its CITATION.bib names https://github.com/google-research/tuning_playbook and \"Version 1\" instead.)",
        version = env!("CARGO_PKG_VERSION")
    )
}

#[cfg(test)]
mod tests {
    /// what the licence asks for is all there.
    #[test]
    fn the_source_is_named_as_its_licence_asks() {
        let text = super::text();
        for word in [
            "Varun Godbole",
            "George E. Dahl",
            "Justin Gilmer",
            "Christopher J. Shallue",
            "Zachary Nado",
            "Deep Learning Tuning Playbook",
            "2023",
            "Version 1.0",
            "https://github.com/google/tuning_playbook",
            "https://creativecommons.org/licenses/by/4.0/",
            "was changed",
            "without warranties",
            "endorsed",
            "officially supported Google product",
            "@misc{",
        ] {
            assert!(text.contains(word), "{word}");
        }
    }
}
