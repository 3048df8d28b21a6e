//! Who we are, and the proof: a password, a token, or a certificate shown in the TLS handshake.
//!
//! Owns what a proof may look like, the renewal of a token, and the list of what no output may
//! show. Refuses what cannot be sent: NUL (RFC 4616 §2), an AUTH line beyond 12,288 octets
//! (RFC 4954 §4), a token with characters that no token has (RFC 6750 §2.1).

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::name::MechanismName;
use super::{encoded, oauth, password};
use crate::failure::{Failure, Kind, Result};
use crate::secret::Secret;

/// Longest user name or password taken, in octets: an AUTH line with both, in base64, stays
/// within the 12,288 octets of RFC 4954 §4.
const CREDENTIAL_LIMIT: usize = 4_096;
/// Longest user name and token together, in octets, by the same rule.
const TOKEN_LIMIT: usize = 9_000;

/// Who we are, and the proof.
#[derive(Debug, Clone)]
pub struct Credentials {
    user: String,
    pub(super) proof: Proof,
}

#[derive(Debug, Clone)]
pub(super) enum Proof {
    Password(Secret),
    Token(Token),
    Certificate,
}

/// Where a new OAuth 2 access token comes from when the server no longer takes the one there is.
///
/// May be asked by several sessions, by one at a time.
pub trait TokenSource: Send + Sync {
    /// A token that is good now.
    ///
    /// # Errors
    /// Why there is none.
    fn token(&self) -> Result<Secret>;
}

impl Credentials {
    /// A user and a password.
    ///
    /// # Errors
    /// `Config` when either is empty, longer than 4,096 octets, or holds a NUL (RFC 4616 §2); the
    /// password is not shown.
    pub fn new(user: impl Into<String>, password: Secret) -> Result<Self> {
        let user = user.into();
        check("user name", user.as_bytes())?;
        check("password", password.expose())?;
        Ok(Self {
            user,
            proof: Proof::Password(password),
        })
    }

    /// A user and an OAuth 2 access token. When the server refuses it, `renew` is asked for another
    /// one, once in a session; all clones of these credentials use that one from then on.
    ///
    /// # Errors
    /// `Config` when the user name is not one that [`new`](Self::new) takes, when the token is empty
    /// or holds a space or something that is not printable ASCII, or when both together are longer
    /// than 9,000 octets; the token is not shown.
    pub fn token(
        user: impl Into<String>,
        token: Secret,
        renew: Option<Arc<dyn TokenSource>>,
    ) -> Result<Self> {
        let user = user.into();
        check("user name", user.as_bytes())?;
        // RFC 7628 §3.1: it would end the field it stands in.
        if user.contains('\u{1}') {
            return Err(Failure::new(
                Kind::Config,
                "the user name holds a control character",
            ));
        }
        check_token(&user, &token)?;
        Ok(Self {
            user,
            proof: Proof::Token(Token {
                current: Arc::new(Mutex::new(token)),
                source: renew,
            }),
        })
    }

    /// The client certificate of the plan, and nothing more. The server knows whose it is; `user` is
    /// for one that stands for several (the authorization identity of RFC 4422 appendix A).
    ///
    /// # Errors
    /// `Config` when the user name is not one that [`new`](Self::new) takes.
    pub fn certificate(user: Option<String>) -> Result<Self> {
        if let Some(user) = &user {
            check("user name", user.as_bytes())?;
        }
        Ok(Self {
            user: user.unwrap_or_default(),
            proof: Proof::Certificate,
        })
    }

    /// The user name; empty where a certificate alone says it.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The mechanisms these credentials fit, the strongest first.
    pub fn mechanisms(&self) -> &'static [MechanismName] {
        use MechanismName::{
            CramMd5, External, Login, OauthBearer, Plain, ScramSha1, ScramSha1Plus, ScramSha256,
            ScramSha256Plus, Xoauth2,
        };
        match self.proof {
            Proof::Password(_) => &[
                ScramSha256Plus,
                ScramSha1Plus,
                ScramSha256,
                ScramSha1,
                CramMd5,
                Plain,
                Login,
            ],
            Proof::Token(_) => &[OauthBearer, Xoauth2],
            Proof::Certificate => &[External],
        }
    }

    /// What no output may show: the secret and what holds it on the wire, where that is known before
    /// the server has said something.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        match &self.proof {
            Proof::Password(password) => vec![
                password.clone(),
                encoded(password),
                encoded(&password::plain_message(&self.user, password)),
            ],
            Proof::Token(token) => token_secrets(&self.user, &token.current()),
            Proof::Certificate => Vec::new(),
        }
    }
}

/// The token and what holds it on the wire.
pub(super) fn token_secrets(user: &str, token: &Secret) -> Vec<Secret> {
    let messages = oauth::messages(user, token);
    [token.clone(), encoded(token)]
        .into_iter()
        .chain(messages.iter().map(encoded))
        .collect()
}

