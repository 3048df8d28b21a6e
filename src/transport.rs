//! The way in for programs: [`Submission`] is a [`lettre::Transport`].
//!
//! A program that builds its mail with lettre gets the port policy, pipelining and a verdict for
//! each recipient by sending through a [`Submission`] instead of another transport.

use std::fmt;

use crate::envelope::Envelope;
use crate::failure::Failure;
use crate::message::Message;
use crate::report::{Report, Status};
use crate::submit::Submission;

/// Sends what lettre built.
///
/// ```
/// use lettre::Transport as _;
/// use smtpsend::plan::Plan;
/// use smtpsend::route::{Security, Server};
/// use smtpsend::submit::Submission;
/// # use std::io::{BufRead as _, BufReader, Write as _};
/// # // A server of one session, so that the example really sends.
/// # let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
/// # let address = listener.local_addr().unwrap().to_string();
/// # let thread = std::thread::spawn(move || {
/// #     let (mut stream, _) = listener.accept().unwrap();
/// #     stream.write_all(b"220 ready\r\n").unwrap();
/// #     for line in BufReader::new(stream.try_clone().unwrap()).lines() {
/// #         let reply: &[u8] = match line.unwrap().as_str() {
/// #             "DATA" => b"354 go ahead\r\n",
/// #             "QUIT" => return,
/// #             line if line.starts_with("RCPT TO:<nobody@") => b"550 5.1.1 no such user\r\n",
/// #             line if ["EHLO", "MAIL", "RCPT"].iter().any(|verb| line.starts_with(verb)) => b"250 ok\r\n",
/// #             "." => b"250 2.0.0 queued\r\n",
/// #             _ => continue,
/// #         };
/// #         stream.write_all(reply).unwrap();
/// #     }
/// # });
///
/// let email = lettre::Message::builder()
///     .from("Alice <alice@example.com>".parse()?)
///     .to("bob@example.com".parse()?)
///     .cc("nobody@example.com".parse()?)
///     .subject("Backup finished")
///     .body("All is well.".to_owned())?;
///
/// // A server of one's own on this machine; elsewhere leave the `Some(Security::None)` out.
/// let server: Server = address.parse()?;
/// let submission = Submission::new(Plan::new(server.rungs(None, Some(Security::None))?));
/// let undelivered = submission.send(&email).unwrap_err();
///
/// // One recipient was refused, and the error says which; the other one has the message.
/// let report = undelivered.report().unwrap();
/// assert!(report.recipients[0].1.is_accepted());
/// assert_eq!(report.recipients[1].1.reply().unwrap().to_string(), "550 5.1.1 no such user");
/// # thread.join().unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl lettre::Transport for Submission {
    /// Every recipient was accepted.
    type Ok = Report;
    /// Somebody was not.
    type Error = Undelivered;

    /// # Errors
    /// [`Undelivered::Unsendable`] when the message or an address cannot be sent as it is;
    /// [`Undelivered::Reported`] when a recipient was not accepted, whatever the others' fate,
    /// or the plan ends before the message.
    fn send_raw(
        &self,
        envelope: &lettre::address::Envelope,
        email: &[u8],
    ) -> Result<Report, Undelivered> {
        let envelope = Envelope::try_from(envelope).map_err(Undelivered::Unsendable)?;
        let message = Message::from_raw(email).map_err(Undelivered::Unsendable)?;
        let report = self.submit(&envelope, &message, &());
        match report.status() {
            Status::Sent => Ok(report),
            _ => Err(Undelivered::Reported(Box::new(report))),
        }
    }
}

/// Why not every recipient has the message.
#[derive(Debug)]
pub enum Undelivered {
    /// Nothing was sent: the message or an address is not acceptable.
    Unsendable(Failure),
    /// The report says what became of each recipient.
    Reported(Box<Report>),
}

impl Undelivered {
    /// The report, if it came to that.
    pub fn report(&self) -> Option<&Report> {
        match self {
            Self::Unsendable(_) => None,
            Self::Reported(report) => Some(report),
        }
    }

    /// The failure that decides.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Unsendable(failure) => Some(failure),
            Self::Reported(report) => report.deciding(),
        }
    }
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failure() {
            Some(failure) => failure.fmt(f),
            None => f.write_str("not delivered"),
        }
    }
}

impl std::error::Error for Undelivered {}
