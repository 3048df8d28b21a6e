//! What a try means for the recipients of a message in the queue.
//!
//! Owns which refusals are for good: those of the server and those of the message. What the settings or
//! the network are to blame for is tried again, because it passes or is mended. Refuses to call a
//! recipient untouched who may have the message: that is kept until an answer is known.

use std::collections::HashMap;
use std::time::SystemTime;

use super::entry::{Recipient, seconds};
use super::record::{Judged, Record, Status, line};
use crate::address::Address;
use crate::failure::Kind;
use crate::report::Report;
use crate::smtp::{Cause, Verdict};

/// Characters kept of what was said of a recipient.
const TEXT_MAX: usize = 1024;
/// Octets that the texts of a record may take, at most for so many recipients.
const TEXTS: usize = 256;
const TEXT_ROOM: usize = 2560;

/// Octets to be had for the record of what comes of so many recipients.
pub(super) fn room(open: usize) -> usize {
    4096 + 16 * open + TEXT_ROOM * open.min(TEXTS)
}

/// The report as it is meant in a queue: what is not for good is temporary, whatever it would be for
/// somebody who waits for the answer.
pub(super) fn put_off(mut report: Report) -> Report {
    for (_, verdict) in &mut report.recipients {
        if let Verdict::Rejected(cause) = verdict
            && !is_for_good(cause.failure.kind)
        {
            let mut cause = Cause::clone(cause);
            cause.failure.kind = Kind::Temporary;
            *verdict = Verdict::Deferred(cause.into());
        }
    }
    report
}

/// Whether it keeps a message in the queue, and somebody has to do something about it.
pub(super) fn is_obstacle(kind: Kind) -> bool {
    let passes = matches!(kind, Kind::Temporary | Kind::Uncertain | Kind::Protocol);
    !passes && !is_for_good(kind)
}

fn is_for_good(kind: Kind) -> bool {
    matches!(kind, Kind::Recipient | Kind::Refused | Kind::Message)
}

/// What a report says of the recipients who are open, as far as it is news. When the message is `over`,
/// who would have to wait is given up.
pub(super) fn verdicts(
    report: &Report,
    recipients: &[Recipient],
    all_or_nothing: bool,
    over: bool,
) -> Vec<Judged> {
    let said: HashMap<&Address, &Verdict> = report
        .recipients
        .iter()
        .map(|(address, verdict)| (address, verdict))
        .collect();
    let open = || {
        let open = |(_, recipient): &(usize, &Recipient)| recipient.status.is_open();
        recipients.iter().enumerate().filter(open)
    };
    let mut judged: Vec<(usize, Judged)> = open()
        .filter_map(|(place, recipient)| {
            let verdict = said.get(&recipient.address)?;
            Some((place, judged(verdict, recipient.status, over)?))
        })
        .collect();
    let refused = judged
        .iter()
        .find(|(_, judged)| judged.status.is_given_up());
    if let Some((_, refused)) = refused.cloned().filter(|_| all_or_nothing) {
        // Who is left would get what is for all or nobody.
        judged = open().map(|(place, _)| (place, refused.clone())).collect();
    }
    let news = judged
        .into_iter()
        .filter(|(place, judged)| is_news(judged, &recipients[*place]));
    grouped(news.map(|(place, judged)| (vec![place], judged)))
}

/// The record of a try, in no more octets than there is room for.
pub(super) fn record(
    report: &Report,
    at: SystemTime,
    next: Option<SystemTime>,
    verdicts: Vec<Judged>,
    room: usize,
) -> Record {
    let written = |verdicts| Record::Tried {
        at: seconds(at),
        next: next.map(seconds),
        server: report.server.as_ref().map(|peer| peer.rung.to_string()),
        verdicts,
    };
    let whole = written(verdicts.clone());
    if line(&whole).is_ok_and(|line| line.len() <= room) {
        return whole;
    }
    written(grouped(verdicts.into_iter().map(|judged| {
        let textless = Judged {
            text: String::new(),
            enhanced: None,
            ..judged
        };
        (textless.to.clone(), textless)
    })))
}

/// The verdicts that are the same written once, for all whom they are given of.
fn grouped(verdicts: impl Iterator<Item = (Vec<usize>, Judged)>) -> Vec<Judged> {
    let mut groups: Vec<Judged> = Vec::new();
    let mut known: HashMap<Judged, usize> = HashMap::new();
    for (to, judged) in verdicts {
        let bare = Judged {
            to: Vec::new(),
            ..judged
        };
        let group = *known.entry(bare).or_insert_with_key(|bare| {
            groups.push(bare.clone());
            groups.len() - 1
        });
        groups[group].to.extend(to);
    }
    groups
}

fn is_news(judged: &Judged, recipient: &Recipient) -> bool {
    (judged.status, judged.code, &judged.enhanced, &judged.text)
        != (
            recipient.status,
            recipient.code,
            &recipient.enhanced,
            &recipient.text,
        )
}

/// What a verdict means; nothing where nothing was tried.
fn judged(verdict: &Verdict, before: Status, over: bool) -> Option<Judged> {
    let status = match verdict {
        Verdict::Accepted(_) => Status::Accepted,
        Verdict::Rejected(cause) if is_for_good(cause.failure.kind) => Status::Rejected,
        Verdict::Stopped { .. } => return None,
        _ if over => Status::Expired,
        Verdict::Unknown(_) => Status::Unknown,
        // It may still have been delivered then.
        _ if before == Status::Unknown => Status::Unknown,
        Verdict::Deferred(_) | Verdict::Rejected(_) => Status::Deferred,
    };
    let reply = verdict.reply();
    let said = reply.map(|reply| reply.text());
    let text = said
        .filter(|text| !text.is_empty())
        .or_else(|| verdict.cause().map(|cause| cause.failure.message.clone()))
        .unwrap_or_default();
    let maybe = before == Status::Unknown || matches!(verdict, Verdict::Unknown(_));
    let text = match status {
        Status::Expired if maybe => format!("it may have been delivered; {text}"),
        _ => text,
    };
    Some(Judged {
        to: Vec::new(),
        status,
        code: reply.map(|reply| reply.code),
        enhanced: reply
            .and_then(|reply| reply.enhanced)
            .map(|code| code.to_string()),
        text: text.chars().take(TEXT_MAX).collect(),
    })
}
