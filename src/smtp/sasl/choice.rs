//! Which mechanism is used: the one that was named, or the strongest that both ends know.
//!
//! Refuses to put another in the place of one that was named. By itself it is bound to the connection
//! only by what every server that offers -PLUS has to know, because a refusal is final: no second
//! mechanism is tried (RFC 6409 §4.3).

use super::Mechanism;
use super::binding::Binding;
use super::cram_md5::CramMd5;
use super::credentials::{Credentials, Proof};
use super::external::External;
use super::name::{AuthChoice, MechanismName, listed};
use super::oauth::Oauth;
use super::password::{Login, Plain};
use super::scram::{self, Bound, Scram};
use crate::failure::{Failure, Kind, Result};

/// Picks the mechanism. `binding` is what the connection can be known by.
///
/// # Errors
/// `Auth` when the server offers none that the choice allows; `Config` when the one that was named
/// takes another proof than there is.
pub(crate) fn choose(
    choice: AuthChoice,
    offered: &[String],
    credentials: &Credentials,
    binding: Option<Binding>,
) -> Result<Box<dyn Mechanism>> {
    let offers = |name: MechanismName| offered.iter().any(|offer| offer == name.as_str());
    let picked = match choice {
        AuthChoice::Only(name) => Some(name).filter(|&name| offers(name)),
        // A binding the server need not know is no reason to be refused.
        AuthChoice::Auto | AuthChoice::Never => {
            let bindable = binding.as_ref().is_some_and(Binding::is_default);
            let mut fitting = credentials.mechanisms().iter().copied();
            fitting.find(|&name| offers(name) && (bindable || !name.is_bound()))
        }
    };
    let name = picked.ok_or_else(|| none_offered(choice, offered, credentials))?;
    let bound = match binding {
        Some(binding) if name.is_bound() => Bound::To(binding),
        None if name.is_bound() => {
            return Err(Failure::new(
                Kind::Auth,
                format!("AUTH {name}: this connection has nothing it could be bound to"),
            ));
        }
        // Said where -PLUS was offered, it would be a sign of somebody on the line (RFC 5802 §6).
        Some(_) if !offered.iter().any(|offer| offer.ends_with("-PLUS")) => Bound::NotOffered,
        _ => Bound::No,
    };
    build(name, credentials, bound)
}

fn build(
    name: MechanismName,
    credentials: &Credentials,
    bound: Bound,
) -> Result<Box<dyn Mechanism>> {
    let user = credentials.user();
    Ok(match (name, &credentials.proof) {
        (
            MechanismName::ScramSha256Plus
            | MechanismName::ScramSha1Plus
            | MechanismName::ScramSha256
            | MechanismName::ScramSha1,
            Proof::Password(password),
        ) => Box::new(Scram::new(name, user, password, bound, scram::nonce()?)),
        (MechanismName::CramMd5, Proof::Password(password)) => {
            Box::new(CramMd5::new(user, password))
        }
        (MechanismName::Plain, Proof::Password(password)) => Box::new(Plain {
            user: user.to_owned(),
            password: password.clone(),
        }),
        (MechanismName::Login, Proof::Password(password)) => Box::new(Login::new(user, password)),
        (MechanismName::OauthBearer | MechanismName::Xoauth2, Proof::Token(token)) => {
            Box::new(Oauth::new(name, user, token))
        }
        (MechanismName::External, Proof::Certificate) => Box::new(External {
            user: user.to_owned(),
        }),
        (_, proof) => {
            let proof = proof_name(proof);
            return Err(
                Failure::new(Kind::Config, format!("AUTH {name} does not take {proof}")).with_hint(
                    format!("{proof} goes with {}", listed(credentials.mechanisms())),
                ),
            );
        }
    })
}

fn none_offered(choice: AuthChoice, offered: &[String], credentials: &Credentials) -> Failure {
    let wanted = match choice {
        AuthChoice::Only(name) => format!("AUTH {name}"),
        AuthChoice::Auto | AuthChoice::Never => "AUTH".to_owned(),
    };
    if offered.is_empty() {
        return Failure::new(Kind::Auth, format!("{wanted} not offered although a user is given"))
            .with_hint("this port may not be for submission; without a user (or with --auth none) nothing is authenticated");
    }
    let proof = proof_name(&credentials.proof);
    Failure::new(
        Kind::Auth,
        format!("{wanted}: the server offers {} only", offered.join(", ")),
    )
    .with_hint(format!(
        "with {proof} smtpsend can use {}",
        listed(credentials.mechanisms())
    ))
}

