//! What arguments and settings say of a message's header: who wrote it, to whom, and the fields besides.

use anyhow::{Context as _, Result};

use super::args::{HeaderArgs, RecipientArgs};
use super::host::{HostName, user_name};
use super::settings::{Environment, Origin, Settings, blamed};
use crate::address::{Address, AddressList, Mailbox};
use crate::envelope::ReversePath;
use crate::failure::{Failure, Kind};
use crate::message::{
    Date, Fields, HeaderField, Message, MessageId, Particulars, Priority, UnsubscribeUri,
    new_message_id,
};

/// What the arguments and settings say of the header.
///
/// # Errors
/// What is wrong with one of them.
pub(super) fn fields(
    header: &HeaderArgs,
    recipients: &RecipientArgs,
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
        to: lists("--to", &recipients.to)?,
        cc: lists("--cc", &recipients.cc)?,
        reply_to: reply_to.unwrap_or_default(),
        subject: header.subject.clone(),
        headers: header
            .headers
            .iter()
            .map(|text| HeaderField::parse(text).context("--header"))
            .collect::<Result<_>>()?,
        date: Date::now(),
        message_id: new_message_id(id_domain.trim_matches(['[', ']'])),
        from,
        default_from,
        particulars: particulars(header)?,
    })
}

/// What the arguments say beside addresses and subject.
///
/// # Errors
/// What is wrong with one of them.
fn particulars(header: &HeaderArgs) -> Result<Particulars> {
    let date = header.date.as_deref().map(Date::parse).transpose();
    let message_id = header.message_id.as_deref().map(MessageId::parse);
    let priority = header.priority.as_deref().map(Priority::parse);
    let mut in_reply_to = Vec::new();
    for text in &header.in_reply_to {
        in_reply_to.extend(MessageId::parse_list(text).context("--in-reply-to")?);
    }
    let uris = header.list_unsubscribe.iter();
    let uris = uris.map(|text| UnsubscribeUri::parse(text).context("--list-unsubscribe"));
    Ok(Particulars {
        date: date.context("--date")?,
        message_id: message_id.transpose().context("--message-id")?,
        in_reply_to,
        list_unsubscribe: uris.collect::<Result<_>>()?,
        priority: priority.transpose().context("--priority")?,
    })
}

/// The envelope sender of a message that is made: the one that is `set`, else its author.
///
/// # Errors
/// `Message` when the flag names no author, or several.
pub(super) fn reverse_path(
    set: Option<ReversePath>,
    fields: &Fields,
    message: &Message,
) -> Result<ReversePath> {
    Ok(match (set, &fields.from) {
        (Some(sender), _) => sender,
        (None, Some(from)) => only_mailbox(from)?.address().clone().into(),
        (None, None) => {
            let own = message.sender().unwrap_or(fields.default_from.address());
            own.clone().into()
        }
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

/// All addresses in the lists that were given to a flag.
///
/// # Errors
/// `Message` when one of them is no list of addresses.
pub(super) fn lists(flag: &'static str, texts: &[String]) -> Result<AddressList> {
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

/// The one author that `text` names.
///
/// # Errors
/// `Message` when it is no address, or names several.
pub(super) fn author_of(text: &str) -> crate::failure::Result<Address> {
    Ok(only_mailbox(&AddressList::parse(text)?)?.address().clone())
}
