//! Which folders are trials. Loggers lay them out in many ways: curves with the hyperparameters in the same file, in a
//! folder below for each call of `add_hparams`, one such folder for each trial of a single writer, a root with the
//! experiment's description beside the folders of its runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{
    file::{EventFile, TensorBoardError, is_event_file},
    sidecar,
};

/// How deep folders are looked into.
const DEEPEST: usize = 8;
/// Most event files of one source.
const MOST_FILES: usize = 200_000;

/// Folders of one run's curves.
const SPLITS: [&str; 7] = ["train", "training", "validation", "valid", "val", "eval", "test"];

/// The event files of a trial.
#[derive(Debug)]
pub(super) struct TrialFolder {
    /// Its path below the source, or the source's own name.
    pub name: String,
    pub folder: PathBuf,
    pub files: Vec<EventFile>,
    /// The first file of it that can't be read.
    pub damage: Option<TensorBoardError>,
}

/// The trials of a source, and files whose scalars belong to none of them.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub trials: Vec<TrialFolder>,
    pub strays: BTreeSet<String>,
}

/// A folder with what is in it.
#[derive(Debug, Default)]
struct Folder {
    path: PathBuf,
    files: Vec<EventFile>,
    damage: Option<TensorBoardError>,
    children: BTreeMap<String, Folder>,
    has_sidecar: bool,
}

/// Finds the trials of a folder. `name` is that of the folder.
pub(super) fn of(folder: &Path, name: &str, given_sidecar: Option<&str>) -> std::io::Result<Layout> {
    let mut layout = Layout::default();
    let mut count = 0;
    let mut seen = BTreeSet::new();
    if let Some(whole) = scan(folder, given_sidecar, 0, &mut seen, &mut count)? {
        whole.split(name, None, &mut layout);
    }
    Ok(layout)
}

/// The trial that one event file is.
pub(super) fn of_file(folder: PathBuf, name: String, path: &Path) -> TrialFolder {
    let mut trial = TrialFolder { name, folder, files: Vec::new(), damage: None };
    match EventFile::read(path) {
        Ok(file) => trial.files.push(file),
        Err(error) => trial.damage = Some(error),
    }
    trial
}

/// What a folder holds; nothing, where no event file is in it or below. Links are followed, each folder once.
fn scan(
    path: &Path,
    given_sidecar: Option<&str>,
    depth: usize,
    seen: &mut BTreeSet<PathBuf>,
    count: &mut usize,
) -> std::io::Result<Option<Folder>> {
    if !seen.insert(path.canonicalize()?) {
        return Ok(None);
    }
    let mut folder = Folder { path: path.to_owned(), ..Folder::default() };
    let mut entries = std::fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    // Names of event files begin with the second in which they were begun.
    entries.sort();
    for entry in entries {
        // A link to nothing is nothing.
        let Ok(metadata) = std::fs::metadata(&entry) else { continue };
        if metadata.is_dir() && depth < DEEPEST {
            if let Some(child) = scan(&entry, given_sidecar, depth + 1, seen, count)? {
                folder.children.insert(name_of(&entry), child);
            }
        } else if metadata.is_file() && is_event_file(&entry) {
            *count += 1;
            if *count > MOST_FILES {
                return Err(std::io::Error::other(format!("there are more than {MOST_FILES} event files")));
            }
            match EventFile::read(&entry) {
                Ok(file) => folder.files.push(file),
                Err(error) => folder.damage = folder.damage.or(Some(error)),
            }
        }
    }
    folder.has_sidecar = sidecar::find(path, given_sidecar).is_some();
    Ok(Some(folder).filter(|folder| folder.has_files() || !folder.children.is_empty()))
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

impl Folder {
    fn has_files(&self) -> bool {
        !self.files.is_empty() || self.damage.is_some()
    }

    /// Whether the HParams plugin started a session in a file of the folder itself.
    fn has_session(&self) -> bool {
        self.files.iter().any(|file| file.session.is_some())
    }

    /// Whether it holds nothing but what `add_hparams` writes: hyperparameters, and each metric once.
    fn is_bare_session(&self) -> bool {
        self.children.is_empty() && self.has_session() && self.files.iter().all(|file| file.scalars.is_empty())
    }

    /// Whether it or a folder below says hyperparameters.
    fn is_marked(&self) -> bool {
        self.has_session() || self.has_sidecar || self.children.values().any(Self::is_marked)
    }

    /// Whether something was measured here or below, sessions of folders below aside.
    fn has_curves(&self) -> bool {
        self.files.iter().any(|file| !file.scalars.is_empty())
            || self.children.values().any(|child| !child.has_session() && child.has_curves())
    }

    /// Whether it is one trial with all that is below.
    fn is_trial(&self, is_source: bool) -> bool {
        if self.has_session() {
            return true;
        }
        let marked: Vec<&Self> = self.children.values().filter(|child| child.is_marked()).collect();
        if marked.is_empty() {
            // Folders of a source are trials, whatever they lack.
            let is_of_splits = self.children.keys().all(|child| SPLITS.contains(&child.as_str()));
            return self.has_files() || !is_source || (self.has_sidecar && is_of_splits);
        }
        if !self.has_files() && !self.has_sidecar {
            return false;
        }
        // Curves, and what add_hparams wrote below: once, or again and again with the same values.
        let sessions: Vec<_> =
            marked.iter().flat_map(|child| child.files.iter().filter_map(|f| f.session.as_ref())).collect();
        let alike = sessions.windows(2).all(|pair| pair[0] == pair[1]);
        marked.iter().all(|child| child.is_bare_session()) && (marked.len() == 1 || (alike && self.has_curves()))
    }

    fn split(self, name: &str, below: Option<&str>, layout: &mut Layout) {
        if self.is_trial(below.is_none()) {
            let name = below.unwrap_or(name).to_owned();
            let mut trial = TrialFolder { name, folder: self.path.clone(), files: Vec::new(), damage: None };
            self.collect(&mut trial);
            layout.trials.push(trial);
            return;
        }
        let strays = self.files.iter().filter(|file| !file.scalars.is_empty() || file.is_half);
        layout.strays.extend(strays.map(|file| file.path.display().to_string()));
        layout.strays.extend(self.damage.map(|error| error.to_string()));
        for (child, folder) in self.children {
            let below = below.map_or_else(|| child.clone(), |above| format!("{above}/{child}"));
            folder.split(name, Some(&below), layout);
        }
    }

    /// All event files here and below: first those of the folder itself.
    fn collect(self, trial: &mut TrialFolder) {
        trial.files.extend(self.files);
        trial.damage = trial.damage.take().or(self.damage);
        for child in self.children.into_values() {
            child.collect(trial);
        }
    }
}
