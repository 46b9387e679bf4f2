//! Puts the report's script into the crate. `web/dist/report.js` is made from `web/` by npm; this script makes it when it
//! is absent or older than its sources, and says how to get what is missing.

use std::{
    env,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use base64::Engine as _;
use sha2::{Digest, Sha256};

const HOW_TO_GET_NODE: &str = "The report's script is not built, and npm is not installed. Install Node.js 20 or later \
    (https://nodejs.org, or `apt-get install nodejs npm`), then build again; or copy web/dist/report.js from another \
    checkout of the same commit.";

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
    for watched in ["build.mjs", "package-lock.json", "package.json", "src", "dist/report.js"] {
        println!("cargo:rerun-if-changed=web/{watched}");
    }
    let script = web.join("dist/report.js");
    let banner = format!("/* sources {} */", digest(&web).map_err(|e| format!("web/ can't be read: {e}"))?);
    if !is_current(&script, &banner) {
        println!("cargo:warning=building the report's script with npm (once, about half a minute)");
        npm(&web, &["ci", "--ignore-scripts", "--no-audit", "--no-fund"])?;
        npm(&web, &["run", "--silent", "build"])?;
        if !is_current(&script, &banner) {
            return Err("web/build.mjs ran, but web/dist/report.js is not made from the sources beside it".to_owned());
        }
    }
    let text = fs::read_to_string(&script).map_err(|e| format!("{}: {e}", script.display()))?;
    // Either would end or swallow the page's own script element.
    if text.contains("</script") || text.contains("<!--") {
        return Err("web/dist/report.js holds </script or <!--, and can't stand inside a page".to_owned());
    }
    fs::write(output.join("report.js"), &text).map_err(|e| format!("{}: {e}", output.display()))?;
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(&text));
    println!("cargo:rustc-env=REPORT_SCRIPT_SHA256={hash}");
    Ok(())
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|e| format!("{name}: {e}"))
}

/// Of the sources that the bundle is made from, in the order of build.mjs.
fn digest(web: &Path) -> io::Result<String> {
    let mut modules: Vec<PathBuf> = fs::read_dir(web.join("src"))?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<io::Result<Vec<_>>>()?
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "ts"))
        .collect();
    modules.sort();
    let mut digest = Sha256::new();
    for source in ["build.mjs", "package-lock.json", "package.json"].map(|name| web.join(name)).iter().chain(&modules) {
        digest.update(fs::read(source)?);
    }
    let mut text = String::new();
    for byte in digest.finalize() {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

fn is_current(script: &Path, banner: &str) -> bool {
    fs::read_to_string(script).is_ok_and(|text| text.starts_with(banner))
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
