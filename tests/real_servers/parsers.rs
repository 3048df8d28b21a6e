//! Composed messages as other people's parsers see them: Python's email package, and Perl's Email::MIME.
//! A few hundred messages are printed, each with texts, names and files that were broken on the way before,
//! and what either parser finds in them has to be what went in.

mod pick;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ring::digest::{SHA256, digest};
use serde_json::Value;
use tempfile::TempDir;

use crate::server::not_run;
use pick::Pick;

/// How many messages.
const COUNT: usize = 300;
const HTML: &str =
    "<h1>\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442} \u{1f469}\u{200d}\u{1f4bb}</h1><p>a &lt; b\n";
const HTML_TEXT: &str =
    "\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442} \u{1f469}\u{200d}\u{1f4bb}\n\na < b";

/// What goes into a message.
struct Given {
    subject: String,
    /// The display name of the recipient.
    to: String,
    text: Option<String>,
    html: bool,
    markdown: bool,
    inline: Vec<(String, Vec<u8>)>,
    attachments: Vec<(String, Vec<u8>)>,
}

impl Given {
    fn pick(pick: &mut Pick) -> Self {
        let html = pick.below(3) == 0;
        let markdown = !html && pick.below(3) == 0;
        let with_text = !html || pick.below(2) == 0;
        let inline = if html || pick.below(4) == 0 {
            pick.below(3)
        } else {
            0
        };
        let attachments = pick.below(4);
        Self {
            subject: pick.subject(),
            to: pick.phrase(),
            text: with_text.then(|| pick.text()),
            html,
            markdown,
            inline: pick.files(inline),
            attachments: pick.files(attachments),
        }
    }

    /// Prints the message into a file.
    fn print(&self, folder: &Path) -> PathBuf {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smtpsend"));
        command
            .args(["-n", "-f", "a@example.com", "-s", &self.subject, "--to"])
            .arg(format!("\"{}\" <b@example.com>", self.to));
        if let Some(text) = &self.text {
            command.args(["--body", text]);
        }
        if self.html {
            fs::write(folder.join("page"), HTML).unwrap();
            command.args(["--html", "page"]);
        }
        if self.markdown {
            command.arg("--markdown");
        }
        for (flag, files) in [("--inline", &self.inline), ("--attach", &self.attachments)] {
            for (index, (name, octets)) in files.iter().enumerate() {
                let place = Path::new(&format!("{flag}{index}")).join(name);
                fs::create_dir_all(folder.join(&place).parent().unwrap()).unwrap();
                fs::write(folder.join(&place), octets).unwrap();
                command.arg(flag).arg(place);
            }
        }
        let path = folder.join("message.eml");
        let status = command
            .current_dir(folder)
            .env_clear()
            .env("HOME", folder)
            .stdin(Stdio::null())
            .stdout(fs::File::create(&path).unwrap())
            .stderr(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "{command:?}");
        path
    }

    /// The tree with a `*` in place of the type of a file.
    fn tree(&self) -> String {
        let files = |files: &[_]| " *".repeat(files.len());
        let (inline, attachments) = (files(&self.inline), files(&self.attachments));
        let mut tree = "text/plain".to_owned();
        if self.html || self.markdown {
            tree = "alternative(text/plain text/html)".to_owned();
            if !inline.is_empty() {
                tree = format!("related({tree}{inline})");
            }
        } else if !inline.is_empty() {
            return format!("mixed({tree}{inline}{attachments})");
        }
        if attachments.is_empty() {
            tree
        } else {
            format!("mixed({tree}{attachments})")
        }
    }

    /// Compares with what a parser saw.
    fn check(&self, seen: &Value, parser: &str) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        assert_eq!(text(&seen["subject"]), self.subject, "{parser}");
        assert_eq!(text(&seen["to"][0]), self.to, "{parser}");
        if let Some(defects) = seen["defects"].as_array() {
            assert!(defects.is_empty(), "{parser}: {seen}");
        }
        let leaves = seen["leaves"].as_array().unwrap();
        let texts = usize::from(self.html || self.markdown) + 1;
        let mut tree = self.tree();
        for leaf in &leaves[texts..] {
            tree = tree.replacen('*', &text(&leaf["kind"]), 1);
        }
        assert_eq!(text(&seen["tree"]), tree, "{parser}");

        let first = text(&leaves[0]["text"]);
        let wanted = self
            .text
            .as_deref()
            .unwrap_or(if self.html { HTML_TEXT } else { "" });
        assert_eq!(
            first.trim_end_matches('\n'),
            wanted.trim_end_matches('\n'),
            "{parser}"
        );
        if self.html {
            let html = text(&leaves[1]["text"]);
            assert_eq!(html.trim_end(), HTML.trim_end(), "{parser}");
        }
        let given = self.inline.iter().map(|file| (file, "inline"));
        let given = given.chain(self.attachments.iter().map(|file| (file, "attachment")));
        for (leaf, ((name, octets), disposition)) in leaves[texts..].iter().zip(given) {
            assert_eq!(text(&leaf["name"]), *name, "{parser}");
            assert_eq!(text(&leaf["old_name"]), *name, "{parser}");
            assert_eq!(text(&leaf["disposition"]), disposition, "{parser}");
            assert_eq!(text(&leaf["sha"]), sha256(octets), "{parser}: {name}");
            assert_eq!(text(&leaf["id"]).is_empty(), disposition == "attachment");
        }
    }
}

fn sha256(octets: &[u8]) -> String {
    let hash = digest(&SHA256, octets);
    hash.as_ref()
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect()
}

/// What a parser sees in these messages.
fn seen_by(program: &str, script: &str, paths: &[PathBuf]) -> Vec<Value> {
    let folder = TempDir::new().unwrap();
    let list = folder.path().join("list");
    let lines = paths.iter().map(|path| format!("{}\n", path.display()));
    fs::write(&list, lines.collect::<String>()).unwrap();
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/real_servers/parsers/{script}"));
    let output = Command::new(program)
        .arg(script)
        .stdin(fs::File::open(list).unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {said}");
    let lines = output.stdout.split(|&octet| octet == b'\n');
    let lines = lines.filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

#[test]
fn two_parsers_see_in_every_composed_message_what_went_in() {
    let has_parser = Command::new("/usr/bin/perl")
        .args(["-MEmail::MIME", "-MJSON::PP", "-e", "1"])
        .stderr(Stdio::null())
        .status();
    if !has_parser.is_ok_and(|status| status.success()) {
        not_run("Perl's Email::MIME is not installed (tests/servers/install.sh)");
        return;
    }
    let mut pick = Pick::new(2026);
    let folders: Vec<(TempDir, Given)> = (0..COUNT)
        .map(|_| (TempDir::new().unwrap(), Given::pick(&mut pick)))
        .collect();
    let paths: Vec<PathBuf> = folders
        .iter()
        .map(|(folder, given)| given.print(folder.path()))
        .collect();
    for (program, script) in [("python3", "python.py"), ("/usr/bin/perl", "perl.pl")] {
        let seen = seen_by(program, script, &paths);
        assert_eq!(seen.len(), COUNT);
        for ((_, given), seen) in folders.iter().zip(&seen) {
            given.check(seen, program);
        }
    }
}
