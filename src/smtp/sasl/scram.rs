//! SCRAM (RFC 5802) with SHA-1 and SHA-256 (RFC 7677): both ends prove that they know the password,
//! and neither says it.
//!
//! On the HMAC, PBKDF2 and digests of ring, which TLS brings along: a library of mechanisms would
//! bring a second set of them and leave what matters here, the bounds, to us all the same.
//! Refuses a server that says yes without having proved that it knows the password too.

mod challenge;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use challenge::Challenge;
use ring::{digest, hmac, pbkdf2};
use zeroize::Zeroizing;

use super::binding::Binding;
use super::saslprep::prepared;
use super::{Mechanism, MechanismName, no_answer, saslname};
use crate::failure::{Failure, Kind, Result, printable};
use crate::secret::Secret;

/// Random octets in our nonce.
const NONCE: usize = 18;
/// Characters shown of the reason that a server gives.
const EXCERPT: usize = 100;

/// What is said about channel binding (§6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bound {
    /// `n`: it cannot be had, or is not wanted.
    No,
    /// `y`: it could be had, and the server offers none.
    NotOffered,
    /// `p=`: by this.
    To(Binding),
}

impl Bound {
    /// The header of GS2 (§7), without an authorization identity.
    fn header(&self) -> String {
        match self {
            Self::No => "n,,".to_owned(),
            Self::NotOffered => "y,,".to_owned(),
            Self::To(binding) => format!("p={},,", binding.name),
        }
    }

    /// The value of `c=`.
    fn input(&self) -> String {
        let mut input = self.header().into_bytes();
        if let Self::To(binding) = self {
            input.extend_from_slice(&binding.data);
        }
        BASE64.encode(input)
    }
}

/// A nonce of our own: printable, without a comma.
///
/// # Errors
/// `Io` when the system has no random numbers.
pub(super) fn nonce() -> Result<String> {
    let mut octets = [0; NONCE];
    getrandom::fill(&mut octets)
        .map_err(|error| Failure::new(Kind::Io, format!("no random numbers: {error}")))?;
    Ok(BASE64.encode(octets))
}

struct Hash {
    digest: &'static digest::Algorithm,
    hmac: hmac::Algorithm,
    pbkdf2: pbkdf2::Algorithm,
}

static SHA1: Hash = Hash {
    digest: &digest::SHA1_FOR_LEGACY_USE_ONLY,
    hmac: hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
    pbkdf2: pbkdf2::PBKDF2_HMAC_SHA1,
};

static SHA256: Hash = Hash {
    digest: &digest::SHA256,
    hmac: hmac::HMAC_SHA256,
    pbkdf2: pbkdf2::PBKDF2_HMAC_SHA256,
};

pub(super) struct Scram {
    name: MechanismName,
    hash: &'static Hash,
    password: Zeroizing<Vec<u8>>,
    bound: Bound,
    /// `client-first-message-bare`.
    first: String,
    nonce: String,
    state: State,
    /// `p=` and what is said with it.
    proof: Option<Secret>,
}

enum State {
    /// Our first message is on its way, or will be.
    Introduced,
    /// Our proof is on its way; the server's must verify with this key over this message.
    Proved(hmac::Key, Vec<u8>),
    /// The server knows the password.
    Verified,
    /// The server said why it will refuse.
    Refused(String),
    /// Nothing more can be said.
    Broken,
}

impl Scram {
    /// The mechanism of this name. `nonce` must be random and free of commas: see [`nonce`].
    pub(super) fn new(
        name: MechanismName,
        user: &str,
        password: &Secret,
        bound: Bound,
        nonce: String,
    ) -> Self {
        let hash = match name {
            MechanismName::ScramSha1 | MechanismName::ScramSha1Plus => &SHA1,
            _ => &SHA256,
        };
        let user = String::from_utf8_lossy(&prepared(user.as_bytes())).into_owned();
        Self {
            name,
            hash,
            password: prepared(password.expose()),
            bound,
            first: format!("n={},r={nonce}", saslname(&user)),
            nonce,
            state: State::Introduced,
            proof: None,
        }
    }

