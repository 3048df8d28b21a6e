//! What a call of sendmail means: from its command line, the settings and standard input to the
//! request that send mode would make of its own.
//!
//! Owns whose message it is, as in send mode but for `-f` and `-F`; who gets it; and that one who cannot
//! be reached does not keep it from the others, unless it is for all or nobody.

use std::time::Instant;

use anyhow::{Context as _, Result};

use super::Mail;
use super::expand::{Directory, Expanded, default_domain};
use super::sender::{Sender, in_envelope, only_sender, repaired};
use crate::address::{Address, Mailbox};
use crate::cli::aliases::{Aliases, written};
use crate::cli::args::{HeaderArgs, RecipientArgs};
use crate::cli::fields::fields;
use crate::cli::finding::way_for;
use crate::cli::host::HostName;
use crate::cli::output::Console;
use crate::cli::queue::{Queueing, When};
use crate::cli::request::Request;
use crate::cli::settings::{Settings, one_of, parsed};
use crate::cli::signing::Signing;
use crate::cli::unreachable::Unreachable;
use crate::cli::{choose_profile, credentials, options, stdin, way};
use crate::envelope::{Envelope, EnvelopeId, Options, ReversePath};
use crate::failure::{Failure, Kind};
use crate::message::{Fields, Message, Rewriting, Store, author};
use crate::smtp::Observer as _;

const NAME_ONE: &str = "name one, or take those of the message with -t";

/// What becomes of local parts that stand alone in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Headers {
    Keep,
    Complete,
}

impl Headers {
    /// What the setting says.
    ///
    /// # Errors
    /// `Usage` or `Config` when it is neither.
    pub(super) fn of(settings: &Settings<'_>) -> Result<Self> {
        let choices = [("keep", Self::Keep), ("complete", Self::Complete)];
        let how = settings.value("sendmail-headers", |text| one_of(&choices, text))?;
        Ok(how.unwrap_or(Self::Keep))
    }
}

/// Reads everything that is to be sent and how.
///
/// # Errors
/// Whatever keeps it from being sent to anybody.
pub(super) fn read(mail: &Mail, settings: &mut Settings<'_>, console: &Console) -> Result<Request> {
    let start = Instant::now();
    if mail.recipients.is_empty() && !mail.recipients_of_message {
        return Err(nobody(NAME_ONE));
    }
    let handed = credentials::Handed::take(settings)?;
    handed.leaves_standard_input()?;
    let given = given(mail, settings, start, console)?;
    let typed = mail.sender.as_deref().map(Sender::read).transpose()?;
    let author = author(&given).context("standard input")?;
    let named = author.as_ref().or(typed.as_ref().and_then(Sender::address));
    choose_profile_for(named, settings, console)?;

    let host = HostName::of_this_machine();
    let deadline = way::deadline(settings, start)?;
    let repair = only_sender(settings)?;
    let options = options(mail, settings)?;
    let sender = typed.as_ref().map(|typed| typed.path(settings, &host));
    let sender = match sender.transpose()? {
        Some(sender) => Some(sender),
        None => settings.value("envelope-from", ReversePath::parse)?,
    };
    let fields = fields_of(mail, sender.as_ref(), repair.as_ref(), settings, &host)?;
    let aliases = Aliases::new(settings, deadline, console);
    let directory = Directory::new(aliases, settings, &host)?;
    let message = message(given, &fields, repair.as_ref(), &directory, settings, &host)?;
    let message = Signing::of(settings, deadline)?.sign(message)?;
    let Expanded {
        addresses,
        unreachable,
        ..
    } = recipients(mail, &message, &directory)?;
    if addresses.is_empty() || (!unreachable.is_empty() && settings.switch("all-or-nothing")?) {
        return Err(nobody_reached(mail, unreachable, console));
    }
    let sender = sender.unwrap_or_else(|| {
        let own = message.sender().unwrap_or(fields.default_from.address());
        own.clone().into()
    });
    let sender = in_envelope(sender, repair.as_ref());
    let envelope = Envelope::new(sender, addresses)?.with_options(options);

    let queueing = Queueing::of(settings, When::OnFailure)?;
    let from = repair.as_ref().map(Mailbox::address).or(named);
    let plan = way::plan(settings, &host, start)?;
    let way = way_for(from, plan, settings, &queueing, handed, console)?;
    for warning in message.warnings() {
        console.warning(warning);
    }
    Ok(Request {
        message,
        envelope,
        way,
        queueing,
        unreachable,
        smaller: None,
    })
}

