//! `studious crds`: the CRDs of Study and Trial.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use studious_api::crd;

use crate::{
    exit,
    output::{out, outln},
};

const AFTER: &str = "\
Examples:
  studious crds | kubectl apply --server-side -f -
  studious crds --out crds/generated";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct Crds {
    /// Write one file for each into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Crds {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        let manifests = crd::manifests()?;
        if let Some(folder) = self.out {
            write(&folder, &manifests)?;
        } else {
            for (_, yaml) in &manifests {
                out!("---\n{yaml}")?;
            }
        }
        Ok(exit::OK)
    }
}

fn write(folder: &Path, manifests: &[(&str, String)]) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
    for (name, yaml) in manifests {
        let file = folder.join(name);
        std::fs::write(&file, yaml).with_context(|| format!("can't write {}", file.display()))?;
        outln!("{}", file.display())?;
    }
    Ok(())
}
