//! What git knows of the folder in which trainers start. Without git, outside a repository, or where it takes too long or says
//! too much, nothing is known; that is never an error.

use std::{
    collections::BTreeMap,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use sha2::{Digest as _, Sha256};
use studious_playbook::record::hex;

/// How long all calls together may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most that a call may print.
const MAX_BYTES: u64 = 32 << 20;
/// Most changed files that are read.
const MAX_CHANGED: usize = 500;
/// How often it is asked at most: so seldom that asking takes at most a hundredth of a run's time.
const SHARE: u32 = 100;
/// Variables by which a caller's git, such as one that runs a hook, would speak of another repository.
const CALLERS: [&str; 5] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"];

/// What git knows of a folder.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct GitState {
    /// The commit that is checked out.
    pub commit: Option<String>,
    /// Whether files that git tracks in the folder differ from it.
    pub uncommitted_changes: Option<bool>,
    /// SHA-256 of that difference.
    pub diff_sha256: Option<String>,
    /// SHA-256 over the names and contents of the files that git tracks in the folder, as they are on disk.
    pub sources_sha256: Option<String>,
}

/// A folder whose state is asked for again and again.
#[derive(Debug)]
pub(crate) struct GitFolder {
    folder: PathBuf,
    /// The study's own file, whose changes are no changes of code.
    study_file: Option<PathBuf>,
    state: GitState,
    /// When it was read, and how long that took.
    read: Option<(Instant, Duration)>,
}

impl GitFolder {
    pub(crate) fn new(folder: &Path, study_file: Option<PathBuf>) -> Self {
        Self { folder: folder.to_owned(), study_file, state: GitState::default(), read: None }
    }

    /// Its state: as it is, or as it was a short while ago.
    pub(crate) fn state(&mut self) -> &GitState {
        let is_fresh = self.read.is_some_and(|(at, took)| at.elapsed() < took * SHARE);
        if !is_fresh {
            let begun = Instant::now();
            self.state = read(&self.folder, self.study_file.as_deref());
            self.read = Some((Instant::now(), begun.elapsed()));
        }
        &self.state
    }
}

/// Asks git for the state of a folder.
fn read(folder: &Path, study_file: Option<&Path>) -> GitState {
    let git = Git { folder, until: Instant::now() + PATIENCE };
    let Some(commit) = git.print(&["rev-parse", "--verify", "HEAD"]) else { return GitState::default() };
    let commit = String::from_utf8_lossy(&commit).trim().to_owned();
    let diff = git.print(&["diff", "--no-ext-diff", "--no-textconv", "--no-color", "--binary", "HEAD", "--", "."]);
    GitState {
        commit: Some(commit),
        uncommitted_changes: diff.as_ref().map(|diff| !diff.is_empty()),
        diff_sha256: diff.filter(|diff| !diff.is_empty()).map(|diff| hex(Sha256::digest(diff))),
        sources_sha256: sources(&git, study_file),
    }
}

/// The files that git tracks, with the contents that they have: an edit and its commit are the same.
fn sources(git: &Git<'_>, study_file: Option<&Path>) -> Option<String> {
    let listed = git.print(&["ls-files", "--stage", "-z", "--", "."])?;
    let mut blobs: BTreeMap<&str, &str> = BTreeMap::new();
    let listed = String::from_utf8(listed).ok()?;
    for entry in listed.split_terminator('\0') {
        let (about, path) = entry.split_once('\t')?;
        if is_code(path, study_file) {
            blobs.insert(path, about.split(' ').nth(1)?);
        }
    }
    let changed = git.print(&["diff-files", "--name-only", "--relative", "-z", "--", "."])?;
    let changed = String::from_utf8(changed).ok()?;
    let changed: Vec<&str> = changed.split_terminator('\0').filter(|path| blobs.contains_key(path)).collect();
    let (there, gone): (Vec<&str>, Vec<&str>) = changed.into_iter().partition(|path| git.folder.join(path).is_file());
    for path in gone {
        // A submodule stays as the commit that is recorded of it.
        if !git.folder.join(path).is_dir() {
            blobs.remove(path);
        }
    }
    if there.len() > MAX_CHANGED {
        return None;
    }
    let hashes = if there.is_empty() {
        String::new()
    } else {
        let arguments: Vec<&str> = ["hash-object", "--"].into_iter().chain(there.iter().copied()).collect();
        String::from_utf8(git.print(&arguments)?).ok()?
    };
    if hashes.lines().count() != there.len() {
        return None;
    }
    blobs.extend(there.into_iter().zip(hashes.lines()));
    let mut digest = Sha256::new();
    for (path, blob) in blobs {
        digest.update(format!("{path}\0{blob}\0"));
    }
    Some(hex(digest.finalize()))
}

fn is_code(path: &str, study_file: Option<&Path>) -> bool {
    let path = Path::new(path);
    let is_markdown = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("md"));
    !is_markdown && study_file != Some(path)
}

/// Calls of git in a folder.
struct Git<'a> {
    folder: &'a Path,
    until: Instant,
}

