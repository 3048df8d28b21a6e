//! The settings file that will be written: what is given, completed by asking and looking.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use zeroize::Zeroizing;

use super::asking::Terminal;
use super::entry::{self, Entry};
use super::given::Given;
use crate::address::Address;
use crate::cli::credentials::{self, Handed};
use crate::cli::fields::author_of;
use crate::cli::finding::{self, Discover};
use crate::cli::host::HostName;
use crate::cli::output::Console;
use crate::cli::secrets::Source;
use crate::cli::settings::{Environment, File, Settings};
use crate::cli::way;
use crate::failure::{Failure, Kind};
use crate::plan::Plan;
use crate::route::discover::{ForeignServers, Found, Target, guesses};
use crate::route::providers::{Provider, provider_of_host};
use crate::route::{Host, Rung, Server};
use crate::submit::probe::probe;

/// What will be written.
#[derive(Clone)]
pub(super) struct Draft<'e> {
    entries: Vec<Entry>,
    /// What counts beside the file.
    environment: Environment<'e>,
    start: Instant,
}

impl<'e> Draft<'e> {
    /// What is `given`, completed by asking and looking.
    ///
    /// # Errors
    /// `Usage` when something is missing that nobody can be asked for; `Config` when no server is found,
    /// or the password cannot be written; whatever is wrong with an answer.
    pub(super) fn gather(
        given: &Given,
        settings: &Settings<'_>,
        environment: Environment<'e>,
        handed: Handed,
        start: Instant,
        console: &Console,
    ) -> Result<Self> {
        let mut draft = Self {
            entries: given.entries().to_vec(),
            environment,
            start,
        };
        let terminal = Terminal::open();
        let from = match settings.value("from", author_of)? {
            Some(from) => from,
            None => {
                let good = |text: &str| author_of(text).map(drop);
                let from = terminal.ask("Your mail address", None, "--from", good)?;
                draft.add("from", &from);
                author_of(&from)?
            }
        };
        if settings.text("server")?.is_none() {
            let server = draft.find(settings, &from, &terminal, console)?;
            draft.add("server", &server);
        }
        let plan = draft.plan()?;
        let provider = plan
            .rungs
            .first()
            .and_then(|rung| provider_of_host(&rung.host));
        if let Some(provider) = provider {
            console.line(&format!("smtpsend: {}: {}", provider.name, provider.advice));
        }
        let deadline = plan.waits.deadline;
        draft.add_login(settings, handed, provider, &from, &terminal, deadline)?;
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
        deadline: Option<Instant>,
    ) -> Result<()> {
        let user = match settings.text("user")? {
            Some((_, user)) => user,
            None if terminal.is_there() => {
                let usual = match provider {
                    Some(provider) => finding::user_name(provider, from),
                    None => Some(from.to_string()),
                };
                let good = |text: &str| credentials::user_name(text).map(drop);
                let user = terminal.ask("User name", usual.as_deref(), "--user", good)?;
                self.add("user", &user);
                user
            }
            None => return Ok(()),
        };
        let password = match handed.source() {
            Some(source) => Some(source.read(deadline)?),
            None if credentials::is_named(settings)? || !terminal.is_there() => None,
            None => Some(Source::prompt(&user).read(deadline)?),
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

    /// The way that what has been gathered leads.
    fn plan(&self) -> Result<Plan> {
        let text = entry::table(None, &self.entries);
        let file = File::parse(Path::new("/"), &text, self.environment)?;
        let settings = Settings::of_file(file, None, self.environment);
        way::plan(&settings, &HostName::of_this_machine(), self.start)
    }

    fn add(&mut self, name: &str, value: &str) {
        self.entries.extend(Entry::named(name, value));
    }

    /// The file that begins with this text.
    pub(super) fn after(&self, before: &str, profile: Option<&str>) -> Zeroizing<String> {
        let mut text = entry::table(profile, &self.entries);
        if !before.is_empty() {
            let end = if before.ends_with('\n') { "\n" } else { "\n\n" };
            text = Zeroizing::new([before, end, &text].concat());
        }
        text
    }

    /// The server for mail from this address, as `--server` takes it.
    fn find(
        &self,
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
            let mut draft = self.clone();
            draft.add("server", &host.to_string());
            if probe(&draft.plan()?, console).is_ok_and(|diagnosis| diagnosis.used.is_some()) {
                return Ok(host.to_string());
            }
        }
        let good = |text: &str| Server::list(text).map(drop);
        Ok(terminal.ask("Submission server of your provider", None, "--server", good)?)
    }
}

/// Rungs as `--server` takes them: by the name alone where the port policy leads to them.
fn in_words(rungs: &[Rung]) -> String {
    let by_policy = |host: &Host| {
        let server: crate::failure::Result<Server> = host.to_string().parse();
        server.is_ok_and(|server| {
            server
                .rungs(None, None)
                .is_ok_and(|policy| rungs.iter().all(|rung| policy.contains(rung)))
        })
    };
    match rungs.first() {
        Some(first) if by_policy(&first.host) => first.host.to_string(),
        _ => rungs
            .iter()
            .map(Rung::as_server)
            .collect::<Vec<_>>()
            .join(", "),
    }
}
