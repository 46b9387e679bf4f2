//! `studious schema`: the schemas of the JSON that commands print.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::{exit, json, output::outln};

const AFTER: &str = "\
What commands print with --format json has an apiVersion and a kind, which names its schema. Within a version fields are \
added; none is taken away or gets another meaning.

Examples:
  studious schema Validation
  studious schema --out schemas";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct SchemaCommand {
    /// The kind [default: list all]
    #[arg(value_name = "KIND", value_parser = json::KINDS.map(|(kind, _)| kind))]
    kind: Option<String>,
    /// Write every schema into this folder
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
        match self.kind.as_deref().and_then(json::schema) {
            Some(schema) => outln!("{}", serde_json::to_string_pretty(&schema)?)?,
            None => outln!("{}", json::KINDS.map(|(kind, _)| kind).join("\n"))?,
        }
        Ok(exit::OK)
    }
}
