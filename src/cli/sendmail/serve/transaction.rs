//! One transaction of a caller, from MAIL to the end of its text.
//!
//! Owns which reply each command has: the one of the server it is relayed to; where no server can be
//! reached and a queue may be used, ours, and the message is queued at its end, for everybody who was
//! accepted. A message that may have been delivered is kept the same way. The message is what the
//! dialect makes of any other. RFC 5321 §4.1.1, §6.1.

use std::time::Instant;

use anyhow::Result;

use super::account::{Account, Leaving};
use super::answer::Answer;
use super::command::Mail as Said;
use super::refused;
use super::text::{Text, too_large};
use crate::address::{Address, Mailbox};
use crate::cli::aliases::{Aliases, Written};
use crate::cli::deliver::{New, settle};
use crate::cli::host::HostName;
use crate::cli::options;
use crate::cli::output::Console;
use crate::cli::queue::{Queueing, When};
use crate::cli::sendmail::Mail;
use crate::cli::sendmail::expand::{Directory, Expanded};
use crate::cli::sendmail::request::{fields_of, message};
use crate::cli::sendmail::sender::{in_envelope, only_sender};
use crate::cli::settings::Settings;
use crate::cli::stdin::{MESSAGE_LIMIT, refuse_more_than};
use crate::cli::way;
use crate::envelope::{Envelope, Options, ReversePath};
use crate::failure::{Failure, Kind};
use crate::message::{Message, Store};
use crate::report::Report;
use crate::smtp::{Observer as _, Verdict};
use crate::submit::relay::{Opening, Relay};

/// A transaction that was begun.
pub(super) struct Transaction<'t, 'c> {
    account: &'t mut Account<'c>,
    settings: &'t Settings<'t>,
    host: &'t HostName,
    console: &'t Console,
    directory: Directory<'t>,
    /// The author that stands for all others, where there is one.
    repair: Option<Mailbox>,
    sender: ReversePath,
    /// As it came, before any repair.
    author: ReversePath,
    options: Options,
    /// Who was accepted.
    recipients: Vec<Address>,
    /// Why the message goes into the queue.
    later: Option<Failure>,
}

impl<'t, 'c> Transaction<'t, 'c> {
    /// Says MAIL; without a transaction where it is refused.
    ///
    /// # Errors
    /// What is wrong with the settings or the sender.
    pub(super) fn begin(
        said: &Said,
        account: &'t mut Account<'c>,
        settings: &'t Settings<'t>,
        host: &'t HostName,
        console: &'t Console,
    ) -> Result<(Option<Self>, Answer)> {
        let announced = said.size.unwrap_or(0);
        if let Err(failure) = refuse_more_than(MESSAGE_LIMIT, announced) {
            return Ok((None, too_large(&failure)));
        }
        let repair = only_sender(settings)?;
        let author = said.sender.path(settings, host)?;
        let sender = in_envelope(author.clone(), repair.as_ref());
        let deadline = way::deadline(settings, Instant::now())?;
        let aliases = Aliases::new(settings, deadline, console);
        let mut transaction = Self {
            later: account.later(),
            account,
            settings,
            host,
            console,
            directory: Directory::new(aliases, settings, host)?,
            repair,
            sender,
            author,
            options: options::of_all(settings)?,
            recipients: Vec::new(),
        };
        let answer = transaction.mail(said, deadline);
        let is_begun = answer.is_positive();
        Ok((is_begun.then_some(transaction), answer))
    }

    fn mail(&mut self, said: &Said, deadline: Option<Instant>) -> Answer {
        let opening = Opening {
            sender: self.sender.clone(),
            size: said.size,
            smtputf8: said.smtputf8,
            options: self.options.clone(),
            deadline,
        };
        match self.relay().map(|relay| relay.mail(opening)) {
            None => taken("2.1.0"),
            Some(verdict) => self.answer(&verdict, "2.1.0"),
        }
    }

    /// Says RCPT for everybody whom the recipient stands for. It is accepted where one of them is: the
    /// others are told here.
    pub(super) fn rcpt(&mut self, recipient: &Written) -> Answer {
        let mut expanded = Expanded::default();
        self.directory.expand(recipient, &mut expanded);
        let mut refusal = None;
        let mut accepted = None;
        for unreachable in &expanded.unreachable {
            refusal = Some(refused(&unreachable.error, self.console));
        }
        for address in expanded.reached() {
            let answer = self.rcpt_of(address);
            let kept = if answer.is_positive() {
                &mut accepted
            } else {
                &mut refusal
            };
            kept.get_or_insert(answer);
        }
        let nobody = || Answer::new(550, "5.1.1", format!("{recipient} stands for nobody"));
        accepted.or(refusal).unwrap_or_else(nobody)
    }

    fn rcpt_of(&mut self, address: &Address) -> Answer {
        let asked = self.relay().map(|relay| relay.rcpt(address.clone()));
        let answer = match asked {
            None => taken("2.1.5"),
            Some(verdict) => self.answer(&verdict, "2.1.5"),
        };
        if answer.is_positive() && !self.recipients.contains(address) {
            self.recipients.push(address.clone());
        }
        answer
    }

