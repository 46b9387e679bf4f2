//! `studious schema`: the JSON Schemas of study.yaml, for editors, and of the JSON that commands print, for programs.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use studious_api::reference;

use crate::{exit, json, output::outln};

const AFTER: &str = "\
Editors with a YAML language server complete and check a study whose first line names the schema:

  # yaml-language-server: $schema=study.schema.json

What commands print with --format json has an apiVersion and a kind, which names its schema. Within a version fields are \
added; none is removed or changes its meaning.

Examples:
  studious schema > study.schema.json
  studious schema Validation
  studious schema --out schemas";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct SchemaCommand {
    /// A kind of document that commands print [default: study.yaml, for editors]
    #[arg(value_name = "KIND", value_parser = json::KINDS.map(|(kind, _)| kind))]
    kind: Option<String>,
    /// Write the schema of everything that commands print into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "kind")]
    out: Option<PathBuf>,
}

impl SchemaCommand {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        if let Some(folder) = &self.out {
            std::fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
            for (kind, schema) in json::KINDS {
                let path = folder.join(format!("{kind}.json"));
                let text = serde_json::to_string_pretty(&schema())? + "\n";
                std::fs::write(&path, text).with_context(|| format!("can't write {}", path.display()))?;
            }
            return Ok(exit::OK);
        }
        let schema = self.kind.as_deref().and_then(json::schema).unwrap_or_else(reference::editor_schema);
        outln!("{}", serde_json::to_string_pretty(&schema)?)?;
        Ok(exit::OK)
    }
}
