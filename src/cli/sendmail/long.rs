//! The long flags of the sendmail dialect: settings, as elsewhere in this program.
//!
//! Owns which of them count. What calls the name `sendmail` knows nothing of this program, and puts
//! text of strangers on the command line, such as an address from a web page: by that name no
//! flag says which server gets mail and password, or names a file or a program.

use crate::cli::settings::{Form, Heading, Place, SETTINGS, Setting};
use crate::failure::{Failure, Kind, Result};

/// Which long flags count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Long {
    /// Every setting: somebody wrote `smtpsend sendmail`.
    All,
    /// Those that say nothing of the way, the password, files and programs: it was called `sendmail`.
    Harmless,
}

impl Long {
    /// How the value of the flag is written, which has its hyphens.
    ///
    /// # Errors
    /// `Usage` when there is none of this name, or it does not count.
    pub(super) fn form_of(self, flag: &str) -> Result<Form> {
        let name = flag.trim_start_matches('-');
        let is_it = |setting: &&Setting| {
            setting.place != Place::NoFlag && (setting.name == name || setting.opposite == name)
        };
        let Some(setting) = SETTINGS.iter().find(is_it).filter(|_| !name.is_empty()) else {
            let words = format!("there is no option {flag}");
            return Err(Failure::new(Kind::Usage, words).with_hint(
                "sendmail's own flags are letters, and settings have long names: smtpsend sendmail --help",
            ));
        };
        let harms = matches!(setting.heading, Heading::Server | Heading::Authentication)
            || matches!(setting.form, Form::Path | Form::Command);
        if self == Self::Harmless && harms {
            let words = format!("{flag} is not taken from what calls sendmail");
            return Err(Failure::new(Kind::Usage, words).with_hint(format!(
                "set it in a settings file or by {}, or call smtpsend sendmail {flag}",
                setting.variable()
            )));
        }
        Ok(setting.form)
    }
}
