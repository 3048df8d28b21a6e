//! `smtpsend config init`: asks for what is needed, finds the server, tries it, and writes the file.
//!
//! What is typed as an option is written down and not asked for. What is tried is the file that will be
//! written, so that what works now works later.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use zeroize::Zeroizing;

use super::asking::Terminal;
use super::entry::{self, Entry};
use super::write::{Existing, there_is_one, write};
use crate::address::{Address, AddressList};
use crate::cli::credentials::{self, Handed};
use crate::cli::finding::{self, Discover};
use crate::cli::host::HostName;
use crate::cli::output::Console;
use crate::cli::secrets::Source;
use crate::cli::settings::{File, Heading, Owner, SETTINGS, Settings};
use crate::cli::way;
use crate::failure::{Failure, Kind};
use crate::plan::Plan;
use crate::route::discover::{ForeignServers, Found, Target, guesses};
use crate::route::providers::{Provider, provider_of_host};
use crate::route::{Host, Rung, Security};
use crate::submit::probe::probe;

/// What is done with what was gathered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) existing: Existing,
    /// Whether the server is tried before the file is written.
    pub(super) check: bool,
}

/// Makes a settings file, or adds a profile to the one there is.
///
/// # Errors
/// `Usage` when something is missing that nobody can be asked for; `Config` when the file is there
/// already or no server is found; what keeps the server from being used; `Io` when the file cannot be
/// written.
pub(super) fn init(
    settings: &Settings<'_>,
    path: &Path,
    manner: Manner,
    console: &Console,
) -> Result<()> {
    let profile = settings.text("profile")?.map(|(_, name)| name);
    let before = before(path, profile.as_deref(), manner.existing, settings)?;
    let handed = Handed::take(settings)?;
    let draft = Draft::gather(settings, handed, console)?;
    let text = draft.after(&before, profile.as_deref());
    let environment = settings.environment();
    let file = File::parse(path, &text, environment)?;
    if manner.check {
        try_it(&Settings::of_file(file, profile, environment), console)?;
    }
    let existing = if before.is_empty() {
        manner.existing
    } else {
        Existing::Replace
    };
    write(path, &text, existing)?;
    console.line(&format!("smtpsend: {}: written", path.display()));
    Ok(())
}

/// The text of the file to which a profile is added; empty where a new one is made.
fn before(
    path: &Path,
    profile: Option<&str>,
    existing: Existing,
    settings: &Settings<'_>,
) -> Result<Zeroizing<String>> {
    let there = File::read(path, Owner::User, settings.environment())?;
    match (there, profile) {
        (None, _) => Ok(Zeroizing::default()),
        (Some(_), None) if existing == Existing::Replace => Ok(Zeroizing::default()),
        (Some(_), None) => Err(there_is_one(path).into()),
        (Some(file), Some(name)) if file.profile(name).is_some() => {
            let words = format!("{}: there is a profile {name} already", path.display());
            Err(Failure::new(Kind::Config, words)
                .with_hint("edit the file, or choose another name for --profile")
                .into())
        }
        (Some(_), Some(_)) => {
            let text = fs::read_to_string(path);
            let words = |error| Failure::new(Kind::Input, format!("{}: {error}", path.display()));
            Ok(Zeroizing::new(text.map_err(words)?))
        }
    }
}

/// What will be written.
struct Draft {
    entries: Vec<Entry>,
}

impl Draft {
    /// What was typed, completed by asking and looking.
    fn gather(settings: &Settings<'_>, handed: Handed, console: &Console) -> Result<Self> {
        let mut draft = Self {
            entries: typed(settings),
        };
        let terminal = Terminal::open();
        let from = match settings.text("from")? {
            Some((_, from)) => from,
            None => {
                let from = terminal.ask("Your mail address", None, "--from")?;
                draft.add("from", &from);
                from
            }
        };
        let from = address(&from)?;
        if settings.text("server")?.is_none() {
            let server = find(settings, &from, &terminal, console)?;
            draft.add("server", &server);
        }
        let so_far = draft.settings(settings)?;
        let plan = way::plan(&so_far, &HostName::of_this_machine(), Instant::now())?;
        let provider = plan
            .rungs
            .first()
            .and_then(|rung| provider_of_host(&rung.host));
        if let Some(provider) = provider {
            console.line(&format!("smtpsend: {}: {}", provider.name, provider.advice));
        }
        draft.add_login(settings, handed, provider, &from, &terminal)?;
        Ok(draft)
    }

    /// The user, and where the password is; asked for only where somebody can answer.
    fn add_login(
        &mut self,
        settings: &Settings<'_>,
        handed: Handed,
        provider: Option<&Provider>,
        from: &Address,
        terminal: &Terminal,
    ) -> Result<()> {
        let user = match settings.text("user")? {
            Some((_, user)) => user,
            None if terminal.is_there() => {
                let usual = match provider {
                    Some(provider) => finding::user_name(provider, from),
                    None => Some(from.to_string()),
                };
                let user = terminal.ask("User name", usual.as_deref(), "--user")?;
                self.add("user", &user);
                user
            }
            None => return Ok(()),
        };
        let password = match handed.source() {
            Some(source) => Some(source.read(None)?),
            None if credentials::is_named(settings)? || !terminal.is_there() => None,
            None => Some(Source::prompt(&user).read(None)?),
        };
        if let Some(password) = password {
            let text = std::str::from_utf8(password.expose()).map_err(|_| {
                let words = "the password is not UTF-8, and cannot stand in a settings file";
                Failure::new(Kind::Config, words).with_hint("keep it in a file: --password-file")
            })?;
            self.add("password", text);
        }
        Ok(())
    }

