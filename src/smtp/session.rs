//! From a connected stream to a session mail may be given to: greeting, EHLO, STARTTLS, AUTH.
//!
//! The types tell what may be done: one that is [`Introduced`] can only start TLS, or be used in
//! clear where the plan asks for that; AUTH takes a [`Protected`], which an encrypted session
//! gives, or the word that only `--allow-cleartext-auth` makes. After STARTTLS all that was learnt
//! in clear is forgotten, and bytes that came behind the 220 end the session (RFC 3207 §4.2).

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use super::auth::{self, Lead, Protected};
use super::capability::Capabilities;
use super::dialogue::{Dialogue, Observer, Stage, Waits};
use super::hint::Circumstances;
use super::sasl::{Binding, Mechanism};
use super::tls::{Tls, TlsInfo};
use super::wire::Broken;
use crate::certificate::CertificateFacts;
use crate::clock::Patience;
use crate::failure::{Failure, Kind, Result};
use crate::interrupt;
use crate::route::{Host, Outcome, Security};
use crate::secret::Secret;

/// Why a session could not be opened.
#[derive(Debug)]
pub(crate) struct Closed {
    pub(crate) outcome: Outcome,
    pub(crate) failure: Failure,
    /// TLS had been verified.
    pub(crate) secured: bool,
    /// The certificate that was not good, where it was for that.
    pub(crate) certificate: Option<Box<CertificateFacts>>,
    /// Somebody may be on the line: the policy must not go on.
    pub(crate) stop: bool,
}

impl Closed {
    fn new(outcome: Outcome, failure: Failure) -> Self {
        Self {
            outcome,
            failure,
            secured: false,
            certificate: None,
            stop: false,
        }
    }

    /// The same, come about when TLS had been verified.
    fn within_tls(self) -> Self {
        Self {
            secured: self.outcome != Outcome::TlsFailed,
            ..self
        }
    }
}

/// What opening a session needs to know.
pub(crate) struct Opening<'p> {
    pub(crate) host: &'p Host,
    /// The name given with EHLO; else the address of our end.
    pub(crate) ehlo: Option<&'p str>,
    pub(crate) waits: Waits,
    /// What no output may show, whoever quotes it.
    pub(crate) hidden: &'p [Secret],
    /// When connecting and greeting of this rung must be over.
    pub(crate) greeting_until: Instant,
}

impl Opening<'_> {
    /// The same patience, as long as it goes for the greeting.
    fn until_greeted(&self, patience: Patience) -> Patience {
        let end = self.greeting_until;
        Patience {
            wait: patience.wait.min(self.waits.connect),
            deadline: Some(patience.deadline.map_or(end, |deadline| deadline.min(end))),
        }
    }
}

/// A connection on which the server has said, in clear, that it is ready.
pub(crate) struct Greeted<'o> {
    pub(crate) dialogue: Dialogue<'o>,
}

/// The same after EHLO.
pub(crate) struct Introduced<'o> {
    dialogue: Dialogue<'o>,
    capabilities: Capabilities,
}

/// A connection with TLS, of which nothing is known that was learnt in clear.
pub(crate) struct Secured<'o> {
    pub(crate) dialogue: Dialogue<'o>,
}

/// A session mail may be given to.
pub(crate) struct Session<'o> {
    pub(crate) dialogue: Dialogue<'o>,
    pub(crate) capabilities: Capabilities,
    /// The AUTH command that leads the first group of commands, where AUTH has not ended yet.
    pub(crate) lead: Option<Lead>,
    /// The name of the mechanism by which we authenticated.
    pub(crate) authenticated: Option<&'static str>,
}

impl<'o> Greeted<'o> {
    /// Waits for the greeting.
    pub(crate) fn open(
        socket: TcpStream,
        opening: &Opening<'_>,
        observer: &'o dyn Observer,
    ) -> std::result::Result<Self, Closed> {
        let mut dialogue = dialogue_on(socket, opening, observer)?;
        let ready = greeting(&mut dialogue, opening);
        let (dialogue, ()) = or_leave(dialogue, ready)?;
        Ok(Self { dialogue })
    }

    /// Introduces itself, in clear.
    ///
    /// `helo` allows HELO where EHLO is not understood; then there are no extensions, so neither
    /// TLS nor AUTH (RFC 5321 §3.2).
    pub(crate) fn introduce(
        self,
        opening: &Opening<'_>,
        helo: bool,
    ) -> std::result::Result<Introduced<'o>, Closed> {
        let mut dialogue = self.dialogue;
        let ready = introduce(&mut dialogue, opening, helo).map_err(not_ready);
        let (dialogue, capabilities) = or_leave(dialogue, ready)?;
        Ok(Introduced {
            dialogue,
            capabilities,
        })
    }
}

