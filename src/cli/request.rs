//! What the command line means: from arguments, settings and standard input to a message, an
//! envelope and a plan. Everything that can be wrong is found here, before anything is connected.

use std::ffi::OsStr;
use std::io::IsTerminal as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Instant, SystemTime};

use anyhow::{Context as _, Result};

use super::args::Args;
use super::finding::{Finding, Way};
use super::host::{HostName, user_name};
use super::output::Console;
use super::queue::{Queueing, When};
use super::settings::{Environment, Origin, Settings, blamed, parsed};
use super::unreachable::Unreachable;
use super::{credentials, options, stdin, way};
use crate::address::{Address, AddressList, Mailbox};
use crate::envelope::{Envelope, ReversePath};
use crate::failure::{Failure, Kind};
use crate::message::{
    Fields, HeaderField, Input, Intake, Message, Store, Text, author, classify, nearly_a_message,
    new_message_id,
};
use crate::smtp::{Observer as _, QuitAfter};

/// A message and what is to be done with it.
pub(crate) struct Request {
    pub(crate) message: Message,
    pub(crate) envelope: Envelope,
    pub(crate) way: Way,
    pub(crate) queueing: Queueing,
    /// Whom the envelope leaves out, since there is no address.
    pub(crate) unreachable: Vec<Unreachable>,
}

/// Reads everything that is to be sent and how.
pub(crate) fn read(args: &Args, settings: &mut Settings<'_>, console: &Console) -> Result<Request> {
    let start = Instant::now();
    let host = HostName::of_this_machine();
    let handed = credentials::Handed::take(settings)?;
    let source = source(args, settings)?;
    if matches!(source, Source::Stdin(_)) {
        handed.leaves_standard_input()?;
    }
    let early = choose_profile(&source, settings, start, console)?;
    let from = settings.text("from")?;
    let sender_flag = settings.valued("envelope-from", ReversePath::parse)?;
    let fields = fields(args, settings, &host, from.as_ref())?;
    let bcc = lists("--bcc", &args.bcc)?;
    let charset = settings.value("charset", charset)?;
    let options = options::of_message(args, settings)?;
    let queueing = queueing(args, settings)?;
    // What the flags say wrong is told first. But nobody should type a message for nothing: before
    // one is read, the way must be known.
    let known = from.as_ref().map(|_| fields.default_from.address().clone());
    let connects = !args.dry_run && queueing.when != When::Always;
    let mut finding = Finding::default();
    let mut plan = way::plan(settings, &host, start).and_then(|mut plan| {
        plan.quit_after = args
            .quit_after
            .as_deref()
            .map(parsed::<QuitAfter>)
            .transpose()
            .context("--quit-after")?;
        let lost = connects && plan.rungs.is_empty();
        match &known {
            Some(from) if lost => finding.find(&mut plan, settings, &queueing, from, console)?,
            None if lost && !source.may_name_the_author() => way::need_server(&plan, settings)?,
            _ => {}
        }
        Ok(plan)
    });
    if matches!(source, Source::Stdin(_)) {
        plan = Ok(plan?);
    }
    let deadline = plan.as_ref().ok().and_then(|plan| plan.waits.deadline);
    let given = match early {
        Some(given) => given,
        None => given(&source, deadline, settings.environment(), console)?,
    };
    if let Ok(plan) = &mut plan
        && connects
        && plan.rungs.is_empty()
        && finding.later.is_none()
    {
        match author_in(&source, &given)? {
            Some(from) => finding.find(plan, settings, &queueing, &from, console)?,
            None => way::need_server(plan, settings)?,
        }
    }
    let message = message(&source, given, &fields, charset.as_deref(), console)?;

    let mut recipients: Vec<Address> = Vec::new();
    for list in [&fields.to, &fields.cc, &bcc] {
        recipients.extend(list.addresses().cloned());
    }
    if recipients.is_empty() || settings.switch("read-recipients")? {
        recipients.extend(message.recipients()?);
    }
    let sender = match (sender_flag, &fields.from) {
        (Some((_, sender)), _) => sender,
        (None, Some(from)) => ReversePath::from(only_mailbox(from)?.address().clone()),
        (None, None) => ReversePath::from(
            message
                .sender()
                .unwrap_or_else(|| fields.default_from.address())
                .clone(),
        ),
    };
    let envelope = Envelope::new(sender, recipients)?.with_options(options);
    let plan = plan?;
    for warning in message.warnings() {
        console.warning(warning);
    }
    let way = if args.dry_run {
        Way::Plan(Box::new(plan))
    } else {
        finding.way(plan, &queueing, settings, handed, console)?
    };
    Ok(Request {
        message,
        envelope,
        way,
        queueing,
        unreachable: Vec::new(),
    })
}

