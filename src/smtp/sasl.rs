//! SASL mechanisms for SMTP AUTH (RFC 4954), and which one is used.
//!
//! Owns the mechanisms and their choice. Refuses more challenges than a mechanism has. A
//! mechanism is added by implementing `Mechanism` and naming it in `choose`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::failure::{Failure, Kind, Result};
use crate::secret::Secret;

/// Longest user name or password taken, in octets: an AUTH line with both, in base64, stays
/// within the 12,288 octets of RFC 4954 §4.
const CREDENTIAL_LIMIT: usize = 4_096;

/// Who we are, and the proof.
#[derive(Debug, Clone)]
pub struct Credentials {
    user: String,
    password: Secret,
}

impl Credentials {
    /// # Errors
    /// `Config` when either is empty, longer than 4,096 octets, or holds a NUL (RFC 4616 §2); the
    /// password is not shown.
    pub fn new(user: impl Into<String>, password: Secret) -> Result<Self> {
        let user = user.into();
        for (what, bytes) in [
            ("user name", user.as_bytes()),
            ("password", password.expose()),
        ] {
            let problem = match bytes {
                [] => "is empty",
                _ if bytes.len() > CREDENTIAL_LIMIT => "is longer than 4096 octets",
                _ if bytes.contains(&0) => "holds a NUL octet",
                _ => continue,
            };
            return Err(Failure::new(Kind::Config, format!("the {what} {problem}")));
        }
        Ok(Self { user, password })
    }

    /// The password and what holds it on the wire: what no output may show.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        let plain = encoded(&self.plain());
        vec![self.password.clone(), encoded(&self.password), plain]
    }

    /// The message of PLAIN (RFC 4616 §2).
    fn plain(&self) -> Secret {
        let (user, password) = (self.user.as_bytes(), self.password.expose());
        let mut message = Vec::with_capacity(user.len() + password.len() + 2);
        message.push(0);
        message.extend_from_slice(user);
        message.push(0);
        message.extend_from_slice(password);
        Secret::new(message)
    }

    /// The user name.
    pub fn user(&self) -> &str {
        &self.user
    }
}

/// What `--auth` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuthChoice {
    /// The first of PLAIN, LOGIN that the server offers.
    #[default]
    Auto,
    /// Do not authenticate, whatever credentials there are.
    Never,
    /// PLAIN (RFC 4616) and nothing else.
    Plain,
    /// LOGIN (a draft that many servers speak) and nothing else.
    Login,
}

/// A word that only `--allow-cleartext-auth` makes: without it no credential leaves without TLS.
#[derive(Debug, Clone, Copy)]
pub struct CleartextAuth(());

impl CleartextAuth {
    /// Allows credentials to be sent where anybody on the way can read them.
    pub const fn dangerous_allow() -> Self {
        Self(())
    }
}

/// One mechanism, for one exchange.
pub(crate) trait Mechanism {
    /// Its registered name.
    fn name(&self) -> &'static str;

    /// What goes along with the AUTH command, for a mechanism in which the client speaks first.
    fn initial_response(&mut self) -> Option<Secret>;

    /// Whether the server's reply to the initial response is known to be the last one, so that
    /// AUTH may lead a group of commands (RFC 4954 §4).
    fn ends_in_one_round(&self) -> bool {
        false
    }

    /// The answer to a challenge; `None` when there is none, and the exchange must be cancelled.
    fn respond(&mut self, challenge: &[u8]) -> Option<Secret>;
}

/// What is said of `response` on the wire.
pub(super) fn encoded(response: &Secret) -> Secret {
    // RFC 4954 §4: an empty response stands as "=" in the command; no mechanism here has one.
    let mut line = vec![0; response.expose().len().div_ceil(3) * 4];
    match BASE64.encode_slice(response.expose(), &mut line) {
        Ok(length) => line.truncate(length),
        Err(_) => line.clear(),
    }
    Secret::new(line)
}

