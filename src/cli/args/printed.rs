//! The grammar of what is printed for a shell and for man(1): `completions` and `man`.

use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::Shell;

const COMPLETIONS: &str = "\
Print what a shell needs to complete the options of smtpsend and their values.

  bash: smtpsend completions bash > ~/.local/share/bash-completion/completions/smtpsend
  zsh: smtpsend completions zsh > _smtpsend, in a folder of $fpath
  fish: smtpsend completions fish > ~/.config/fish/completions/smtpsend.fish
  elvish: eval (smtpsend completions elvish | slurp), in rc.elv
  powershell: smtpsend completions powershell | Out-String | Invoke-Expression, in $PROFILE";

const MAN: &str = "\
Print the manual page smtpsend(1), in roff: every subcommand, option, file, variable and exit code.

smtpsend man | man -l - shows it; in /usr/local/share/man/man1/smtpsend.1 man finds it.";

pub(super) fn completions() -> Command {
    Command::new("completions")
        .about("Print what a shell completes options with")
        .long_about(COMPLETIONS)
        .defer(|completions| {
            let shell = Arg::new("SHELL").help("Which shell").required(true);
            completions.arg(shell.value_parser(value_parser!(Shell)))
        })
}

pub(super) fn man() -> Command {
    Command::new("man")
        .about("Print the manual page")
        .long_about(MAN)
}

/// The shell that was typed behind `smtpsend completions`.
pub(super) fn shell(matches: &ArgMatches) -> Option<Shell> {
    matches.get_one("SHELL").copied()
}
