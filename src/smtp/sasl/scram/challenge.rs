//! What the server asks of a SCRAM client: salt, nonce and iteration count, within bounds.
//!
//! Refuses a nonce that does not continue ours, an unknown mandatory extension (RFC 5802 §5.1), and
//! iteration counts that are too small (§5.1, RFC 7677 §4: the answer would help who wants to guess
//! the password) or so large that they only keep us busy: they cost the server nothing.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::super::no_answer;
use crate::failure::{Failure, Kind, Result};

/// Fewest iterations of PBKDF2 taken.
const FEWEST_ITERATIONS: u32 = 4_096;
/// Most iterations of PBKDF2 taken: twice what is recommended today, and up to two seconds.
const MOST_ITERATIONS: u32 = 3_000_000;
/// `server-first-message` (§7).
pub(super) struct Challenge<'m> {
    pub(super) nonce: &'m str,
    pub(super) salt: Vec<u8>,
    pub(super) iterations: NonZeroU32,
}

impl<'m> Challenge<'m> {
    /// # Errors
    /// `Protocol` when it must not be answered.
    pub(super) fn read(message: &'m [u8], ours: &str) -> Result<Self> {
        let text = std::str::from_utf8(message).map_err(|_| no_answer())?;
        // Behind these three there may be extensions, which may be ignored; one before them may not.
        let mut attributes = text.split(',');
        let mut value = |name: &str| attributes.next().and_then(|a| a.strip_prefix(name));
        let (nonce, salt, iterations) = (value("r="), value("s="), value("i="));
        let (Some(nonce), Some(salt), Some(iterations)) = (nonce, salt, iterations) else {
            return Err(no_answer());
        };
        if !nonce.starts_with(ours) || nonce.len() == ours.len() {
            return Err(Failure::new(
                Kind::Protocol,
                "the server's nonce does not continue ours",
            ));
        }
        let salt = BASE64.decode(salt).map_err(|_| no_answer())?;
        if salt.is_empty() {
            return Err(no_answer());
        }
        Ok(Self {
            nonce,
            salt,
            iterations: bounded(iterations)?,
        })
    }
}

/// An iteration count that neither helps an attacker nor stops us.
fn bounded(count: &str) -> Result<NonZeroU32> {
    if count.is_empty() || !count.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(no_answer());
    }
    let number = count.parse::<u32>().unwrap_or(u32::MAX);
    let range = FEWEST_ITERATIONS..=MOST_ITERATIONS;
    NonZeroU32::new(number)
        .filter(|_| range.contains(&number))
        .ok_or_else(|| {
            let (least, most) = (FEWEST_ITERATIONS, MOST_ITERATIONS);
            let text = if number < least {
                format!(
                    "the server asks for {number} iterations, which is weak: fewer than {least}"
                )
            } else {
                format!("the server asks for more than {most} iterations")
            };
            Failure::new(Kind::Protocol, text)
                .with_hint("the server's administrator must change that; until then: --auth PLAIN")
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(message: &str) -> Result<Challenge<'_>> {
        Challenge::read(message.as_bytes(), "ours")
    }

    #[test]
    fn salt_nonce_and_count_are_read_and_extensions_ignored() {
        let challenge = read("r=oursTHEIRS,s=c2FsdA==,i=4096,x=more").unwrap();
        assert_eq!(challenge.nonce, "oursTHEIRS");
        assert_eq!(challenge.salt, b"salt");
        assert_eq!(challenge.iterations.get(), 4096);
    }

    #[test]
    fn what_is_no_challenge_is_refused() {
        for bad in [
            "",
            "r=oursTHEIRS",
            "r=oursTHEIRS,s=c2FsdA==",
            "r=oursTHEIRS,s=,i=4096",
            "r=oursTHEIRS,s=~,i=4096",
            "s=c2FsdA==,r=oursTHEIRS,i=4096",
            "m=mandatory,r=oursTHEIRS,s=c2FsdA==,i=4096",
            "r=oursTHEIRS,s=c2FsdA==,i=",
            "r=oursTHEIRS,s=c2FsdA==,i=-1",
            "r=oursTHEIRS,s=c2FsdA==,i=4096x",
            "r=ours,s=c2FsdA==,i=4096",
            "r=other,s=c2FsdA==,i=4096",
            "r=Xours,s=c2FsdA==,i=4096",
        ] {
            assert_eq!(read(bad).err().unwrap().kind, Kind::Protocol, "{bad}");
        }
        assert!(Challenge::read(b"r=ours\xff,s=c2FsdA==,i=4096", "ours").is_err());
    }

    #[test]
    fn iteration_counts_have_bounds() {
        for good in ["4096", "10000", "3000000", "0004096"] {
            assert!(bounded(good).is_ok(), "{good}");
        }
        for weak in ["0", "1", "4095"] {
            assert!(
                bounded(weak).unwrap_err().message.contains("weak"),
                "{weak}"
            );
        }
        for costly in ["3000001", "4294967295", "99999999999999999999"] {
            assert!(
                bounded(costly).unwrap_err().message.contains("more than"),
                "{costly}"
            );
        }
    }
}
