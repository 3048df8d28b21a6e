//! OAUTHBEARER (RFC 7628) and XOAUTH2: an OAuth 2 access token instead of a password.
//!
//! A refusal comes as a challenge in JSON (§3.2.2), which is answered for form's sake before the
//! reply comes; what it says is kept for the user. Then, or after a plain refusal, another token may
//! be tried once, if there is one.

use serde_json::Value;

use super::credentials::{Token, token_secrets};
use super::{Mechanism, MechanismName, no_answer, saslname, unfounded};
use crate::failure::{Result, printable};
use crate::secret::Secret;

/// Characters shown of what the server says of a token.
const EXCERPT: usize = 300;

/// What is said with this token by OAUTHBEARER and by XOAUTH2.
pub(super) fn messages(user: &str, token: &Secret) -> [Secret; 2] {
    let message = |head: String| {
        let (middle, end) = (b"\x01auth=Bearer ", b"\x01\x01");
        let token = token.expose();
        let length = head.len() + middle.len() + token.len() + end.len();
        let mut message = Vec::with_capacity(length);
        for part in [head.as_bytes(), middle, token, end] {
            message.extend_from_slice(part);
        }
        Secret::new(message)
    };
    [
        message(format!("n,a={},", saslname(user))),
        message(format!("user={user}")),
    ]
}

pub(super) struct Oauth {
    name: MechanismName,
    user: String,
    tokens: Token,
    token: Secret,
    complaint: Option<String>,
    renewed: bool,
}

impl Oauth {
    pub(super) fn new(name: MechanismName, user: &str, tokens: &Token) -> Self {
        Self {
            name,
            user: user.to_owned(),
            tokens: tokens.clone(),
            token: tokens.current(),
            complaint: None,
            renewed: false,
        }
    }
}

impl Mechanism for Oauth {
    fn name(&self) -> MechanismName {
        self.name
    }

    fn initial_response(&mut self) -> Option<Secret> {
        let [standard, older] = messages(&self.user, &self.token);
        Some(match self.name {
            MechanismName::OauthBearer => standard,
            _ => older,
        })
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<Secret> {
        if self.complaint.is_some() {
            return Err(no_answer());
        }
        self.complaint = Some(complaint(challenge));
        Ok(Secret::new(match self.name {
            MechanismName::OauthBearer => vec![1],
            _ => Vec::new(),
        }))
    }

    fn confirm(&self) -> Result<()> {
        match self.complaint {
            None => Ok(()),
            Some(_) => Err(unfounded()),
        }
    }

    fn secrets(&self) -> Vec<Secret> {
        token_secrets(&self.user, &self.token)
    }

    fn complaint(&self) -> Option<String> {
        self.complaint.clone()
    }

    fn renew(&mut self) -> Result<bool> {
        if self.renewed {
            return Ok(false);
        }
        let Some(token) = self.tokens.renew(&self.user, &self.token)? else {
            return Ok(false);
        };
        self.token = token;
        self.complaint = None;
        self.renewed = true;
        Ok(true)
    }
}

/// What the server says of the token, as one line.
fn complaint(challenge: &[u8]) -> String {
    let text = String::from_utf8_lossy(challenge);
    let said = match serde_json::from_str(&text) {
        Ok(Value::Object(fields)) => {
            let words = fields.iter().map(|(name, value)| match value {
                Value::String(text) => format!("{name} {text}"),
                other => format!("{name} {other}"),
            });
            words.collect::<Vec<_>>().join(", ")
        }
        _ => text.into_owned(),
    };
    printable(&said).chars().take(EXCERPT).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::super::credentials::Proof;
    use super::*;
    use crate::smtp::Credentials;

    fn oauth(name: MechanismName, user: &str, token: &str) -> Oauth {
        let token = Secret::new(token.as_bytes().to_vec());
        let credentials = Credentials::token(user, token, None).unwrap();
        match &credentials.proof {
            Proof::Token(token) => Oauth::new(name, user, token),
            _ => panic!("no token"),
        }
    }

    #[test]
    fn the_example_of_rfc_7628_without_the_optional_fields() {
        let mut oauth = oauth(
            MechanismName::OauthBearer,
            "user@example.com",
            "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
        );
        assert_eq!(
            oauth.initial_response().unwrap().expose(),
            b"n,a=user@example.com,\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01"
        );
    }

    #[test]
    fn xoauth2_says_it_in_its_own_way() {
        let mut oauth = oauth(
            MechanismName::Xoauth2,
            "someuser@example.com",
            "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg",
        );
        assert_eq!(
            oauth.initial_response().unwrap().expose(),
            b"user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01"
        );
    }

    #[test]
    fn a_name_with_a_comma_is_escaped_for_the_standard_one() {
        let token = Secret::new(b"t".to_vec());
        let [standard, older] = messages("a,b=c", &token);
        assert!(standard.expose().starts_with(b"n,a=a=2Cb=3Dc,\x01"));
        assert!(older.expose().starts_with(b"user=a,b=c\x01"));
    }

    #[test]
    fn a_complaint_is_answered_for_forms_sake_once() {
        for (name, answer) in [
            (MechanismName::OauthBearer, &b"\x01"[..]),
            (MechanismName::Xoauth2, b""),
        ] {
            let mut oauth = oauth(name, "bob", "token");
            let json = br#"{"status":"invalid_token","scope":"mail"}"#;
            assert_eq!(oauth.respond(json).unwrap().expose(), answer);
            assert_eq!(
                oauth.complaint().unwrap(),
                "scope mail, status invalid_token"
            );
            assert!(oauth.respond(json).is_err());
        }
    }

    #[test]
    fn a_complaint_is_short_and_harmless() {
        assert_eq!(
            complaint(b"{\"status\":400,\"x\":\"\\u001b[2J\"}"),
            "status 400, x [2J"
        );
        assert_eq!(complaint(b"no JSON\x07"), "no JSON");
        assert_eq!(complaint(&[b'x'; 1000]).len(), EXCERPT);
    }
}
