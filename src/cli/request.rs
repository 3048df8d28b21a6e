//! What the command line means: from arguments, settings and standard input to a message, an
//! envelope and a plan. Everything that can be wrong is found here, before anything is connected.

use std::fmt::Display;
use std::time::{Instant, SystemTime};

use anyhow::{Context as _, Result};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::args::Args;
use super::credentials;
use super::host::{HostName, user_name};
use super::output::Console;
use super::settings::{Origin, Settings, count, parsed, seconds};
use super::stdin;
use crate::address::{Address, AddressList, Mailbox};
use crate::envelope::{Envelope, ReversePath};
use crate::failure::{Failure, Kind};
use crate::message::{Fields, HeaderField, Input, Intake, Message, Text, classify, new_message_id};
use crate::plan::{EhloName, Plan};
use crate::route::policy::PortList;
use crate::route::{Security, Server};
use crate::smtp::{AuthChoice, CleartextAuth, Credentials, Trust, Waits};

/// The environment: a variable's value by its name.
pub(crate) type Environment<'e> = &'e dyn Fn(&str) -> Option<std::ffi::OsString>;

/// What `send` needs.
pub(crate) struct Request {
    pub(crate) message: Message,
    pub(crate) envelope: Envelope,
    pub(crate) plan: Plan,
}

/// Reads everything that is to be sent and how.
pub(crate) fn read(
    args: &Args,
    settings: &Settings<'_>,
    environment: Environment<'_>,
    console: &Console,
) -> Result<Request> {
    let start = Instant::now();
    let host = HostName::of_this_machine();
    let from = settings.text("from", args.from.as_ref())?;
    let sender_flag = settings.text("envelope-from", args.envelope_from.as_ref())?;
    let sender_flag = sender_flag
        .map(|(origin, text)| ReversePath::parse(&text).context(origin_name(&origin)))
        .transpose()?;
    let fields = fields(args, settings, environment, &host, from.as_ref())?;
    let bcc = lists("--bcc", &args.bcc)?;
    // What the flags say wrong is told first. But nobody should type a message for nothing: before
    // one is read, the way must be known.
    let mut plan = plan(args, settings, &host, start);
    if reads_stdin(args) {
        plan = Ok(plan?);
    }
    let deadline = plan.as_ref().ok().and_then(|plan| plan.waits.deadline);
    let message = message(args, settings, &fields, deadline, console)?;

    let mut recipients: Vec<Address> = Vec::new();
    for list in [&fields.to, &fields.cc, &bcc] {
        recipients.extend(list.addresses().cloned());
    }
    if recipients.is_empty() || settings.switch("read-recipients", args.read_recipients)? {
        recipients.extend(message.recipients()?);
    }
    let sender = match (sender_flag, &fields.from) {
        (Some(sender), _) => sender,
        (None, Some(from)) => ReversePath::from(only_mailbox(from)?.address().clone()),
        (None, None) => ReversePath::from(
            message
                .sender()
                .unwrap_or_else(|| fields.default_from.address())
                .clone(),
        ),
    };
    let envelope = Envelope::new(sender, recipients)?;
    let mut plan = plan?;
    for warning in message.warnings() {
        crate::smtp::Observer::warning(console, warning);
    }
    if !args.dry_run {
        add_credentials(&mut plan, args, settings, console)?;
    }
    Ok(Request {
        message,
        envelope,
        plan,
    })
}

fn origin_name(origin: &Origin) -> String {
    match origin {
        Origin::Flag(name) | Origin::Environment(name) => name.clone(),
    }
}

/// Whether the message, or its text, comes from standard input.
fn reads_stdin(args: &Args) -> bool {
    let file = args.body_file.as_ref();
    args.body.is_none() && file.is_none_or(|path| path.as_os_str() == "-")
}