/// What becomes of the message when it cannot leave now.
fn queueing(args: &Args, settings: &Settings<'_>) -> Result<Queueing> {
    let queueing = Queueing::of(settings, When::Never)?;
    if args.quit_after.is_none() || queueing.when == When::Never {
        return Ok(queueing);
    }
    if settings
        .text("queue")?
        .is_some_and(|(origin, _)| origin.is_flag())
    {
        let words = "--quit-after sends nothing, so that there is nothing to queue";
        return Err(Failure::new(Kind::Usage, words)
            .with_hint("leave out --queue")
            .into());
    }
    Ok(Queueing::default())
}

/// Looks at the settings of messages where there is no message yet.
///
/// # Errors
/// What is wrong with them.
pub(super) fn check_settings(settings: &Settings<'_>) -> Result<()> {
    settings.value("from", author_of)?;
    settings.value("envelope-from", ReversePath::parse)?;
    settings.value("reply-to", AddressList::parse)?;
    settings.value("charset", charset)?;
    settings.value("input", input)?;
    options::of_all(settings)?;
    Ok(())
}

/// The one author that `text` names.
///
/// # Errors
/// `Message` when it is no address, or names several.
pub(super) fn author_of(text: &str) -> crate::failure::Result<Address> {
    Ok(only_mailbox(&AddressList::parse(text)?)?.address().clone())
}

/// Chooses the profile by the From address of the message, where no flag names one. What had to be
/// read for that is given back.
fn choose_profile(
    source: &Source<'_>,
    settings: &mut Settings<'_>,
    start: Instant,
    console: &Console,
) -> Result<Option<Store>> {
    let from = settings.text("from")?;
    let is_flag = from.is_some_and(|(origin, _)| origin.is_flag());
    if is_flag || !source.may_name_the_author() || !settings.profile_depends_on_from()? {
        return Ok(None);
    }
    let deadline = way::deadline(settings, start)?;
    let given = given(source, deadline, settings.environment(), console)?;
    if let Some(author) = author_in(source, &given)? {
        super::choose_profile(settings, Some(&author), console)?;
    }
    Ok(Some(given))
}

/// The From address of what was read, if that is a message.
fn author_in(source: &Source<'_>, given: &Store) -> Result<Option<Address>> {
    let Source::Stdin(how) = source else {
        return Ok(None);
    };
    // What is claimed to be a message and is none is told when it is taken apart.
    match classify(given, *how) {
        Ok(Intake::Message) => Ok(author(given)?),
        Ok(Intake::Body) | Err(_) => Ok(None),
    }
}

/// Where the message or its text comes from.
enum Source<'a> {
    /// `--body`.
    Text(&'a OsStr),
    /// `--body-file`.
    File(&'a Path),
    /// Standard input, read as this.
    Stdin(Input),
}

impl Source<'_> {
    /// Whether it may be a message with a From; what is typed on a terminal is not waited for.
    fn may_name_the_author(&self) -> bool {
        matches!(self, Self::Stdin(how) if *how != Input::Body) && !std::io::stdin().is_terminal()
    }
}

fn source<'a>(args: &'a Args, settings: &Settings<'_>) -> Result<Source<'a>> {
    let asked = settings.valued("input", input)?;
    let source = match (&args.body, &args.body_file) {
        (Some(text), _) => Source::Text(text),
        (None, Some(path)) if path.as_os_str() == "-" => Source::Stdin(Input::Body),
        (None, Some(path)) => Source::File(path),
        (None, None) => {
            let how = asked.map_or(Input::Auto, |(_, input)| input);
            return Ok(Source::Stdin(how));
        }
    };
    // A flag is meant for this message; a variable is there for those that are read.
    let wanted = asked.filter(|(origin, _)| origin.is_flag());
    let agreed = match wanted.map(|(_, input)| input) {
        None | Some(Input::Auto) => true,
        Some(Input::Body) => matches!(source, Source::Stdin(_)),
        Some(Input::Message) => false,
    };
    if agreed {
        return Ok(source);
    }
    let words = "--input reads standard input, and --body or --body-file gives the text too";
    Err(Failure::new(Kind::Usage, words)
        .with_hint("leave out one of them")
        .into())
}

/// What the message or its text is read from.
fn given(
    source: &Source<'_>,
    deadline: Option<Instant>,
    environment: Environment<'_>,
    console: &Console,
) -> Result<Store> {
    match source {
        Source::Text(text) => Ok(text.as_bytes().to_vec().into()),
        Source::File(path) => stdin::read_text(path, deadline, environment).context("--body-file"),
        Source::Stdin(_) => stdin::read(deadline, environment, console),
    }
}