    /// Our proof, in answer to the server's salt, nonce and iteration count (§3).
    fn prove(&mut self, server_first: &[u8]) -> Result<Secret> {
        let challenge = Challenge::read(server_first, &self.nonce)?;
        let hmac =
            |key: &[u8], message: &[u8]| hmac::sign(&hmac::Key::new(self.hash.hmac, key), message);
        let mut salted = Zeroizing::new(vec![0; self.hash.digest.output_len()]);
        let (algorithm, rounds) = (self.hash.pbkdf2, challenge.iterations);
        pbkdf2::derive(
            algorithm,
            rounds,
            &challenge.salt,
            &self.password,
            &mut salted,
        );

        let last = format!("c={},r={}", self.bound.input(), challenge.nonce);
        let mut message = self.first.clone().into_bytes();
        for part in [server_first, last.as_bytes()] {
            message.push(b',');
            message.extend_from_slice(part);
        }
        let client_key = hmac(&salted, b"Client Key");
        let stored_key = digest::digest(self.hash.digest, client_key.as_ref());
        let signature = hmac(stored_key.as_ref(), &message);
        let pairs = client_key.as_ref().iter().zip(signature.as_ref());
        let proof: Vec<u8> = pairs.map(|(key, signature)| key ^ signature).collect();
        let proof = format!("p={}", BASE64.encode(proof));

        let server_key = hmac(&salted, b"Server Key");
        let server_key = hmac::Key::new(self.hash.hmac, server_key.as_ref());
        self.state = State::Proved(server_key, message);
        let response = format!("{last},{proof}").into_bytes();
        self.proof = Some(Secret::new(proof.into_bytes()));
        Ok(Secret::new(response))
    }
}

impl Mechanism for Scram {
    fn name(&self) -> MechanismName {
        self.name
    }