fn proof_name(proof: &Proof) -> &'static str {
    match proof {
        Proof::Password(_) => "a password",
        Proof::Token(_) => "a token",
        Proof::Certificate => "a client certificate",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn secret() -> Secret {
        Secret::new(b"secret".to_vec())
    }

    fn password() -> Credentials {
        Credentials::new("bench", secret()).unwrap()
    }

    fn token() -> Credentials {
        Credentials::token("bench", secret(), None).unwrap()
    }

    fn certificate() -> Credentials {
        Credentials::certificate(None).unwrap()
    }

    fn binding(name: &'static str) -> Option<Binding> {
        let data = b"data".to_vec();
        Some(Binding { name, data })
    }

    fn pick(
        choice: &str,
        offered: &str,
        credentials: &Credentials,
        binding: Option<Binding>,
    ) -> Result<Box<dyn Mechanism>> {
        let offered: Vec<String> = offered.split(' ').map(str::to_owned).collect();
        choose(choice.parse().unwrap(), &offered, credentials, binding)
    }

    fn auto(offered: &str, credentials: &Credentials) -> &'static str {
        let picked = pick("auto", offered, credentials, binding("tls-exporter"));
        picked.unwrap().name().as_str()
    }

    #[test]
    fn the_strongest_that_is_offered_is_taken() {
        let mut offered =
            "LOGIN PLAIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS"
                .to_owned();
        while let Some((rest, strongest)) = offered.clone().rsplit_once(' ') {
            assert_eq!(auto(&offered, &password()), strongest);
            offered = rest.to_owned();
        }
        assert_eq!(auto(&offered, &password()), "LOGIN");
        assert_eq!(auto("XOAUTH2 PLAIN OAUTHBEARER", &token()), "OAUTHBEARER");
        assert_eq!(auto("XOAUTH2 PLAIN", &token()), "XOAUTH2");
        assert_eq!(auto("PLAIN EXTERNAL", &certificate()), "EXTERNAL");
    }

    #[test]
    fn credentials_are_not_used_for_what_they_do_not_fit() {
        for (offered, credentials) in [
            ("EXTERNAL XOAUTH2 OAUTHBEARER", password()),
            ("PLAIN EXTERNAL", token()),
            ("PLAIN XOAUTH2", certificate()),
        ] {
            let failure = pick("auto", offered, &credentials, None).err().unwrap();
            assert_eq!(failure.kind, Kind::Auth);
        }
        let failure = pick("XOAUTH2", "XOAUTH2", &password(), None).err().unwrap();
        assert_eq!(failure.kind, Kind::Config);
        assert_eq!(failure.message, "AUTH XOAUTH2 does not take a password");
    }

    #[test]
    fn a_named_mechanism_is_never_replaced() {
        for name in MechanismName::ALL {
            let failure = pick(name.as_str(), "NTLM", &password(), None)
                .err()
                .unwrap();
            assert_eq!(failure.kind, Kind::Auth);
        }
        let all = listed(&MechanismName::ALL).replace(", ", " ");
        for name in password().mechanisms() {
            let binding = binding("tls-server-end-point");
            let picked = pick(name.as_str(), &all, &password(), binding).unwrap();
            assert_eq!(picked.name(), *name);
        }
    }

    /// What the first message says of channel binding.
    fn flag(choice: &str, offered: &str, binding: Option<Binding>) -> String {
        let mut picked = pick(choice, offered, &password(), binding).unwrap();
        let first = picked.initial_response().unwrap();
        let first = String::from_utf8(first.expose().to_vec()).unwrap();
        first.split(',').next().unwrap().to_owned()
    }

    #[test]
    fn the_flag_tells_what_both_ends_can_do() {
        let both = "SCRAM-SHA-256 SCRAM-SHA-256-PLUS";
        let exporter = || binding("tls-exporter");
        let end_point = || binding("tls-server-end-point");
        assert_eq!(flag("auto", both, exporter()), "p=tls-exporter");
        assert_eq!(flag("auto", "SCRAM-SHA-256", exporter()), "y");
        assert_eq!(flag("auto", "SCRAM-SHA-256", end_point()), "y");
        assert_eq!(flag("auto", "SCRAM-SHA-256", None), "n");
        assert_eq!(flag("SCRAM-SHA-256", both, exporter()), "n");
        assert_eq!(
            flag("SCRAM-SHA-256-PLUS", both, end_point()),
            "p=tls-server-end-point"
        );
    }

    #[test]
    fn a_binding_the_server_may_not_know_is_used_only_when_named() {
        let both = "SCRAM-SHA-256 SCRAM-SHA-256-PLUS";
        assert_eq!(flag("auto", both, binding("tls-server-end-point")), "n");
    }

    #[test]
    fn there_is_no_plus_without_something_to_be_bound_to() {
        let offered = "SCRAM-SHA-256-PLUS";
        for choice in ["auto", offered] {
            let failure = pick(choice, offered, &password(), None).err().unwrap();
            assert_eq!(failure.kind, Kind::Auth);
        }
    }

    #[test]
    fn only_what_ends_in_one_round_may_lead_a_group() {
        let all = listed(&MechanismName::ALL).replace(", ", " ");
        for credentials in [password(), token(), certificate()] {
            for name in credentials.mechanisms() {
                let picked = pick(name.as_str(), &all, &credentials, binding("tls-exporter"));
                let leads = matches!(name, MechanismName::Plain | MechanismName::External);
                assert_eq!(picked.unwrap().ends_in_one_round(), leads, "{name}");
            }
        }
    }
}