/// The message, of flags and what was read.
fn message(
    source: &Source<'_>,
    given: Store,
    fields: &Fields,
    charset: Option<&str>,
    console: &Console,
) -> Result<Message> {
    let place = match source {
        // What is typed on the command line is in the terminal's character set: UTF-8.
        Source::Text(_) => return Ok(Message::compose(fields, Text::new(given, None)?)?),
        Source::File(_) => "--body-file",
        Source::Stdin(_) => "standard input",
    };
    let intake = match source {
        Source::Stdin(how) => classify(&given, *how).context(place)?,
        Source::Text(_) | Source::File(_) => Intake::Body,
    };
    match intake {
        Intake::Message => {
            console.note("standard input is a message: it starts with a header");
            Message::handed_over(given, fields).context(place)
        }
        Intake::Body => {
            console.note("what is read is the body");
            if matches!(source, Source::Stdin(Input::Auto))
                && let Some(line) = nearly_a_message(&given).context(place)?
            {
                console.warning(&format!(
                    "standard input is taken for a text: it starts like a message, but line {line} is no header \
                     field (is an empty line missing?)"
                ));
            }
            let text = Text::new(given, charset).context(place)?;
            Ok(Message::compose(fields, text)?)
        }
    }
}

/// A name that `Text` knows, told where it was given and also where no text is read.
fn charset(name: &str) -> crate::failure::Result<String> {
    Text::new(Vec::new(), Some(name)).map(|_| name.to_owned())
}

fn input(text: &str) -> crate::failure::Result<Input> {
    match text {
        "auto" => Ok(Input::Auto),
        "body" => Ok(Input::Body),
        "message" => Ok(Input::Message),
        _ => Err(Failure::new(
            Kind::Usage,
            format!("\"{text}\" is none of auto, body, message"),
        )),
    }
}

/// What the arguments and settings say of the header.
///
/// # Errors
/// What is wrong with one of them.
pub(super) fn fields(
    args: &Args,
    settings: &Settings<'_>,
    host: &HostName,
    from: Option<&(Origin, String)>,
) -> Result<Fields> {
    let named = from
        .map(|(origin, text)| Ok::<_, anyhow::Error>((origin, one_author(origin, text)?)))
        .transpose()?;
    let (from, default_from) = match named {
        Some((Origin::Flag(_), list)) => (Some(list.clone()), only_mailbox(&list)?),
        Some((_, list)) => (None, only_mailbox(&list)?),
        None => (
            None,
            Mailbox::new(None, own_address(settings.environment(), host)?)?,
        ),
    };
    let reply_to = settings.value("reply-to", AddressList::parse)?;
    let id_domain = match host {
        HostName::Full(name) => crate::address::domain_to_ascii(name).ok(),
        HostName::Short(_) => None,
    };
    let id_domain = id_domain.unwrap_or_else(|| default_from.address().domain().to_owned());
    Ok(Fields {
        to: lists("--to", &args.to)?,
        cc: lists("--cc", &args.cc)?,
        reply_to: reply_to.unwrap_or_default(),
        subject: args.subject.clone(),
        headers: args
            .headers
            .iter()
            .map(|text| HeaderField::parse(text).context("--header"))
            .collect::<Result<_>>()?,
        date: SystemTime::now(),
        message_id: new_message_id(id_domain.trim_matches(['[', ']'])),
        from,
        default_from,
    })
}

/// What the setting `from` says: one author.
///
/// # Errors
/// `Message` when that is no address, or more than one.
pub(super) fn one_author(origin: &Origin, text: &str) -> Result<AddressList> {
    let list = AddressList::parse(text);
    list.and_then(|list| only_mailbox(&list).map(|_| list))
        .map_err(|failure| blamed(failure, origin))
        .context(origin.to_string())
}

/// `user@host`: who sends when nobody says.
fn own_address(environment: Environment<'_>, host: &HostName) -> Result<Address> {
    let user = user_name(environment);
    Address::new(&user, host.as_str())
        .or_else(|_| Address::new(&user, "localhost"))
        .or_else(|_| Address::new("nobody", "localhost"))
        .context("the address of this user")
}

fn lists(flag: &'static str, texts: &[String]) -> Result<AddressList> {
    let mut all = AddressList::default();
    for text in texts {
        all.append(AddressList::parse(text).context(flag)?);
    }
    Ok(all)
}

/// The one mailbox in a list.
///
/// # Errors
/// `Message` when there is none, or more than one.
pub(super) fn only_mailbox(list: &AddressList) -> crate::failure::Result<Mailbox> {
    let mut mailboxes = list.mailboxes();
    match (mailboxes.next(), mailboxes.next()) {
        (Some(mailbox), None) => Ok(mailbox.clone()),
        (None, _) => Err(Failure::new(Kind::Message, "no address")),
        (Some(_), Some(_)) => Err(Failure::new(Kind::Message, "more than one author")
            .with_hint("name one; others can stand in a From given with -H")),
    }
}
