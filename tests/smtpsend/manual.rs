//! The manual and the completions: whatever the help of a subcommand names stands in them, and the programs
//! that read them, where they are installed, take them.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::support::Smtpsend;

const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "elvish", "powershell"];

fn printed(args: &[&str]) -> String {
    let call = Smtpsend::new().args(args.iter().copied()).stdout_any();
    call.run().stdout().to_owned()
}

fn help_of(path: &[&str]) -> String {
    printed(&[path, &["--help"]].concat())
}

/// A subcommand as the help knows it.
struct Subcommand {
    /// The words behind `smtpsend`: none for a message.
    path: Vec<String>,
    /// The long options.
    options: BTreeSet<String>,
}

/// All of them, and sending a message first.
fn every_command() -> &'static [Subcommand] {
    static ALL: OnceLock<Vec<Subcommand>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut paths = vec![Vec::new()];
        let mut all = Vec::new();
        while let Some(path) = paths.pop() {
            let words: Vec<&str> = path.iter().map(String::as_str).collect();
            let help = help_of(&words);
            let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
            for line in listed.take_while(|line| !line.is_empty()) {
                let name = line.split_whitespace().next().unwrap().to_owned();
                paths.push([path.clone(), vec![name]].concat());
            }
            let options = options_in(&help);
            all.push(Subcommand { path, options });
        }
        assert!(all.len() > 10);
        all
    })
}

/// The long options under the headings of a help.
fn options_in(help: &str) -> BTreeSet<String> {
    let is_option = |line: &&str| line.starts_with("  -") || line.starts_with("      --");
    let options = help.lines().filter(is_option).filter_map(|line| {
        let option = line
            .split_whitespace()
            .find(|word| word.starts_with("--"))?;
        Some(option.trim_end_matches([',', '.']).to_owned())
    });
    options.collect()
}

/// The section of the manual with this title: from its heading to the next of this rank or above.
fn section<'m>(manual: &'m str, title: &str) -> &'m str {
    let (start, next): (_, &[&str]) = match manual.find(&format!(".SH \"{title}\"\n")) {
        Some(start) => (start, &[".SH "]),
        None => (
            manual.find(&format!(".SS \"{title}\"\n")).expect(title),
            &[".SH ", ".SS "],
        ),
    };
    let rest = &manual[start + 1..];
    let ends = next
        .iter()
        .filter_map(|mark| rest.find(&format!("\n{mark}")));
    &rest[..ends.min().unwrap_or(rest.len())]
}

#[test]
fn every_option_of_every_subcommand_stands_in_the_manual() {
    let manual = printed(&["man"]);
    for Subcommand { path, options } in every_command() {
        let title = match path.as_slice() {
            [] => "OPTIONS".to_owned(),
            [one] => format!("SMTPSEND {}", one.to_uppercase()),
            several => format!("smtpsend {}", several.join(" ")),
        };
        let section = section(&manual, &title);
        for option in options {
            let escaped = option.replace('-', "\\-");
            let ended = [" ", "\\fR", ","]
                .iter()
                .any(|end| section.contains(&format!("{escaped}{end}")));
            assert!(ended, "{title} lacks {option}");
        }
    }
}

#[test]
fn the_manual_has_what_manuals_have() {
    let manual = printed(&["man"]);
    let mut from = 0;
    for title in [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "OPTIONS",
        "SMTPSEND QUEUE",
        "EXAMPLES",
        "ENVIRONMENT",
        "FILES",
        "EXIT STATUS",
        "SEE ALSO",
    ] {
        let at = manual.find(&format!(".SH \"{title}\"\n")).expect(title);
        assert!(at > from, "{title}");
        from = at;
    }
    let help = help_of(&[]);
    let exits = help
        .lines()
        .skip_while(|line| *line != "Exit codes:")
        .skip(1);
    for line in exits {
        let (code, when) = line.trim().split_once("  ").unwrap();
        let status = section(&manual, "EXIT STATUS").replace('\n', " ");
        assert!(status.contains(&format!("\\fB{code}\\fR {when}")), "{line}");
    }
    assert!(manual.is_ascii());
}

/// What a program that may be missing says of `input`.
fn said_by(program: &str, args: &[&str], input: &str) -> Option<(bool, String)> {
    let child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.ok()?;
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writing = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let _ = writing.join().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Some((output.status.success(), said))
}

#[test]
fn formatters_have_nothing_to_say_of_the_manual() {
    let manual = printed(&["man"]);
    for (program, args) in [
        ("groff", &["-man", "-ww", "-Tutf8"][..]),
        ("man", &["--warnings=all", "-l", "-"]),
        ("mandoc", &["-T", "lint", "-W", "error"]),
    ] {
        if let Some((good, said)) = said_by(program, args, &manual) {
            assert!(good && said.is_empty(), "{program}: {said}");
        }
    }
}

#[test]
fn shells_take_what_completes_for_them() {
    for shell in SHELLS {
        let script = printed(&["completions", shell]);
        assert!(script.contains("queue-dir"), "{shell}");
        assert!(
            !script.contains("no-json"),
            "{shell}: opposites are not offered"
        );
        if ["bash", "zsh", "fish"].contains(&shell)
            && let Some((good, said)) = said_by(shell, &["-n", "/dev/stdin"], &script)
        {
            assert!(good && said.is_empty(), "{shell}: {said}");
        }
    }
}

