//! CRAM-MD5 (RFC 2195): a digest of the server's challenge, keyed with the password.
//!
//! HMAC (RFC 2104) over MD5, which ring does not offer. The password goes in as it is: the RFC is
//! older than any preparation of it. Refuses an empty challenge, whose digest would fit any other.

use zeroize::Zeroizing;

use super::{Mechanism, MechanismName, no_answer, unfounded};
use crate::failure::Result;
use crate::secret::Secret;

/// The block of MD5, in octets.
const BLOCK: usize = 64;

pub(super) struct CramMd5 {
    user: String,
    password: Secret,
    digest: Option<Secret>,
}

impl CramMd5 {
    pub(super) fn new(user: &str, password: &Secret) -> Self {
        Self {
            user: user.to_owned(),
            password: password.clone(),
            digest: None,
        }
    }
}

impl Mechanism for CramMd5 {
    fn name(&self) -> MechanismName {
        MechanismName::CramMd5
    }

    fn initial_response(&mut self) -> Option<Secret> {
        None
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<Secret> {
        if challenge.is_empty() || self.digest.is_some() {
            return Err(no_answer());
        }
        let digest = format!("{:x}", hmac_md5(self.password.expose(), challenge));
        let response = format!("{} {digest}", self.user);
        self.digest = Some(Secret::new(digest.into_bytes()));
        Ok(Secret::new(response.into_bytes()))
    }

    fn confirm(&self) -> Result<()> {
        self.digest.as_ref().map(|_| ()).ok_or_else(unfounded)
    }

    fn secrets(&self) -> Vec<Secret> {
        self.digest.iter().cloned().collect()
    }
}

fn hmac_md5(key: &[u8], message: &[u8]) -> md5::Digest {
    let mut block = Zeroizing::new([0; BLOCK]);
    if key.len() > BLOCK {
        block[..16].copy_from_slice(&md5::compute(key).0);
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let padded = |pad: u8| Zeroizing::new(block.map(|octet| octet ^ pad));
    let mut inner = md5::Context::new();
    inner.consume(padded(0x36).as_slice());
    inner.consume(message);
    let mut outer = md5::Context::new();
    outer.consume(padded(0x5c).as_slice());
    outer.consume(inner.finalize().0);
    outer.finalize()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn cram(password: &[u8]) -> CramMd5 {
        CramMd5::new("tim", &Secret::new(password.to_vec()))
    }

    #[test]
    fn the_example_of_rfc_2195() {
        let mut cram = cram(b"tanstaaftanstaaf");
        assert!(cram.initial_response().is_none());
        let challenge = b"<1896.697170952@postoffice.reston.mci.net>";
        let response = cram.respond(challenge).unwrap();
        assert_eq!(response.expose(), b"tim b913a602c7eda7a495b4e6e7334d3890");
        assert_eq!(
            cram.secrets()[0].expose(),
            b"b913a602c7eda7a495b4e6e7334d3890"
        );
        assert!(cram.respond(challenge).is_err());
    }

    #[test]
    fn a_key_longer_than_a_block_is_hashed_first() {
        // RFC 2202 §2, test case 6.
        let digest = hmac_md5(
            &[0xaa; 80],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
        );
        assert_eq!(format!("{digest:x}"), "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
    }

    #[test]
    fn an_empty_challenge_has_no_answer() {
        assert!(cram(b"secret").respond(b"").is_err());
    }
}
