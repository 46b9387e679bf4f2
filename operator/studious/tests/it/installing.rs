//! What an installation brings besides the command: completions and manual pages.

use std::process::Command;

fn studious(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_studious")).args(arguments).output().unwrap()
}

#[test]
fn bash_completes_commands_and_options() {
    let script = studious(&["completions", "bash"]);
    assert!(script.status.success());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("studious.bash");
    std::fs::write(&file, &script.stdout).unwrap();
    // As bash calls it once TAB was pressed.
    let complete = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let ask = format!(
            "source {file}; COMP_WORDS=({line}); [ '{last}' ] || COMP_WORDS+=(''); COMP_CWORD={at}; _studious studious '{last}' '{before}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            file = file.display(),
            last = words[words.len() - 1],
            before = words[words.len() - 2],
            at = words.len() - 1,
        );
        String::from_utf8(Command::new("bash").args(["-c", &ask]).output().unwrap().stdout).unwrap()
    };
    assert_eq!(complete("studious fin").trim(), "findings");
    assert!(complete("studious findings --tri").contains("--trials"));
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        assert!(studious(&["completions", shell]).status.success(), "{shell}");
    }
}

#[test]
fn each_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let made = studious(&["man", "--out", folder.path().to_str().unwrap()]);
    assert!(made.status.success(), "{made:?}");
    let help = String::from_utf8(studious(&["--help"]).stdout).unwrap();
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> =
        commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    assert!(names.contains(&"run") && names.len() > 15, "{names:?}");
    for name in names {
        let page = std::fs::read_to_string(folder.path().join(format!("studious-{name}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{name}: {page}");
    }
}