/// The token there is, shared by all who use it, and the way to another one.
#[derive(Clone)]
pub(super) struct Token {
    current: Arc<Mutex<Secret>>,
    source: Option<Arc<dyn TokenSource>>,
}

impl Token {
    pub(super) fn current(&self) -> Secret {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Another token than the one that was refused; `None` where there is none to be had.
    ///
    /// # Errors
    /// Why the source gives none, or `Config` when it gives one that cannot be sent.
    pub(super) fn renew(&self, user: &str, refused: &Secret) -> Result<Option<Secret>> {
        // Held while the source is asked: of several sessions one asks, and the others get its token.
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if *current == *refused {
            let Some(source) = &self.source else {
                return Ok(None);
            };
            let new = source.token()?;
            check_token(user, &new)?;
            *current = new;
        }
        Ok(Some(current.clone()).filter(|current| current != refused))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

fn check(what: &str, bytes: &[u8]) -> Result<()> {
    let problem = match bytes {
        [] => "is empty",
        _ if bytes.len() > CREDENTIAL_LIMIT => "is longer than 4096 octets",
        _ if bytes.contains(&0) => "holds a NUL octet",
        _ => return Ok(()),
    };
    Err(Failure::new(Kind::Config, format!("the {what} {problem}")))
}

fn check_token(user: &str, token: &Secret) -> Result<()> {
    let token = token.expose();
    let problem = match token {
        [] => "the token is empty",
        _ if user.len() + token.len() > TOKEN_LIMIT => {
            "user name and token together are longer than 9000 octets"
        }
        _ if !token.iter().all(u8::is_ascii_graphic) => {
            "the token holds a character that no token has"
        }
        _ => return Ok(()),
    };
    Err(Failure::new(Kind::Config, problem))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.as_bytes().to_vec())
    }

    /// Gives the same token for ever.
    struct Always(&'static str);

    impl TokenSource for Always {
        fn token(&self) -> Result<Secret> {
            Ok(secret(self.0))
        }
    }

    fn renewed(from: &'static str) -> Result<Option<Secret>> {
        let source: Arc<dyn TokenSource> = Arc::new(Always(from));
        let credentials = Credentials::token("bob", secret("old"), Some(source)).unwrap();
        let Proof::Token(token) = &credentials.proof else {
            panic!("no token");
        };
        token.renew("bob", &secret("old"))
    }

    #[test]
    fn what_cannot_be_sent_is_refused_unseen() {
        for (user, password) in [("", "x"), ("x", ""), ("a\0b", "x"), ("x", "hunter\0two")] {
            let failure = Credentials::new(user, secret(password)).unwrap_err();
            assert_eq!(failure.kind, Kind::Config);
            assert!(!failure.message.contains("hunter"));
        }
        assert!(Credentials::new("x", Secret::new(vec![b'x'; 4097])).is_err());
        assert!(Credentials::certificate(Some(String::new())).is_err());
        for token in ["", "ya29 x", "ya29\u{1}", "yä29"] {
            let failure = Credentials::token("x", secret(token), None).unwrap_err();
            assert_eq!(failure.kind, Kind::Config);
            assert!(!failure.message.contains("29"));
        }
        assert!(Credentials::token("a\u{1}b", secret("t"), None).is_err());
        assert!(Credentials::token("bob", secret(&"x".repeat(8997)), None).is_ok());
        assert!(Credentials::token("bob", secret(&"x".repeat(8998)), None).is_err());
    }

    #[test]
    fn the_longest_token_fits_into_an_auth_line() {
        let longest = Credentials::token("b", secret(&"x".repeat(8999)), None).unwrap();
        let line = longest.secrets().iter().map(|s| s.expose().len()).max();
        assert!(line.unwrap() + "AUTH OAUTHBEARER \r\n".len() <= 12_288);
    }

    #[test]
    fn debug_shows_no_secret() {
        let with_password = Credentials::new("bob", secret("hunter2")).unwrap();
        let with_token = Credentials::token("bob", secret("hunter2"), None).unwrap();
        for credentials in [with_password, with_token] {
            assert!(!format!("{credentials:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_token_is_renewed_where_the_source_has_another_one() {
        assert_eq!(renewed("new").unwrap().unwrap().expose(), b"new");
        assert!(renewed("old").unwrap().is_none());
        assert_eq!(renewed("a b").unwrap_err().kind, Kind::Config);
    }

    #[test]
    fn clones_share_the_renewed_token() {
        let source: Arc<dyn TokenSource> = Arc::new(Always("new-token"));
        let credentials = Credentials::token("bob", secret("old"), Some(source)).unwrap();
        if let Proof::Token(token) = &credentials.clone().proof {
            token.renew("bob", &secret("old")).unwrap();
        }
        let hidden = credentials.secrets();
        assert!(hidden.iter().any(|known| known.expose() == b"new-token"));
    }
}
