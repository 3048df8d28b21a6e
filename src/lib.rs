//! An SMTP submission client that tells the truth about every recipient.
//!
//! What the user said becomes a [`message::Message`], an [`envelope::Envelope`] and a
//! [`plan::Plan`]; a session tries the plan; a [`report::Report`] becomes text, JSON and an exit
//! code. Data flows one way.
//!
//! ```text
//! arguments · environment · standard input
//!      │  cli: the edge, the only place that knows the user
//!      ▼
//! Message + Envelope + Plan          pure values: no sockets, no environment
//!      │  submit: plan × session → report
//!      ▼
//! dial → greeting → EHLO → STARTTLS → EHLO → AUTH → MAIL, RCPT…, DATA → QUIT
//!      ▼
//! Report (a verdict for each recipient) → text · JSON · exit code
//! ```
//!
//! # Rooms
//!
//! From below; a module imports only what stands above it in this table.
//!
//! | room | owns | refuses |
//! |---|---|---|
//! | [`exit`], [`failure`], [`secret`] | the exit codes; typed causes, each with its exit code; secrets that do not print | strings as errors |
//! | [`interrupt`], `clock` | signals that end a run; waits with an end | a wait without one |
//! | `random` | random numbers for names and waits | being the source of a secret |
//! | [`address`], [`envelope`] | addresses, lists, IDN as A-labels; at least one recipient; what is asked beside delivery | CR, LF, NUL and control characters |
//! | [`certificate`] | what a certificate says, its pins | other hashes than SHA-256 |
//! | [`message`] | flags → MIME, input → body or message, headers, the octets and their facts | what is not well-formed |
//! | [`route`] | the port policy, finding the server, connecting, proxies | port 25; a server that DNS alone vouches for |
//! | [`smtp`] | replies, TLS, SASL, the session, the transaction | an unexpected reply; credentials or mail without the TLS that was asked for |
//! | [`plan`], [`report`], [`submit`], [`transport`] | what is wanted, what came of it, trying; the way in for lettre | |
//! | [`queue`] | the spool: one file a message, its states, locks, journal and schedule; failure notices | a directory that others can reach; what is not whole |
//! | [`merge`] | rows of data, the template, the journal, the pace of many messages | what cannot be rendered; a second message for a row |
//! | [`cli`] | arguments, settings, output | protocol knowledge |
//!
//! # Decisions
//!
//! - **No async runtime.** One message is one short dialogue. Connecting to several addresses at
//!   once, and writing while reading, is done with `poll(2)`; a name is looked up in a thread
//!   because the system's resolver cannot be given a limit.
//! - **A verdict for each recipient**, made from replies that were read. What was cut after the
//!   last byte of the message is *unknown*, never guessed.
//! - **Bounded everything**: lines, replies, challenges, each wait, the whole run.
//! - **Nothing leaves in clear by accident.** Types tell an encrypted session from one in clear, and
//!   port 25 cannot be written down.
//!
//! # As a library
//!
//! [`submit::Submission`] implements [`lettre::Transport`], so that a program that uses lettre has
//! the same policy and the same verdicts; see there. [`submit::relay::Relay`] gives a server the commands
//! of a transaction one by one, for a program to which somebody else speaks SMTP.

pub mod address;
pub mod certificate;
pub mod cli;
mod clock;
pub mod envelope;
pub mod exit;
pub mod failure;
pub mod interrupt;
pub mod merge;
pub mod message;
pub mod plan;
mod private_key;
pub mod queue;
mod random;
pub mod report;
pub mod route;
pub mod secret;
pub mod smtp;
pub mod submit;
pub mod transport;
