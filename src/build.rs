//! Links the unwinder into the program instead of loading it at each start.
//!
//! A shared libgcc costs a tenth of the time that a short run takes: it is found, mapped and relocated, and asks the
//! processor for its features, which is slow on a virtual machine. Where the compiler's own static copy is not
//! there, or the build is for another machine, everything stays as it is.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=src/build.rs");
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let native = variable("HOST") == variable("TARGET");
    let gnu =
        variable("CARGO_CFG_TARGET_OS") == "linux" && variable("CARGO_CFG_TARGET_ENV") == "gnu";
    if native && gnu && compiler_has("libgcc_eh.a") {
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}

/// Whether the C compiler, which is the linker here, finds a library of this name. It gives back
/// the bare name where it does not.
fn compiler_has(library: &str) -> bool {
    let found = Command::new("cc")
        .arg(format!("-print-file-name={library}"))
        .output();
    found.is_ok_and(|found| {
        let path = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        Path::new(&path).is_absolute() && Path::new(&path).is_file()
    })
}