/// Picks the mechanism.
///
/// # Errors
/// `Auth` when the server offers none that the choice allows.
pub(crate) fn choose(
    choice: AuthChoice,
    offered: &[String],
    credentials: &Credentials,
) -> Result<Box<dyn Mechanism>> {
    let wants = |name: &str| offered.iter().any(|offer| offer == name);
    let may = |allowed: AuthChoice, name: &str| {
        (choice == AuthChoice::Auto || choice == allowed) && wants(name)
    };
    if may(AuthChoice::Plain, "PLAIN") {
        return Ok(Box::new(Plain(credentials.clone())));
    }
    if may(AuthChoice::Login, "LOGIN") {
        return Ok(Box::new(Login {
            credentials: credentials.clone(),
            challenges: 0,
        }));
    }
    let wanted = match choice {
        AuthChoice::Plain => "AUTH PLAIN",
        AuthChoice::Login => "AUTH LOGIN",
        AuthChoice::Auto | AuthChoice::Never => "AUTH",
    };
    let failure = if offered.is_empty() {
        Failure::new(Kind::Auth, format!("{wanted} not offered although a user is given"))
            .with_hint("this port may not be for submission; without a user (or with --auth none) nothing is authenticated")
    } else {
        Failure::new(
            Kind::Auth,
            format!("{wanted}: the server offers {} only", offered.join(", ")),
        )
        .with_hint("smtpsend knows PLAIN and LOGIN")
    };
    Err(failure)
}

struct Plain(Credentials);

impl Mechanism for Plain {
    fn name(&self) -> &'static str {
        "PLAIN"
    }

    fn initial_response(&mut self) -> Option<Secret> {
        Some(self.0.plain())
    }

    fn ends_in_one_round(&self) -> bool {
        true
    }

    fn respond(&mut self, _challenge: &[u8]) -> Option<Secret> {
        None
    }
}

struct Login {
    credentials: Credentials,
    challenges: u8,
}

impl Mechanism for Login {
    fn name(&self) -> &'static str {
        "LOGIN"
    }

    fn initial_response(&mut self) -> Option<Secret> {
        None
    }

    /// The text of the challenges is not standardised, so they go by their order.
    fn respond(&mut self, _challenge: &[u8]) -> Option<Secret> {
        self.challenges += 1;
        match self.challenges {
            1 => Some(Secret::new(self.credentials.user.clone().into_bytes())),
            2 => Some(self.credentials.password.clone()),
            _ => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn credentials() -> Credentials {
        Credentials::new("bench", Secret::new(b"secret".to_vec())).unwrap()
    }

    fn offers(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn plain_is_preferred_and_login_the_second() {
        let name = |offered: &[&str]| {
            choose(AuthChoice::Auto, &offers(offered), &credentials())
                .unwrap()
                .name()
        };
        assert_eq!(name(&["LOGIN", "PLAIN"]), "PLAIN");
        assert_eq!(name(&["CRAM-MD5", "LOGIN"]), "LOGIN");
    }

    #[test]
    fn a_named_mechanism_is_never_replaced() {
        let failure = choose(AuthChoice::Login, &offers(&["PLAIN"]), &credentials())
            .err()
            .unwrap();
        assert_eq!(failure.kind, Kind::Auth);
    }

    #[test]
    fn plain_says_all_at_once() {
        let mut plain = choose(AuthChoice::Plain, &offers(&["PLAIN"]), &credentials()).unwrap();
        assert_eq!(
            plain.initial_response().unwrap().expose(),
            b"\0bench\0secret"
        );
        assert!(plain.respond(b"").is_none());
    }

    #[test]
    fn login_answers_two_challenges_and_no_third() {
        let mut login = choose(AuthChoice::Login, &offers(&["LOGIN"]), &credentials()).unwrap();
        assert!(login.initial_response().is_none());
        assert_eq!(login.respond(b"Username:").unwrap().expose(), b"bench");
        assert_eq!(login.respond(b"Password:").unwrap().expose(), b"secret");
        assert!(login.respond(b"again").is_none());
    }

    #[test]
    fn credentials_that_cannot_be_sent_are_refused_unseen() {
        for (user, password) in [("", "x"), ("x", ""), ("a\0b", "x"), ("x", "hunter\0two")] {
            let failure =
                Credentials::new(user, Secret::new(password.as_bytes().to_vec())).unwrap_err();
            assert_eq!(failure.kind, Kind::Config);
            assert!(!failure.message.contains("hunter"));
        }
        assert!(Credentials::new("x", Secret::new(vec![b'x'; 4097])).is_err());
    }

    #[test]
    fn debug_shows_no_password() {
        assert!(!format!("{:?}", credentials()).contains("secret"));
    }
}