/// What bash offers for the last word of each of these lines, in a folder with one file.
fn offered(lines: &[Vec<&str>]) -> Vec<BTreeSet<String>> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("some file.pem"), "").unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_smtpsend"));
    let script = "source <(\"$0\" completions bash); COMP_WORDS=(smtpsend)
        for word; do
            if [[ $word != ';;' ]]; then COMP_WORDS+=(\"$word\"); continue; fi
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
            _smtpsend smtpsend \"${COMP_WORDS[-1]}\" \"${COMP_WORDS[-2]}\"
            printf '%s\\n' \"${COMPREPLY[@]}\" ';;'; COMP_WORDS=(smtpsend)
        done";
    let output = Command::new("bash")
        .args(["--norc", "-c", script])
        .arg(program)
        .args(lines.iter().flat_map(|line| line.iter().chain([&";;"])))
        .current_dir(folder.path())
        .output()
        .unwrap();
    let offered = String::from_utf8(output.stdout).unwrap();
    let words = |line: &str| {
        let words = line.lines().filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    };
    let offered: Vec<_> = offered.split_terminator(";;\n").map(words).collect();
    assert_eq!(
        offered.len(),
        lines.len(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    offered
}

#[test]
fn bash_completes_every_option_of_every_subcommand() {
    let lines: Vec<Vec<&str>> = every_command()
        .iter()
        .map(|command| {
            command
                .path
                .iter()
                .map(String::as_str)
                .chain(["--"])
                .collect()
        })
        .collect();
    for (command, offered) in every_command().iter().zip(offered(&lines)) {
        for option in &command.options {
            assert!(offered.contains(option), "{:?}: {option}", command.path);
        }
    }
}

#[test]
fn bash_completes_names_values_and_files() {
    let set = |words: &[&str]| {
        words
            .iter()
            .map(|&word| word.to_owned())
            .collect::<BTreeSet<_>>()
    };
    for (words, expected) in [
        (&["--qui"][..], &["--quiet", "--quit-after"][..]),
        (&["queue", "re"], &["retry", "remove"]),
        (&["--queue", ""], &["never", "on-failure", "always"]),
        (&["check", "--tls", "st"], &["starttls"]),
        (&["--priority", ""], &["high", "normal", "low"]),
        (&["--quit-after", "e"], &["ehlo"]),
        (&["--ca-file", "so"], &["some file.pem"]),
        (&["--body-file", ""], &["some file.pem"]),
        (&["--subject", "so"], &["so"]),
        (&["completions", "z"], &["zsh"]),
        (&["sendmail", "--queue", "n"], &["never"]),
    ] {
        assert_eq!(offered(&[words.to_vec()]), [set(expected)], "{words:?}");
    }
}

#[test]
fn every_value_that_is_offered_is_taken() {
    let mut values = 0;
    let folder = tempfile::tempdir().unwrap();
    let message = folder.path().join("message");
    std::fs::write(&message, "Subject: x\n\nhi\n").unwrap();
    let options = &every_command()[0].options;
    let lines: Vec<Vec<&str>> = options
        .iter()
        .map(|option| vec![option.as_str(), ""])
        .collect();
    for (option, words) in options.iter().zip(offered(&lines)) {
        if words.contains("--help") {
            // It takes no value.
            continue;
        }
        // Files are offered for what has no fixed values.
        for word in words.into_iter().filter(|word| word != "some file.pem") {
            let output = Command::new(env!("CARGO_BIN_EXE_smtpsend"))
                .args(["--dry-run", "--server", "x", "--to", "b@example.com"])
                .args([option, &word])
                .env_clear()
                .stdin(std::fs::File::open(&message).unwrap())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_ne!(output.status.code(), Some(64), "{option} {word}: {said}");
            values += 1;
        }
    }
    assert!(values > 30, "{values}");
}

#[test]
fn a_shell_that_is_not_known_is_named_with_those_that_are() {
    let call = Smtpsend::new().args(["completions", "tcsh"]).fails_with(64);
    call.stderr_has("bash, elvish, fish, powershell, zsh").run();
    Smtpsend::new()
        .arg("completions")
        .fails_with(64)
        .stderr_any()
        .run();
}

#[test]
fn what_cannot_be_printed_is_74() {
    for args in [
        &["man"][..],
        &["completions", "bash"],
        &["completions", "zsh"],
    ] {
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap();
        Smtpsend::new()
            .args(args.iter().copied())
            .stdout_to(full)
            .fails_with(74)
            .stderr_has("smtpsend: standard output: ")
            .run();
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let call = Smtpsend::new().args(args.iter().copied()).stdout_to(writer);
        call.fails_with(74).stderr_any().run();
    }
}

#[test]
fn they_do_not_read_settings() {
    for args in [&["man"][..], &["completions", "fish"]] {
        Smtpsend::new()
            .args(args.iter().copied())
            .settings("nonsense = ")
            .stdout_any()
            .run();
    }
}