impl Git<'_> {
    /// What git prints. It changes nothing in the repository.
    fn print(&self, arguments: &[&str]) -> Option<Vec<u8>> {
        let mut command = Command::new("git");
        for variable in CALLERS {
            command.env_remove(variable);
        }
        command
            .args(["--no-optional-locks", "--literal-pathspecs", "-c", "core.fsmonitor=false"])
            .args(arguments)
            .current_dir(self.folder)
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        printed(command, self.until.saturating_duration_since(Instant::now()), MAX_BYTES)
    }
}

/// What a program prints, if it succeeds within a time and prints no more than so many bytes.
fn printed(mut command: Command, patience: Duration, max_bytes: u64) -> Option<Vec<u8>> {
    let mut child = command.stdout(Stdio::piped()).spawn().ok()?;
    let output = child.stdout.take()?;
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let is_read = output.take(max_bytes + 1).read_to_end(&mut bytes).is_ok();
        // The receiver is gone when it took too long.
        let _ = tell.send(is_read.then_some(bytes));
    });
    let bytes = told.recv_timeout(patience).ok().flatten().filter(|bytes| bytes.len() as u64 <= max_bytes);
    if bytes.is_none() {
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    bytes.filter(|_| status.success())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn run(folder: &Path, arguments: &[&str]) {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"];
        let status = Command::new("git").args(identity).args(arguments).current_dir(folder).output().unwrap();
        assert!(status.status.success(), "{arguments:?}: {status:?}");
    }

    fn repository() -> tempfile::TempDir {
        let temp = tempfile::tempdir().unwrap();
        run(temp.path(), &["init", "-q"]);
        fs::create_dir(temp.path().join("project")).unwrap();
        for (name, text) in [("train.py", "print(1)\n"), ("study.yaml", "a: 1\n"), ("notes.md", "n\n"), ("gone.py", "")]
        {
            fs::write(temp.path().join("project").join(name), text).unwrap();
        }
        fs::write(temp.path().join("other.py"), "").unwrap();
        run(temp.path(), &["add", "."]);
        run(temp.path(), &["commit", "-q", "-m", "one"]);
        temp
    }

    fn state(repository: &tempfile::TempDir) -> GitState {
        read(&repository.path().join("project"), Some(Path::new("study.yaml")))
    }

    #[test]
    fn an_edit_and_its_commit_are_the_same_code() {
        let repository = repository();
        let project = repository.path().join("project");
        let clean = state(&repository);
        assert_eq!((clean.commit.as_ref().unwrap().len(), clean.uncommitted_changes), (40, Some(false)));
        assert_eq!((&clean.diff_sha256, clean.sources_sha256.as_ref().unwrap().len()), (&None, 64));

        fs::write(project.join("train.py"), "print(2)\n").unwrap();
        let edited = state(&repository);
        assert_eq!((&edited.commit, edited.uncommitted_changes), (&clean.commit, Some(true)));
        assert!(edited.diff_sha256.is_some() && edited.sources_sha256 != clean.sources_sha256);
        run(&project, &["add", "."]);
        assert_eq!(state(&repository), edited);
        run(&project, &["commit", "-q", "-m", "two"]);
        let committed = state(&repository);
        assert!(committed.commit != clean.commit && committed.uncommitted_changes == Some(false));
        assert_eq!(committed.sources_sha256, edited.sources_sha256);

        fs::remove_file(project.join("gone.py")).unwrap();
        let without = state(&repository);
        assert!(without.sources_sha256.is_some() && without.sources_sha256 != committed.sources_sha256);
    }

    #[test]
    fn the_study_markdown_other_folders_and_what_git_does_not_track_are_no_code() {
        let repository = repository();
        let clean = state(&repository);
        for name in ["project/study.yaml", "project/notes.md", "project/untracked.py", "other.py"] {
            fs::write(repository.path().join(name), "changed\n").unwrap();
        }
        let changed = state(&repository);
        assert_eq!(changed.sources_sha256, clean.sources_sha256);
        assert_eq!(changed.uncommitted_changes, Some(true));
    }

    #[test]
    fn outside_a_repository_nothing_is_known() {
        let temp = tempfile::tempdir().unwrap();
        assert_eq!(read(temp.path(), None), GitState::default());
        // A repository without a commit.
        run(temp.path(), &["init", "-q"]);
        assert_eq!(read(temp.path(), None), GitState::default());
    }

    #[test]
    fn a_program_that_hangs_fails_is_missing_or_says_too_much_says_nothing() {
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            printed(command, Duration::from_millis(500), 10)
        };
        assert_eq!(shell("printf hello"), Some(b"hello".to_vec()));
        assert_eq!(shell("printf hello; exit 1"), None);
        assert_eq!(shell("printf 01234567890"), None);
        let begun = Instant::now();
        assert_eq!(shell("exec sleep 20"), None);
        assert!(begun.elapsed() < Duration::from_secs(10));
        assert_eq!(printed(Command::new("no-such-program-of-this-machine"), PATIENCE, 10), None);
    }

    #[test]
    fn the_state_is_asked_for_again_once_that_costs_little() {
        let repository = repository();
        let project = repository.path().join("project");
        let mut folder = GitFolder::new(&project, None);
        let before = folder.state().clone();
        fs::write(project.join("train.py"), "print(2)\n").unwrap();
        assert_eq!(*folder.state(), before);
        folder.read = folder.read.map(|(at, _)| (at, Duration::ZERO));
        assert_ne!(*folder.state(), before);
    }
}
