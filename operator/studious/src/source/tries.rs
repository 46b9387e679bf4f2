//! The tries of a study among the runs of a folder: studies of one trial whose values were set by hand.

use std::{fs, path::Path};

use studious_api::labels;
use studious_local::RunFolder;
use studious_playbook::record::CurveSelection;

use super::{LoadedStudy, folder};

/// The tries of a study in `runs`, in the order of their folders' names, without the one in the folder `but`. A folder that can't be
/// read is left out.
pub(crate) async fn load(runs: &Path, of: &str, but: &Path) -> Vec<LoadedStudy> {
    let mut paths: Vec<_> = fs::read_dir(runs).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let but = but.canonicalize().ok();
    let mut tries = Vec::new();
    for path in paths.into_iter().filter(|path| path.canonicalize().ok() != but) {
        let study = RunFolder::new(&path).study_as_run().ok().flatten();
        let label = study.and_then(|study| study.metadata.labels?.remove(labels::TRY_OF));
        if label.as_deref() != Some(of) {
            continue;
        }
        match folder::load(&path, CurveSelection::concluded(Some(8))).await {
            Ok(study) => tries.push(study),
            Err(error) => tracing::warn!(%error, folder = %path.display(), "a try is left out"),
        }
    }
    tries
}
