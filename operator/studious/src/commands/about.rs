//! `studious about`: sources and licences.

use clap::Args;

use crate::{
    exit,
    json::{self, AboutDocument, AboutSource, Format},
    output::outln,
};

#[derive(Args, Debug)]
pub(crate) struct About {
    /// Print the BibTeX entry of the playbook alone
    #[arg(long, conflicts_with = "format")]
    bibtex: bool,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");
const AUTHORS: [&str; 5] =
    ["Varun Godbole", "George E. Dahl", "Justin Gilmer", "Christopher J. Shallue", "Zachary Nado"];
const TITLE: &str = "Deep Learning Tuning Playbook";
const YEAR: u16 = 2023;
const SOURCE: &str = "https://github.com/google/tuning_playbook";
const LICENSE_URL: &str = "https://creativecommons.org/licenses/by/4.0/";
const NOTICE: &str = "\
The material was changed: its advice was put in our own words, its rules of thumb became thresholds, and thresholds
of our own were added where it names none. The authors of the playbook and Google have not reviewed or endorsed
Studious. Neither the playbook nor Studious is an officially supported Google product.";

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
        } else if self.format.is_json() {
            json::print(&document())?;
        } else {
            outln!("{}", text())?;
        }
        Ok(exit::OK)
    }
}

fn document() -> AboutDocument {
    AboutDocument {
        version: VERSION,
        license: "Apache-2.0",
        source: AboutSource {
            title: TITLE,
            authors: AUTHORS.to_vec(),
            year: YEAR,
            version: "1.0",
            url: SOURCE,
            license: "CC-BY-4.0",
            license_url: LICENSE_URL,
            notice: format!("{} It comes without warranties of any kind.", NOTICE.replace('\n', " ")),
            bibtex: BIBTEX,
        },
    }
}

fn text() -> String {
    let authors = AUTHORS.join(", ");
    format!(
        "\
Studious {VERSION}
Licensed under the Apache License, Version 2.0.

The guidance that Studious shows is adapted from

  {authors}:
  {TITLE}. {YEAR}. Version 1.0.
  {SOURCE}

which is licensed under the Creative Commons Attribution 4.0 International License (CC BY 4.0,
{LICENSE_URL}) and comes without warranties of any kind, as that licence says.

{NOTICE}

To cite the playbook:

{BIBTEX}

(Its CITATION.bib names https://github.com/google-research/tuning_playbook and \"Version 1\" instead.)"
    )
}

#[cfg(test)]
mod tests {
    /// what the licence asks for is all there.
    #[test]
    fn the_source_is_named_as_its_licence_asks() {
        let data = super::document();
        let data = serde_json::to_string(&data.source).unwrap();
        for text in [super::text(), data] {
            named(&text);
        }
    }

    fn named(text: &str) {
        for word in [
            "Varun Godbole",
            "George E. Dahl",
            "Justin Gilmer",
            "Christopher J. Shallue",
            "Zachary Nado",
            "Deep Learning Tuning Playbook",
            "2023",
            "1.0",
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
