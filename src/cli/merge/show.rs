//! The exact messages, shown instead of sent: an mbox on standard output, the envelopes on standard error.
//!
//! A line `From ` stands before each message and an empty one behind it; in between nothing is changed, not even lines
//! that begin with `From `, so that what is shown is what would be sent.

use anyhow::Result;

use super::wanted::Wanted;
use crate::cli::options;
use crate::cli::output::{Console, content_to_stdout};
use crate::cli::signing::Signing;
use crate::merge::{Letters, Rows, Seed};
use crate::message::Date;

/// Shows the messages of the first rows of this share.
///
/// # Errors
/// When they cannot be read any more, or not be written.
pub(super) fn show(
    wanted: &Wanted,
    letters: &Letters<'_>,
    signing: &Signing,
    most: u64,
    console: &Console,
) -> Result<()> {
    let seed = Seed::random();
    let mut shown = 0;
    let mut before = "";
    for row in Rows::new(&wanted.data, wanted.format)? {
        let row = row?;
        if shown == most || !wanted.shard.has(row.number) {
            continue;
        }
        shown += 1;
        let id = seed.message_id(row.number, &wanted.domain);
        let (envelope, message) = letters.letter(&row, id)?;
        let message = signing.sign(message)?;
        let content = message.content(true, true)?;
        let recipients = envelope.recipients().iter();
        let recipients: Vec<String> = recipients.map(|it| format!("<{it}>")).collect();
        console.line(&format!(
            "row {} (line {}): from <{}> to {}, {} octets",
            row.number,
            row.line,
            envelope.sender(),
            recipients.join(" "),
            content.facts().size
        ));
        if shown == 1 {
            for option in options::lines(envelope.options()) {
                console.line(&format!("option: {option}"));
            }
        }
        let sender = match envelope.sender().address() {
            Some(address) => address.to_string().replace(' ', "_"),
            None => "MAILER-DAEMON".to_owned(),
        };
        let date = asctime(&Date::now());
        content_to_stdout(&format!("{before}From {sender} {date}\r\n"), &content)?;
        before = "\r\n";
    }
    Ok(())
}

/// `Sun Nov  6 08:49:37 1994`.
fn asctime(date: &Date) -> String {
    let date = date.to_string();
    match date.split_whitespace().collect::<Vec<_>>()[..] {
        [weekday, day, month, year, time, _] => {
            let weekday = weekday.trim_end_matches(',');
            let day = day.trim_start_matches('0');
            format!("{weekday} {month} {day:>2} {time} {year}")
        }
        _ => date,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_an_mbox_is_that_of_asctime() {
        let date = Date::parse("Sun, 06 Nov 1994 08:49:37 +0100").unwrap();
        assert_eq!(asctime(&date), "Sun Nov  6 08:49:37 1994");
    }
}
