//! Sends a report through the real program, with nothing installed and no network.
//!
//! Starts an SMTP server on loopback (its own certificate, STARTTLS, AUTH), the same one the tests
//! use, driven by a dialogue file. The program then goes along its port policy, whose first port
//! is closed here, and the server shows what arrived.
//!
//! ```console
//! $ cargo run --example quickstart
//! ```

#[path = "../tests/support/mod.rs"]
mod support;

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use support::{Server, certs, closed_port};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut out = io::stdout().lock();
    let program = built_program()?;
    let folder = tempfile::tempdir()?;
    let authority = folder.path().join("ca.pem");
    fs::write(&authority, certs::ca_pem_text())?;
    let password = folder.path().join("password");
    fs::write(&password, "secret\n")?;
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600))?;

    let server = Server::file("starttls-auth-pipelining");
    let report = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/report.txt");
    let mut command = Command::new(&program);
    command
        .args(["--server", "localhost"])
        .args([
            "--ports",
            &format!("{}/starttls,{}/starttls", closed_port(), server.port()),
        ])
        .arg("--ca-file")
        .arg(&authority)
        .args(["--user", "bench", "--password-file"])
        .arg(&password)
        .args([
            "--from",
            "Backup <backup@example.com>",
            "--to",
            "bob@example.com",
        ])
        .args(["--subject", "Backup of web1 ✓", "--verbose"])
        .stdin(File::open(&report)?);

    writeln!(
        out,
        "== The command ==\n{} < examples/report.txt\n",
        shown(&command, folder.path())
    )?;
    writeln!(
        out,
        "== The dialogue (the first port of the policy is closed) =="
    )?;
    let output = command.output()?;
    write!(
        out,
        "{}{}",
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&output.stdout)
    )?;
    writeln!(
        out,
        "\n== The result ==\nexit {}\n",
        output.status.code().unwrap_or(-1)
    )?;
    if !output.status.success() {
        return Ok(ExitCode::FAILURE);
    }
    let transcript = server.finish();
    writeln!(
        out,
        "== The message as it arrived ==\n{}",
        transcript.message().text()
    )?;
    Ok(ExitCode::SUCCESS)
}

/// The program, built as this example was: cargo builds an example without it.
fn built_program() -> Result<PathBuf, Box<dyn Error>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let example = std::env::current_exe()?;
    let folder = example
        .parent()
        .and_then(Path::parent)
        .ok_or("no target folder")?;
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--bin", "smtpsend", "--manifest-path"]);
    build.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
    if folder.file_name().is_some_and(|name| name == "release") {
        build.arg("--release");
    }
    if !build.status()?.success() {
        return Err("the program could not be built".into());
    }
    Ok(folder.join("smtpsend"))
}

/// The command as one would type it; the temporary folder is shortened.
fn shown(command: &Command, folder: &Path) -> String {
    let quoted = command.get_args().map(|argument| {
        let text = argument
            .to_string_lossy()
            .replace(&*folder.to_string_lossy(), "$DIR");
        if text.contains([' ', '<', '>']) {
            format!("'{text}'")
        } else {
            text
        }
    });
    std::iter::once("smtpsend".to_owned())
        .chain(quoted)
        .collect::<Vec<_>>()
        .join(" ")
}