    /// The relay, unless the message goes into the queue.
    fn relay(&mut self) -> Option<&mut Relay<'c>> {
        match &mut self.account.way {
            Leaving::Relay(relay) if self.later.is_none() => Some(relay),
            _ => None,
        }
    }

    /// The reply to MAIL or RCPT: the server's, else what becomes of the message without one.
    fn answer(&mut self, verdict: &Verdict, taken_as: &str) -> Answer {
        let Some(cause) = verdict.cause() else {
            return Answer::of(verdict);
        };
        let failure = &cause.failure;
        let attempts = match &self.account.way {
            Leaving::Relay(relay) => relay.failed_attempts(),
            Leaving::Later(_) => &[],
        };
        let relayed = Answer::relayed(verdict);
        let is_open = relayed.is_none() && verdict.is_open(!attempts.is_empty());
        if is_open && self.account.queueing.when == When::OnFailure {
            // Told when the message is queued.
            self.later = Some(failure.clone());
            return taken(taken_as);
        }
        self.console.failures(attempts, &[failure]);
        match relayed {
            Some(answer) => answer,
            // Of a message nothing is known yet: it is the address that cannot be said there.
            None if failure.kind == Kind::Message => Answer::new(553, "5.6.7", &failure.message),
            None => Answer::of(verdict),
        }
    }

    /// Whether somebody was accepted.
    pub(super) fn has_recipients(&self) -> bool {
        !self.recipients.is_empty()
    }

    /// Where the text of the message is kept.
    pub(super) fn text(&self) -> Text<'t> {
        Text::new(self.settings.environment())
    }

    /// Sends the message, or queues it; the reply to its end.
    pub(super) fn send(mut self, text: Text<'_>) -> Answer {
        let sent = text.store().and_then(|store| {
            let message = self
                .message(store)
                .map_err(|error| refused(&error, self.console))?;
            self.hand_over(&message)
                .map_err(|error| refused(&error, self.console))
        });
        self.end();
        sent.unwrap_or_else(|answer| answer)
    }

    /// The message, made of its text as of any that is handed to sendmail.
    fn message(&self, store: Store) -> Result<Message> {
        let said = Mail {
            sender: Some(self.author.to_string()),
            ..Mail::default()
        };
        let (author, repair) = (Some(&self.author), self.repair.as_ref());
        let fields = fields_of(&said, author, repair, self.settings, self.host)?;
        let message = message(
            store,
            &fields,
            repair,
            &self.directory,
            self.settings,
            self.host,
        )?;
        self.account.signing.sign(message)
    }

    fn hand_over(&mut self, message: &Message) -> Result<Answer> {
        for warning in message.warnings() {
            self.console.warning(warning);
        }
        let recipients = std::mem::take(&mut self.recipients);
        let envelope = Envelope::new(self.sender.clone(), recipients)?;
        let envelope = envelope.with_options(self.options.clone());
        let (verdict, mut report) = match (&mut self.account.way, self.later.take()) {
            (Leaving::Relay(relay), None) => relay.message(message)?,
            (way, why) => {
                let why = why.unwrap_or_else(|| Failure::new(Kind::Bug, "no way for a message"));
                let verdict = Verdict::from_failure(why.clone(), None);
                let mut report = Report::of_all(&envelope, message, why);
                if let Leaving::Relay(relay) = way {
                    report.attempts = relay.failed_attempts().to_vec();
                }
                (verdict, report)
            }
        };
        let relayed = Answer::relayed(&verdict);
        // What the server says the caller hears, and may come again by itself.
        let never = Queueing::default();
        let queueing = match relayed {
            Some(_) => &never,
            None => &self.account.queueing,
        };
        let new = New {
            envelope: &envelope,
            message,
            profile: self.settings.profile(),
            all_or_nothing: self.settings.switch("all-or-nothing")?,
        };
        let failure = settle(&mut report, &new, queueing, self.console).err();
        self.account.note(&report, failure.as_ref(), self.console);
        Ok(match (relayed, failure, &report.queued, verdict.cause()) {
            (Some(answer), ..) => answer,
            (_, Some(failure), ..) => Answer::because_of(&failure),
            (_, _, Some(id), _) => Answer::new(250, "2.0.0", format!("queued as {id}")),
            (.., Some(cause)) if self.is_too_large(message) => too_large(&cause.failure),
            _ => Answer::of(&verdict),
        })
    }

    /// Whether the server that is open takes no message of this size.
    fn is_too_large(&self, message: &Message) -> bool {
        let limit = match &self.account.way {
            Leaving::Relay(relay) => relay.size_limit(),
            Leaving::Later(_) => None,
        };
        limit.is_some_and(|limit| message.size() > limit)
    }

    /// Takes back what was not sent.
    pub(super) fn end(self) {
        if let Leaving::Relay(relay) = &mut self.account.way {
            relay.reset();
        }
    }
}

fn taken(enhanced: &str) -> Answer {
    Answer::new(250, enhanced, "ok")
}