    /// What has been gathered, as settings.
    fn settings<'e>(&self, settings: &Settings<'e>) -> Result<Settings<'e>> {
        let text = entry::table(None, &self.entries);
        let environment = settings.environment();
        let file = File::parse(Path::new("/"), &text, environment)?;
        Ok(Settings::of_file(file, None, environment))
    }

    fn add(&mut self, name: &str, value: &str) {
        self.entries.extend(Entry::named(name, value));
    }

    /// The file that begins with this text.
    fn after(&self, before: &str, profile: Option<&str>) -> Zeroizing<String> {
        let mut text = entry::table(profile, &self.entries);
        if !before.is_empty() {
            let end = if before.ends_with('\n') { "\n" } else { "\n\n" };
            text = Zeroizing::new([before, end, &text].concat());
        }
        text
    }
}

/// The options that were typed and make a difference to later runs.
fn typed(settings: &Settings<'_>) -> Vec<Entry> {
    let lasting = SETTINGS.iter().filter(|setting| {
        !matches!(setting.heading, Heading::Output | Heading::Settings)
            && !matches!(setting.name, "password-fd" | "discover" | "dns")
    });
    lasting
        .filter_map(|setting| {
            let (origin, value) = settings.layers(setting).next()?;
            let value = origin.is_flag().then(|| value.into_string().ok())??;
            Entry::named(setting.name, &value)
        })
        .collect()
}

fn address(text: &str) -> Result<Address> {
    let list = AddressList::parse(text)?;
    let address = list.addresses().next().cloned();
    address.ok_or_else(|| Failure::new(Kind::Usage, "no address").into())
}

/// The server for mail from this address, as `--server` takes it.
fn find(
    settings: &Settings<'_>,
    from: &Address,
    terminal: &Terminal,
    console: &Console,
) -> Result<String> {
    let discovery = finding::look_up(settings, from, None);
    let found = match &discovery {
        Ok(discovery) => &discovery.found,
        Err(error) => {
            console.line(&format!("smtpsend: {error:#}"));
            &Found::Nothing
        }
    };
    if let (Ok(discovery), Found::Servers(servers)) = (&discovery, found) {
        let foreign = servers.targets.iter().find_map(|target| match target {
            Target::Foreign(foreign) => Some(foreign),
            Target::Own(_) => None,
        });
        let word = match foreign {
            _ if Discover::of(settings)? == Discover::Any => {
                Some(ForeignServers::dangerous_allow())
            }
            Some(foreign) if terminal.is_there() => {
                let question = format!(
                    "DNS says that mail of {} is submitted at {foreign}. Is that your provider",
                    discovery.domain
                );
                terminal
                    .confirm(&question)?
                    .then(ForeignServers::dangerous_allow)
            }
            _ => None,
        };
        let rungs = discovery.rungs(word)?;
        return Ok(in_words(&rungs));
    }
    for host in guesses(from.domain()) {
        console.line(&format!("smtpsend: trying {host}"));
        let mut draft = Draft {
            entries: typed(settings),
        };
        draft.add("server", &host.to_string());
        let draft = draft.settings(settings)?;
        let plan = way::plan(&draft, &HostName::of_this_machine(), Instant::now())?;
        if probe(&plan, console).is_ok_and(|diagnosis| diagnosis.used.is_some()) {
            return Ok(host.to_string());
        }
    }
    Ok(terminal.ask("Submission server of your provider", None, "--server")?)
}

/// Rungs as `--server` takes them: by the name alone where the port policy leads to them.
fn in_words(rungs: &[Rung]) -> String {
    let by_policy = |host: &Host| {
        let server: crate::failure::Result<crate::route::Server> = host.to_string().parse();
        server.is_ok_and(|server| {
            server
                .rungs(None, None)
                .is_ok_and(|policy| rungs.iter().all(|rung| policy.contains(rung)))
        })
    };
    match rungs.first() {
        Some(first) if by_policy(&first.host) => first.host.to_string(),
        _ => {
            let one = |rung: &Rung| match rung.security {
                Security::Implicit => format!("smtps://{rung}"),
                Security::StartTls | Security::None => rung.to_string(),
            };
            rungs.iter().map(one).collect::<Vec<_>>().join(", ")
        }
    }
}

/// Tries what will be written, up to the login.
fn try_it(settings: &Settings<'_>, console: &Console) -> Result<()> {
    let mut plan: Plan = way::plan(settings, &HostName::of_this_machine(), Instant::now())?;
    way::need_server(&plan, settings)?;
    credentials::add(&mut plan, settings, None, Handed::take(settings)?, console)?;
    let diagnosis = probe(&plan, console)?;
    match diagnosis.failure {
        None => Ok(()),
        Some(failure) => {
            console.line("smtpsend: nothing was written; --no-check writes it all the same");
            Err(failure.into())
        }
    }
}