impl<'o> Introduced<'o> {
    /// Stays in clear, because the plan says `--tls none`.
    pub(crate) fn in_clear(self) -> Session<'o> {
        Session::new(self.dialogue, self.capabilities)
    }

    /// STARTTLS (RFC 3207).
    pub(crate) fn start_tls(
        mut self,
        tls: &Tls,
        opening: &Opening<'_>,
    ) -> std::result::Result<Secured<'o>, Closed> {
        let refused = |failure| Closed::new(Outcome::NoStarttls, failure);
        if !self.capabilities.starttls {
            self.dialogue.quit();
            return Err(refused(
                Failure::new(Kind::Tls, "STARTTLS not offered")
                    .with_hint("nothing is sent without TLS: the port may want implicit TLS (--tls implicit), or somebody strips STARTTLS; only for a test server on this machine: --tls none"),
            ));
        }
        let stage = Stage::StartTls;
        let reply = self
            .dialogue
            .send("STARTTLS")
            .and_then(|()| self.dialogue.reply(&stage));
        let reply = reply.map_err(|failure| Closed::new(Outcome::Lost, failure))?;
        if !reply.answers(220) {
            let failure = self.dialogue.unexpected(&stage, &reply, Kind::Tls);
            self.dialogue.quit();
            return Err(refused(failure));
        }
        let intruder = || Closed {
            outcome: Outcome::TlsFailed,
            failure: Failure::new(
                Kind::Protocol,
                "STARTTLS: plaintext behind the 220: somebody may be on the line",
            )
            .with_hint(
                "nothing was sent; ask the server's administrator, and distrust this network",
            ),
            secured: false,
            certificate: None,
            stop: true,
        };
        if !self.dialogue.wire.inbox.is_empty() {
            return Err(intruder());
        }
        let mut dialogue = self.dialogue;
        match handshake(&mut dialogue, tls, opening, Security::StartTls) {
            Ok(()) => Ok(Secured { dialogue }),
            // The first bytes after the 220 were no TLS.
            Err(closed)
                if closed.failure.kind == Kind::Protocol
                    && closed.outcome == Outcome::TlsFailed =>
            {
                Err(intruder())
            }
            Err(closed) => Err(closed),
        }
    }
}

impl<'o> Secured<'o> {
    /// TLS from the first byte (RFC 8314 §3.3), and the greeting in it.
    pub(crate) fn open_implicit(
        socket: TcpStream,
        tls: &Tls,
        opening: &Opening<'_>,
        observer: &'o dyn Observer,
    ) -> std::result::Result<Self, Closed> {
        let mut dialogue = dialogue_on(socket, opening, observer)?;
        handshake(&mut dialogue, tls, opening, Security::Implicit)?;
        let ready = greeting(&mut dialogue, opening).map_err(Closed::within_tls);
        let (dialogue, ()) = or_leave(dialogue, ready)?;
        Ok(Self { dialogue })
    }

    /// Introduces itself, for the first time or again.
    pub(crate) fn introduce(
        self,
        opening: &Opening<'_>,
    ) -> std::result::Result<Session<'o>, Closed> {
        let mut dialogue = self.dialogue;
        let ready = introduce(&mut dialogue, opening, false)
            .map_err(|failure| not_ready(failure).within_tls());
        let (dialogue, capabilities) = or_leave(dialogue, ready)?;
        Ok(Session::new(dialogue, capabilities))
    }
}

impl<'o> Session<'o> {
    fn new(dialogue: Dialogue<'o>, capabilities: Capabilities) -> Self {
        Self {
            dialogue,
            capabilities,
            lead: None,
            authenticated: None,
        }
    }

    /// Lets refusals be explained by it that nobody logs in, where that is so and the server would
    /// have it otherwise.
    pub(crate) fn note_stranger(&mut self) {
        let nobody = self.authenticated.is_none() && self.lead.is_none();
        if nobody && !self.capabilities.auth.is_empty() {
            let circumstances = &mut self.dialogue.circumstances;
            *circumstances = circumstances.as_stranger();
        }
    }

    /// The right to send credentials, where TLS protects them.
    pub(crate) fn protection(&self) -> Option<Protected> {
        self.dialogue.wire.tls().map(|_| Protected::by_tls())
    }

    /// What the TLS connection can be known by.
    pub(crate) fn binding(&self) -> Option<Binding> {
        self.dialogue.wire.tls().and_then(Binding::of)
    }

    /// Proves who we are (RFC 4954), and waits for the server's word on it.
    ///
    /// # Errors
    /// `Auth` when the server refuses for good, `Temporary` when it cannot tell now, `Protocol`
    /// when it answers with something else or does not prove what it has to.
    pub(crate) fn authenticate(
        &mut self,
        mechanism: &mut dyn Mechanism,
        right: Protected,
    ) -> Result<()> {
        auth::exchange(&mut self.dialogue, mechanism, right)?;
        self.authenticated = Some(mechanism.name().as_str());
        Ok(())
    }
}

fn dialogue_on<'o>(
    socket: TcpStream,
    opening: &Opening<'_>,
    observer: &'o dyn Observer,
) -> std::result::Result<Dialogue<'o>, Closed> {
    let mut dialogue = Dialogue::new(socket, opening.waits, opening.hidden, observer)
        .map_err(|failure| Closed::new(Outcome::Lost, failure))?;
    dialogue.circumstances = Circumstances::at(opening.host);
    Ok(dialogue)
}

