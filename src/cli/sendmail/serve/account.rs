//! Where mail of one profile goes: its server, whether it may be queued, and the session that is open.
//!
//! Owns the choice of the profile by the sender of each transaction, as for a message that is sent
//! otherwise, and how long what was made for it is kept: until another profile is chosen. The plan
//! is made when it is first needed, so that what is wrong with it is told to whoever asks.

use std::time::Instant;

use anyhow::Result;

use crate::address::{Address, Mailbox};
use crate::cli::credentials::Handed;
use crate::cli::finding::{Way, way_for};
use crate::cli::host::HostName;
use crate::cli::json;
use crate::cli::log::Log;
use crate::cli::output::Console;
use crate::cli::queue::{Queueing, When};
use crate::cli::sendmail::request::choose_profile_for;
use crate::cli::sendmail::sender::{Sender, only_sender};
use crate::cli::settings::Settings;
use crate::cli::signing::Signing;
use crate::cli::way;
use crate::failure::Failure;
use crate::report::Report;
use crate::submit::relay::Relay;

/// How mail by one profile leaves.
pub(super) struct Account<'c> {
    profile: Option<String>,
    pub(super) queueing: Queueing,
    pub(super) way: Leaving<'c>,
    pub(super) signing: Signing,
    log: Option<Log>,
    /// Who logs in.
    user: Option<String>,
}

/// The way itself.
pub(super) enum Leaving<'c> {
    /// By sessions with a server.
    Relay(Box<Relay<'c>>),
    /// Not now, for this reason; later by the queue.
    Later(Failure),
}

/// The account that is used.
pub(super) struct Accounts<'c> {
    /// What was handed over for the first one.
    handed: Option<Handed>,
    /// The profile that counts where no sender chooses another.
    usual: Option<String>,
    host: HostName,
    account: Option<Account<'c>>,
}

impl<'c> Accounts<'c> {
    /// None yet.
    ///
    /// # Errors
    /// `Usage` when standard input is where a password comes from; as for any `--password-fd`.
    pub(super) fn new(settings: &Settings<'_>, host: &HostName) -> Result<Self> {
        let handed = Handed::take(settings)?;
        handed.leaves_standard_input()?;
        Ok(Self {
            handed: Some(handed),
            usual: settings.profile().map(str::to_owned),
            host: host.clone(),
            account: None,
        })
    }

    /// The account for mail from this sender, whose profile is then the one of the settings.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub(super) fn account(
        &mut self,
        sender: &Sender,
        settings: &mut Settings<'_>,
        console: &'c Console,
    ) -> Result<&mut Account<'c>> {
        let named = sender.address();
        settings.use_profile(self.usual.as_deref())?;
        choose_profile_for(named, settings, console)?;
        let is_it = |account: &Account<'_>| account.profile.as_deref() == settings.profile();
        let account = match self.account.take() {
            Some(account) if is_it(&account) => account,
            other => {
                other.into_iter().for_each(Account::quit);
                self.open(named, settings, console)?
            }
        };
        Ok(self.account.insert(account))
    }

    fn open(
        &mut self,
        named: Option<&Address>,
        settings: &Settings<'_>,
        console: &'c Console,
    ) -> Result<Account<'c>> {
        let handed = match self.handed.take() {
            Some(handed) => handed,
            None => Handed::take(settings)?,
        };
        let queueing = Queueing::of(settings, When::OnFailure)?;
        let plan = way::plan(settings, &self.host, Instant::now())?;
        let signing = Signing::of(settings, plan.waits.deadline)?;
        let repair = only_sender(settings)?;
        let from = repair.as_ref().map(Mailbox::address).or(named);
        let log = Log::open(settings)?;
        let way = way_for(from, plan, settings, &queueing, handed, console)?;
        let user = way.user().map(str::to_owned);
        let way = match way {
            Way::Plan(plan) => Leaving::Relay(Box::new(Relay::new(*plan, console))),
            Way::Later(why) => Leaving::Later(why),
        };
        Ok(Account {
            profile: settings.profile().map(str::to_owned),
            queueing,
            way,
            signing,
            log,
            user,
        })
    }

    /// Ends the session that is open.
    pub(super) fn quit(self) {
        self.account.into_iter().for_each(Account::quit);
    }
}

impl Account<'_> {
    /// Why mail goes into the queue at once, where it does.
    pub(super) fn later(&self) -> Option<Failure> {
        match &self.way {
            Leaving::Later(why) => Some(why.clone()),
            Leaving::Relay(_) => None,
        }
    }

    /// Leaves a line in the log about a message.
    pub(super) fn note(&self, report: &Report, failure: Option<&Failure>, console: &Console) {
        if let Some(log) = &self.log {
            let result = json::Result::of(report).or_failed(failure);
            log.leave(self.user.as_deref(), &result, console);
        }
    }

    fn quit(self) {
        if let Leaving::Relay(relay) = self.way {
            relay.quit();
        }
    }
}
