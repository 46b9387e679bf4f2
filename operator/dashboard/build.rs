//! Puts the scripts and pages of `web/` into the crate: the report's script, and the dashboard's files, each plain and
//! compressed. `web/dist` is made from `web/` by npm; this script makes it when it is absent or was made from other
//! sources, and says how to get what is missing.

use std::{
    env,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use base64::Engine as _;
use sha2::{Digest, Sha256};

const HOW_TO_GET_NODE: &str = "The dashboard's pages are not built, and npm is not installed. Install Node.js 20 or later \
    (https://nodejs.org, or `apt-get install nodejs npm`), then build again; or copy web/dist from another checkout of the \
    same commit.";

fn main() -> ExitCode {
    match bundle() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Cargo shows a failed build script's standard error as it is.
            eprintln!("\n{message}\n");
            ExitCode::FAILURE
        }
    }
}

fn bundle() -> Result<(), String> {
    let web = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("web");
    let output = PathBuf::from(variable("OUT_DIR")?);
    for watched in ["build.mjs", "package-lock.json", "package.json", "src", "dist/app.sources"] {
        println!("cargo:rerun-if-changed=web/{watched}");
    }
    let sources = digest(&web).map_err(|e| format!("web/ can't be read: {e}"))?;
    if !is_current(&web, &sources) {
        println!("cargo:warning=building the dashboard's pages with npm (once, about half a minute)");
        if !has_modules(&web) {
            npm(&web, &["ci", "--ignore-scripts", "--no-audit", "--no-fund"])?;
        }
        npm(&web, &["run", "--silent", "build"])?;
        if !is_current(&web, &sources) {
            return Err("web/build.mjs ran, but web/dist is not made from the sources beside it".to_owned());
        }
    }
    report(&web, &output)?;
    drawing(&web, &output)?;
    assets(&web, &output, &sources)
}

/// The script that stands inside every report.
fn report(web: &Path, output: &Path) -> Result<(), String> {
    let text = read(&web.join("dist/report.js"))?;
    let text = String::from_utf8(text).map_err(|e| format!("web/dist/report.js: {e}"))?;
    // Either would end or swallow the page's own script element.
    if text.contains("</script") || text.contains("<!--") {
        return Err("web/dist/report.js holds </script or <!--, and can't stand inside a page".to_owned());
    }
    write(&output.join("report.js"), &text)?;
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(&text));
    println!("cargo:rustc-env=REPORT_SCRIPT_SHA256={hash}");
    Ok(())
}

/// What draws plots without a browser: the script and the font of its text.
fn drawing(web: &Path, output: &Path) -> Result<(), String> {
    for name in ["svg.js", "DejaVuSans.ttf"] {
        fs::copy(web.join("dist").join(name), output.join(name)).map_err(|e| format!("web/dist/{name}: {e}"))?;
    }
    Ok(())
}

/// The dashboard's files as a table of `Asset`s.
fn assets(web: &Path, output: &Path, sources: &str) -> Result<(), String> {
    let folder = web.join("dist/app");
    let entries = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    let mut text = format!(
        "/// Of what the pages are made from.\npub const DIGEST: &str = \"{}\";\n\nstatic ASSETS: &[Asset] = &[\n",
        &sources[..12]
    );
    for name in names.iter().filter(|name| !is_compressed(name)) {
        let content_type = match name.rsplit_once('.').map(|(_, ending)| ending) {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            _ => return Err(format!("web/dist/app/{name}: files of this kind are not served")),
        };
        let file = |ending: &str| {
            let copy = output.join(format!("{name}{ending}"));
            fs::copy(folder.join(format!("{name}{ending}")), &copy)
                .map_err(|e| format!("web/dist/app/{name}{ending}: {e}"))?;
            Ok::<_, String>(format!("include_bytes!({:?})", copy.display().to_string()))
        };
        let (plain, brotli, gzip) = (file("")?, file(".br")?, file(".gz")?);
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "    Asset {{ name: {name:?}, content_type: {content_type:?}, plain: {plain}, brotli: {brotli}, gzip: {gzip} }},"
        );
    }
    text.push_str("];\n");
    write(&output.join("assets.rs"), &text)
}

fn is_compressed(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending == "br" || ending == "gz")
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|e| format!("{name}: {e}"))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// Writes a file unless it says this already: what includes it isn't compiled again for nothing.
fn write(path: &Path, text: &str) -> Result<(), String> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}

/// Of the sources that everything is made from, in the order of build.mjs.
fn digest(web: &Path) -> io::Result<String> {
    let mut sources = Vec::new();
    files_under(web, "src", &mut sources)?;
    sources.sort();
    let fixed = ["build.mjs", "package-lock.json", "package.json"].map(str::to_owned);
    let mut digest = Sha256::new();
    for source in fixed.iter().chain(&sources) {
        digest.update(fs::read(web.join(source))?);
    }
    let mut text = String::new();
    for byte in digest.finalize() {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

fn files_under(web: &Path, folder: &str, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(web.join(folder))? {
        let entry = entry?;
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            files_under(web, &path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn is_current(web: &Path, sources: &str) -> bool {
    fs::read_to_string(web.join("dist/app.sources")).is_ok_and(|made_from| made_from == sources)
        && ["format.js", "report.js", "svg.js", "DejaVuSans.ttf"]
            .iter()
            .all(|name| web.join("dist").join(name).exists())
}

/// Whether npm has installed what the lock file says. It writes its own file last.
fn has_modules(web: &Path) -> bool {
    let changed = |path: &str| fs::metadata(web.join(path)).and_then(|metadata| metadata.modified());
    match (changed("node_modules/.package-lock.json"), changed("package-lock.json")) {
        (Ok(installed), Ok(wanted)) => installed >= wanted,
        _ => false,
    }
}

fn npm(web: &Path, arguments: &[&str]) -> Result<(), String> {
    let command = format!("npm {} (in {})", arguments.join(" "), web.display());
    match Command::new("npm").args(arguments).current_dir(web).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!(
            "{command} failed:\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(HOW_TO_GET_NODE.to_owned()),
        Err(error) => Err(format!("{command}: {error}")),
    }
}