fn greeting(dialogue: &mut Dialogue<'_>, opening: &Opening<'_>) -> std::result::Result<(), Closed> {
    let stage = Stage::Greeting;
    let patience = opening.until_greeted(dialogue.patience(&stage));
    let until = patience.until();
    let greeted = dialogue.reply_within(&stage, patience, None);
    let reply = greeted.map_err(|failure| {
        if Instant::now() >= until && dialogue.wire.tls().is_none() {
            let hint = "connected, but the server says nothing: the port may want implicit TLS (--tls implicit)";
            return Closed::new(Outcome::NoGreeting, failure.with_hint(hint));
        }
        not_ready(failure)
    })?;
    dialogue.observer.greeted(&reply);
    if !reply.answers(220) {
        return Err(Closed::new(
            Outcome::NoGreeting,
            dialogue.unexpected(&stage, &reply, Kind::Refused),
        ));
    }
    dialogue.expect_silence(&stage).map_err(not_ready)
}

/// Keeps the dialogue for what comes next, or ends it in good order.
fn or_leave<'o, T>(
    dialogue: Dialogue<'o>,
    ready: std::result::Result<T, Closed>,
) -> std::result::Result<(Dialogue<'o>, T), Closed> {
    match ready {
        Ok(ready) => Ok((dialogue, ready)),
        Err(closed) => {
            dialogue.quit();
            Err(closed)
        }
    }
}

/// A connection that ends is lost; a server that answers something else is not ready.
fn not_ready(failure: Failure) -> Closed {
    let outcome = match failure.kind {
        Kind::Temporary => Outcome::Lost,
        Kind::Tls => Outcome::TlsFailed,
        _ => Outcome::NoGreeting,
    };
    Closed::new(outcome, failure)
}

fn introduce(
    dialogue: &mut Dialogue<'_>,
    opening: &Opening<'_>,
    helo: bool,
) -> Result<Capabilities> {
    let stage = Stage::Ehlo;
    let name = opening
        .ehlo
        .map_or_else(|| own_name(dialogue), str::to_owned);
    dialogue.send(&format!("EHLO {name}"))?;
    let reply = dialogue.reply(&stage)?;
    dialogue.expect_silence(&stage)?;
    if reply.answers(250) {
        dialogue.observer.offered(&reply);
        return Ok(Capabilities::from_ehlo(&reply));
    }
    if helo && reply.is_permanent() {
        dialogue.send(&format!("HELO {name}"))?;
        let reply = dialogue.reply(&stage)?;
        dialogue.expect_silence(&stage)?;
        if reply.answers(250) {
            return Ok(Capabilities::default());
        }
    }
    Err(dialogue.unexpected(&stage, &reply, Kind::Refused))
}

fn handshake(
    dialogue: &mut Dialogue<'_>,
    tls: &Tls,
    opening: &Opening<'_>,
    security: Security,
) -> std::result::Result<(), Closed> {
    let stage = Stage::Handshake;
    let handshake = tls
        .handshake(opening.host)
        .map_err(|failure| Closed::new(Outcome::TlsFailed, failure))?;
    let mut patience = dialogue.patience(&stage);
    if security == Security::Implicit {
        // The greeting comes within TLS.
        patience = opening.until_greeted(patience);
    }
    dialogue
        .wire
        .handshake(
            Arc::clone(&handshake.config),
            handshake.server_name.clone(),
            patience,
        )
        .map_err(|broken| match &broken {
            Broken::Tls(error) => Closed {
                certificate: handshake.refused().map(Box::new),
                ..Closed::new(Outcome::TlsFailed, handshake.explain(error))
            },
            Broken::TimedOut => {
                let failure = dialogue.broken(&broken, &stage, patience.wait);
                let failure = match security {
                    Security::Implicit if interrupt::arrived().is_none() => failure
                        .with_hint("the port may expect plain SMTP with STARTTLS (--tls starttls)"),
                    _ => failure,
                };
                Closed::new(Outcome::TlsFailed, failure)
            }
            Broken::Lost(_) => Closed::new(
                Outcome::Lost,
                dialogue.broken(&broken, &stage, patience.wait),
            ),
        })?;
    if let Some(agreed) = dialogue.wire.tls().map(TlsInfo::of) {
        dialogue.observer.note(&format!(
            "{} {} {}, {handshake}",
            agreed.version, agreed.cipher, agreed.group
        ));
        dialogue.observer.secured(&agreed);
    }
    Ok(())
}

/// The name for EHLO when none is set and this machine has no full one: the address of our end
/// of the connection as a literal (RFC 5321 §4.1.4).
fn own_name(dialogue: &Dialogue<'_>) -> String {
    match dialogue
        .wire
        .local()
        .map(|local: SocketAddr| local.ip().to_canonical())
    {
        Ok(IpAddr::V4(address)) => format!("[{address}]"),
        Ok(IpAddr::V6(address)) => format!("[IPv6:{address}]"),
        Err(_) => "[127.0.0.1]".to_owned(),
    }
}