/// Chooses the profile for mail from the address that is named, unless the command line names another.
pub(super) fn choose_profile_for(
    named: Option<&Address>,
    settings: &mut Settings<'_>,
    console: &Console,
) -> Result<()> {
    let is_typed = settings
        .text("from")?
        .is_some_and(|(origin, _)| origin.is_flag());
    if named.is_some() && !is_typed && settings.profile_depends_on_from()? {
        choose_profile(settings, named, console)?;
    }
    Ok(())
}

/// Standard input, up to a lone dot unless that is a line like others.
fn given(mail: &Mail, settings: &Settings<'_>, start: Instant, console: &Console) -> Result<Store> {
    let deadline = way::deadline(settings, start)?;
    let environment = settings.environment();
    if mail.ignore_dots {
        stdin::read(deadline, environment, console)
    } else {
        stdin::read_to_dot(deadline, environment, console)
    }
}

/// What the message is completed with: as in send mode, but for what `-f` and `-F` say.
pub(super) fn fields_of(
    mail: &Mail,
    sender: Option<&ReversePath>,
    repair: Option<&Mailbox>,
    settings: &Settings<'_>,
    host: &HostName,
) -> Result<Fields> {
    let from = settings.text("from")?;
    let mut fields = fields(
        &HeaderArgs::default(),
        &RecipientArgs::default(),
        settings,
        host,
        from.as_ref(),
    )?;
    if from.is_none()
        && let Some(domain) = default_domain(settings)?
    {
        // The user's name is a local part alone as well.
        let user = Address::new(fields.default_from.address().local(), &domain)?;
        fields.default_from = user.into();
    }
    let typed = sender
        .filter(|_| mail.sender.is_some())
        .and_then(ReversePath::address);
    if typed.is_some() || mail.full_name.is_some() {
        let address = typed.unwrap_or(fields.default_from.address()).clone();
        let name = mail.full_name.as_deref();
        fields.default_from = Mailbox::new(name, address).context("-F")?;
    }
    if let Some(only) = repair {
        fields.default_from = repaired(only, &fields.default_from, host);
        fields.from = None;
    }
    Ok(fields)
}

pub(super) fn message(
    given: Store,
    fields: &Fields,
    repair: Option<&Mailbox>,
    directory: &Directory<'_>,
    settings: &Settings<'_>,
    host: &HostName,
) -> Result<Message> {
    let complete = |local: &str| directory.only_address(local);
    let author = repair.map(|only| {
        move |original: Option<&Mailbox>| match original {
            Some(original) => repaired(only, original, host),
            None => fields.default_from.clone(),
        }
    });
    let completes = Headers::of(settings)? == Headers::Complete;
    let rewriting = Rewriting {
        complete: completes.then_some(&complete),
        author: author.as_ref().map(|author| author as _),
    };
    Message::submitted(given, fields, &rewriting).context("standard input")
}

/// Who shall get the message.
fn recipients(mail: &Mail, message: &Message, directory: &Directory<'_>) -> Result<Expanded> {
    let mut expanded = Expanded::default();
    let mut all = Vec::new();
    for text in &mail.recipients {
        all.extend(written(text)?);
    }
    if mail.recipients_of_message {
        for text in message.recipient_fields() {
            all.extend(written(&text).context("a recipient in the message")?);
        }
    }
    for one in &all {
        directory.expand(one, &mut expanded);
    }
    Ok(expanded)
}

fn options(mail: &Mail, settings: &Settings<'_>) -> Result<Options> {
    let envid = mail.envid.as_deref().map(parsed::<EnvelopeId>);
    Ok(Options {
        envid: envid.transpose().context("-V")?,
        ..options::of_all(settings)?
    })
}

fn nobody(hint: &str) -> anyhow::Error {
    Failure::new(Kind::Usage, "no recipient")
        .with_hint(hint)
        .into()
}

/// The failure of the first, once those of the others are told.
fn nobody_reached(mail: &Mail, unreachable: Vec<Unreachable>, console: &Console) -> anyhow::Error {
    let mut unreachable = unreachable.into_iter();
    let Some(first) = unreachable.next() else {
        return nobody(if mail.recipients_of_message {
            "the message names nobody in To, Cc or Bcc (or, sent on, in Resent-To, -Cc or -Bcc)"
        } else {
            NAME_ONE
        });
    };
    for other in unreachable {
        console.error(&other.error);
    }
    first.error
}