/// The message, from flags alone or with what is read.
fn message(
    args: &Args,
    settings: &Settings<'_>,
    fields: &Fields,
    deadline: Option<Instant>,
    console: &Console,
) -> Result<Message> {
    let charset = settings.value("charset", args.charset.as_ref(), charset)?;
    let charset = charset.as_deref();
    let asked = settings.value("input", args.input.as_ref(), input)?;
    let from_stdin = args
        .body_file
        .as_ref()
        .is_some_and(|path| path.as_os_str() == "-");
    let has_body = args.body.is_some() || args.body_file.is_some();
    let contradicted = match asked.filter(|_| args.input.is_some()) {
        Some(Input::Message) => has_body,
        Some(Input::Body) => has_body && !from_stdin,
        Some(Input::Auto) | None => false,
    };
    if contradicted {
        return Err(Failure::new(
            Kind::Usage,
            "--input reads standard input, and --body or --body-file gives the text too",
        )
        .with_hint("leave out one of them")
        .into());
    }
    if let Some(body) = &args.body {
        // What is typed on the command line is in the terminal's character set: UTF-8.
        let bytes = std::os::unix::ffi::OsStrExt::as_bytes(body.as_os_str()).to_vec();
        return Ok(Message::compose(fields, Text::new(bytes, None)?)?);
    }
    let bytes = match &args.body_file {
        Some(path) if !from_stdin => stdin::read_file(path).context("--body-file")?,
        _ => stdin::read(deadline, console)?,
    };
    let how = if has_body {
        Input::Body
    } else {
        asked.unwrap_or(Input::Auto)
    };
    let intake = classify(&bytes, how).context("standard input")?;
    crate::smtp::Observer::note(
        console,
        match intake {
            Intake::Message => "standard input is a message (it starts with a header)",
            Intake::Body => "the input is a body",
        },
    );
    match intake {
        Intake::Message => Message::handed_over(bytes, fields).context("standard input"),
        Intake::Body => Ok(Message::compose(fields, Text::new(bytes, charset)?)?),
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

fn fields(
    args: &Args,
    settings: &Settings<'_>,
    environment: Environment<'_>,
    host: &HostName,
    from: Option<&(Origin, String)>,
) -> Result<Fields> {
    let named = from
        .map(|(origin, text)| {
            let list = AddressList::parse(text).map_err(anyhow::Error::from);
            list.and_then(|list| only_mailbox(&list).map(|_| list))
                .context(origin_name(origin))
                .map(|list| (origin, list))
        })
        .transpose()?;
    let (from, default_from) = match named {
        Some((Origin::Flag(_), list)) => (Some(list.clone()), only_mailbox(&list)?),
        Some((Origin::Environment(_), list)) => (None, only_mailbox(&list)?),
        None => (None, Mailbox::new(None, own_address(environment, host))?),
    };
    let mut reply_to = lists("--reply-to", &args.reply_to)?;
    if reply_to.is_empty() {
        reply_to = settings
            .value("reply-to", None, AddressList::parse)?
            .unwrap_or_default();
    }
    let id_domain = match host {
        HostName::Full(name) => crate::address::domain_to_ascii(name).ok(),
        HostName::Short(_) => None,
    };
    let id_domain = id_domain.unwrap_or_else(|| default_from.address().domain().to_owned());
    Ok(Fields {
        to: lists("--to", &args.to)?,
        cc: lists("--cc", &args.cc)?,
        reply_to,
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

/// `user@host`: who sends when nobody says.
fn own_address(environment: Environment<'_>, host: &HostName) -> Address {
    let user = user_name(environment);
    Address::new(&user, host.as_str())
        .or_else(|_| Address::new(&user, "localhost"))
        .or_else(|_| Address::new("nobody", "localhost"))
        .unwrap_or_else(|_| unreachable!("a constant address is well-formed"))
}

fn lists(flag: &'static str, texts: &[String]) -> Result<AddressList> {
    let mut all = AddressList::default();
    for text in texts {
        all.append(AddressList::parse(text).context(flag)?);
    }
    Ok(all)
}

fn only_mailbox(list: &AddressList) -> Result<Mailbox> {
    let mut mailboxes = list.mailboxes();
    match (mailboxes.next(), mailboxes.next()) {
        (Some(mailbox), None) => Ok(mailbox.clone()),
        (None, _) => Err(Failure::new(Kind::Message, "no address").into()),
        (Some(_), Some(_)) => Err(Failure::new(Kind::Message, "more than one author")
            .with_hint("name one; others can stand in a From given with -H")
            .into()),
    }
}

fn plan(args: &Args, settings: &Settings<'_>, host: &HostName, start: Instant) -> Result<Plan> {
    let servers = settings.value("server", args.server.as_ref(), Server::list)?;
    let ports = settings.value("ports", args.ports.as_ref(), parsed::<PortList>)?;
    let tls = settings.value("tls", args.tls.as_ref(), parsed::<Security>)?;
    if servers.is_none() && !args.dry_run {
        return Err(Failure::new(Kind::Config, "no server is set")
            .with_hint(
                "name your provider's submission server with --server HOST or SMTPSEND_SERVER",
            )
            .into());
    }
    let mut rungs = Vec::new();
    for server in servers.iter().flatten() {
        rungs.extend(server.rungs(ports.as_ref(), tls)?);
    }
    let mut plan = Plan::new(rungs);
    plan.trust = trust(args, settings)?;
    plan.auth = settings
        .value("auth", args.auth.as_ref(), auth)?
        .unwrap_or_default();
    if settings.switch("allow-cleartext-auth", args.allow_cleartext_auth)? {
        plan.cleartext_auth = Some(CleartextAuth::dangerous_allow());
    }
    plan.ehlo = match settings.value("ehlo", args.ehlo.as_ref(), parsed::<EhloName>)? {
        Some(name) => Some(name),
        // A short name says nothing to a server: then the address stands in for it.
        None => match host {
            HostName::Full(name) => name.parse().ok(),
            HostName::Short(_) => None,
        },
    };
    let defaults = Waits::default();
    plan.waits = Waits {
        reply: settings.value("timeout", args.timeout.as_ref(), seconds)?,
        connect: settings
            .value("connect-timeout", args.connect_timeout.as_ref(), seconds)?
            .unwrap_or(defaults.connect),
        deadline: settings
            .value("deadline", args.deadline.as_ref(), seconds)?
            .map(|most| start + most),
    };
    plan.pipelining = !settings.switch("no-pipelining", args.no_pipelining)?;
    plan.all_or_nothing = settings.switch("all-or-nothing", args.all_or_nothing)?;
    plan.retries = settings
        .value("retry", args.retry.as_ref(), count)?
        .unwrap_or(0);
    Ok(plan)
}

fn trust(args: &Args, settings: &Settings<'_>) -> Result<Trust> {
    let whose = settings.value("trust", args.trust.as_ref(), |text| match text {
        "webpki" => Ok(Trust {
            webpki: true,
            ..Trust::default()
        }),
        "system" => Ok(Trust {
            system: true,
            ..Trust::default()
        }),
        _ => Err(Failure::new(
            Kind::Usage,
            format!("\"{text}\" is neither webpki nor system"),
        )),
    })?;
    let Some((origin, path)) = settings.path("ca-file", args.ca_file.as_ref()) else {
        return Ok(whose.unwrap_or(Trust {
            webpki: true,
            ..Trust::default()
        }));
    };
    let place =
        |what: &dyn Display| format!("{}: {}: {what}", origin_name(&origin), path.display());
    let pem = std::fs::read(&path).map_err(|error| Failure::new(Kind::Input, place(&error)))?;
    let authorities: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| {
            Failure::new(
                Kind::Config,
                place(&format!("not a PEM file of certificates: {error}")),
            )
        })?;
    if authorities.is_empty() {
        return Err(Failure::new(
            Kind::Config,
            place(&"no certificate in it (-----BEGIN CERTIFICATE-----)"),
        )
        .into());
    }
    Ok(Trust {
        authorities,
        ..whose.unwrap_or_default()
    })
}

fn auth(text: &str) -> crate::failure::Result<AuthChoice> {
    match text.to_ascii_lowercase().as_str() {
        "auto" => Ok(AuthChoice::Auto),
        "none" => Ok(AuthChoice::Never),
        "plain" => Ok(AuthChoice::Plain),
        "login" => Ok(AuthChoice::Login),
        _ => Err(Failure::new(
            Kind::Usage,
            format!("\"{text}\" is none of auto, none, PLAIN, LOGIN"),
        )),
    }
}

fn add_credentials(
    plan: &mut Plan,
    args: &Args,
    settings: &Settings<'_>,
    console: &Console,
) -> Result<()> {
    if plan.auth == AuthChoice::Never {
        return Ok(());
    }
    let user = match settings.value("user", args.user.as_ref(), user_name_given)? {
        Some(user) => Some(user),
        None => user_in_server(args, settings)?,
    };
    let Some(user) = user else {
        if args.password_file.is_some() {
            return Err(Failure::new(Kind::Usage, "--password-file without a user")
                .with_hint("add --user")
                .into());
        }
        return Ok(());
    };
    keep_secrets_out_of_core_files();
    let (password, source) = credentials::password(&user, args.password_file.as_ref(), settings)?;
    crate::smtp::Observer::note(console, &format!("the password is from {source}"));
    plan.credentials = Some(Credentials::new(user, password).context(source)?);
    Ok(())
}

fn user_name_given(text: &str) -> crate::failure::Result<String> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(Failure::new(
            Kind::Usage,
            "no user name, or one with control characters",
        ));
    }
    Ok(text.to_owned())
}

/// The user of a `smtp://user@host`; all servers share one.
fn user_in_server(args: &Args, settings: &Settings<'_>) -> Result<Option<String>> {
    let servers = settings.value("server", args.server.as_ref(), Server::list)?;
    Ok(servers.into_iter().flatten().find_map(|server| server.user))
}

/// From here on there is a secret in memory: no core file, and no other process of this user
/// reads it.
fn keep_secrets_out_of_core_files() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // Where the kernel refuses, sending mail still works as it did.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