    fn initial_response(&mut self) -> Option<Secret> {
        let first = format!("{}{}", self.bound.header(), self.first);
        Some(Secret::new(first.into_bytes()))
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<Secret> {
        match std::mem::replace(&mut self.state, State::Broken) {
            State::Introduced => self.prove(challenge),
            State::Proved(key, message) => {
                self.state = judge(challenge, &key, &message)?;
                Ok(Secret::new(Vec::new()))
            }
            State::Verified | State::Refused(_) | State::Broken => Err(no_answer()),
        }
    }

    fn confirm(&self) -> Result<()> {
        match self.state {
            State::Verified => Ok(()),
            _ => Err(impostor(
                "the server says yes and did not prove that it knows the password",
            )),
        }
    }

    fn secrets(&self) -> Vec<Secret> {
        self.proof.iter().cloned().collect()
    }

    fn complaint(&self) -> Option<String> {
        match &self.state {
            State::Refused(reason) => Some(reason.clone()),
            _ => None,
        }
    }
}

/// What the server's last message says: that it knows the password, or why it refuses.
fn judge(server_final: &[u8], key: &hmac::Key, message: &[u8]) -> Result<State> {
    let text = std::str::from_utf8(server_final).map_err(|_| no_answer())?;
    let value = text.split(',').next().unwrap_or_default();
    if let Some(reason) = value.strip_prefix("e=") {
        let reason = printable(reason).chars().take(EXCERPT).collect();
        return Ok(State::Refused(reason));
    }
    let signature = value.strip_prefix("v=").ok_or_else(no_answer)?;
    let signature = BASE64.decode(signature).map_err(|_| no_answer())?;
    hmac::verify(key, message, &signature)
        .map(|()| State::Verified)
        .map_err(|_| impostor("the server's signature is wrong: it does not know the password"))
}

fn impostor(what: &str) -> Failure {
    Failure::new(Kind::Protocol, what)
        .with_hint("nothing was sent: somebody may be on the line, or the server is broken")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn scram(name: MechanismName, bound: Bound, nonce: &str) -> Scram {
        let password = Secret::new(b"pencil".to_vec());
        Scram::new(name, "user", &password, bound, nonce.to_owned())
    }

    /// The examples of RFC 5802 §5 and RFC 7677 §3: our nonce, the server's first message, our last
    /// one, the server's last one.
    const EXAMPLES: [(MechanismName, [&str; 4]); 2] = [
        (
            MechanismName::ScramSha1,
            [
                "fyko+d2lbbFgONRv9qkxdawL",
                "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
                "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
                "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
            ],
        ),
        (
            MechanismName::ScramSha256,
            [
                "rOprNGfwEbeRWgbNEkqO",
                "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
                "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
                "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
            ],
        ),
    ];

    #[test]
    fn the_examples_of_rfc_5802_and_rfc_7677() {
        for (name, [nonce, server_first, ours, server_final]) in EXAMPLES {
            let mut scram = scram(name, Bound::No, nonce);
            let first = scram.initial_response().unwrap();
            assert_eq!(first.expose(), format!("n,,n=user,r={nonce}").as_bytes());
            let last = scram.respond(server_first.as_bytes()).unwrap();
            assert_eq!(last.expose(), ours.as_bytes());
            assert!(ours.as_bytes().ends_with(scram.secrets()[0].expose()));
            assert!(scram.confirm().is_err());
            let end = scram.respond(server_final.as_bytes()).unwrap();
            assert_eq!(end.expose(), b"");
            assert!(scram.confirm().is_ok());
            assert!(scram.respond(server_final.as_bytes()).is_err());
        }
    }

    #[test]
    fn a_server_that_does_not_know_the_password_is_not_believed() {
        let (name, [nonce, server_first, _, _]) = EXAMPLES[1];
        for bad in [
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=",
            "v=AAAATRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
            "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
            "v=",
            "v=~",
            "",
            "x=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ] {
            let mut scram = scram(name, Bound::No, nonce);
            assert!(scram.confirm().is_err());
            scram.respond(server_first.as_bytes()).unwrap();
            let failure = scram.respond(bad.as_bytes()).unwrap_err();
            assert_eq!(failure.kind, Kind::Protocol, "{bad}");
            assert_eq!(scram.confirm().unwrap_err().kind, Kind::Protocol);
            assert!(scram.respond(bad.as_bytes()).is_err());
        }
    }

    #[test]
    fn a_reason_to_refuse_is_kept_and_is_no_yes() {
        let (name, [nonce, server_first, _, _]) = EXAMPLES[1];
        let mut scram = scram(name, Bound::No, nonce);
        scram.respond(server_first.as_bytes()).unwrap();
        assert_eq!(scram.respond(b"e=invalid-\x1bproof").unwrap().expose(), b"");
        assert_eq!(scram.complaint().unwrap(), "invalid-proof");
        assert!(scram.confirm().is_err());
    }

    #[test]
    fn what_is_bound_says_to_what() {
        let binding = Binding {
            name: "tls-exporter",
            data: vec![7; 32],
        };
        for (bound, head, input) in [
            (Bound::NotOffered, "y,,n=", b"y,,".to_vec()),
            (
                Bound::To(binding),
                "p=tls-exporter,,n=",
                [&b"p=tls-exporter,,"[..], &[7; 32]].concat(),
            ),
        ] {
            let (_, [nonce, server_first, _, _]) = EXAMPLES[1];
            let mut scram = scram(MechanismName::ScramSha256Plus, bound, nonce);
            let first = scram.initial_response().unwrap();
            assert!(first.expose().starts_with(head.as_bytes()));
            let last = scram.respond(server_first.as_bytes()).unwrap();
            let expected = format!("c={},r=", BASE64.encode(input));
            assert!(last.expose().starts_with(expected.as_bytes()));
        }
    }

    #[test]
    fn a_name_is_prepared_and_escaped() {
        let password = Secret::new(b"x".to_vec());
        let name = MechanismName::ScramSha256;
        let mut scram = Scram::new(name, "\u{aa},b=c", &password, Bound::No, "nonce".to_owned());
        let first = scram.initial_response().unwrap();
        assert_eq!(first.expose(), b"n,,n=a=2Cb=3Dc,r=nonce");
    }

    #[test]
    fn nonces_are_new_each_time() {
        let (one, other) = (nonce().unwrap(), nonce().unwrap());
        assert_ne!(one, other);
        assert!(one.len() == 24 && !one.contains(','));
    }
}
