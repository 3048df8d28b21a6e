//! What a refusal means: its cause, and the next step to take.
//!
//! The causes are rows of one table (`table`), read from the top; the first row that fits is used, and the
//! table stands in the order of what its rows name, so that the most specific one is the first. A hint is
//! given only where the cause is known well enough to be worth a user's time; what is likely only is said
//! with "may". It never repeats the reply. Failures without a reply carry the hint of whoever makes them.

mod table;

use self::table::ROWS;
use super::dialogue::Stage;
use super::reply::{Enhanced, Reply};
use super::sasl::MechanismName;
use crate::failure::{Failure, Kind};
use crate::route::Host;
use crate::route::providers::{Provider, provider_of_host};

/// What is known of a session beside the reply.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Circumstances {
    provider: Option<&'static Provider>,
    /// The server offers AUTH, and nobody was named to it.
    stranger: bool,
}

impl Circumstances {
    /// Those of a session with this host.
    pub(crate) fn at(host: &Host) -> Self {
        Self {
            provider: provider_of_host(host),
            stranger: false,
        }
    }

    /// The same where the server offers AUTH, and nobody is named to it.
    pub(crate) fn as_stranger(self) -> Self {
        Self {
            stranger: true,
            ..self
        }
    }
}

/// The failure that a reply means which is not the one due. `permanent` is the kind of a 5yz.
pub(crate) fn unexpected(
    circumstances: Circumstances,
    stage: &Stage,
    reply: &Reply,
    permanent: Kind,
) -> Failure {
    let kind = match reply.code / 100 {
        4 => Kind::Temporary,
        5 => permanent,
        _ => Kind::Protocol,
    };
    let note = if kind == Kind::Protocol {
        " (not a reply that may come here)"
    } else {
        ""
    };
    let failure = Failure::new(kind, format!("{stage}: {reply}{note}"));
    let refusal = Refusal::new(circumstances, stage, reply, kind);
    match ROWS.iter().find(|row| row.fits(&refusal)) {
        Some(row) => failure.with_hint(row.hint(circumstances.provider)),
        None => failure,
    }
}

/// What was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Greeting,
    Ehlo,
    StartTls,
    /// AUTH by a password that is said as it is.
    Password,
    /// AUTH by what was computed from a password.
    Digest,
    /// AUTH by an OAuth 2 token.
    Token,
    /// AUTH by the client certificate.
    Certificate,
    Mail,
    Rcpt,
    /// VRFY or EXPN.
    Ask,
    Data,
    Message,
}

impl Phase {
    fn of(stage: &Stage) -> Option<Self> {
        Some(match stage {
            Stage::Greeting => Self::Greeting,
            Stage::Ehlo => Self::Ehlo,
            Stage::StartTls => Self::StartTls,
            Stage::Auth(MechanismName::Plain | MechanismName::Login) => Self::Password,
            Stage::Auth(MechanismName::OauthBearer | MechanismName::Xoauth2) => Self::Token,
            Stage::Auth(MechanismName::External) => Self::Certificate,
            Stage::Auth(_) => Self::Digest,
            Stage::Mail(_) => Self::Mail,
            Stage::Rcpt(_) => Self::Rcpt,
            Stage::Ask(..) => Self::Ask,
            Stage::Data => Self::Data,
            Stage::Body | Stage::FinalDot => Self::Message,
            Stage::Handshake | Stage::Reset => return None,
        })
    }
}

/// A refusal, in the terms of the table.
struct Refusal {
    phase: Option<Phase>,
    code: u16,
    /// Subject and detail of the enhanced code; its class is that of the code.
    enhanced: Option<(u16, u16)>,
    provider: Option<&'static Provider>,
    stranger: bool,
    /// In lower case.
    text: String,
}

impl Refusal {
    fn new(circumstances: Circumstances, stage: &Stage, reply: &Reply, kind: Kind) -> Self {
        let enhanced = reply.enhanced;
        Self {
            phase: Phase::of(stage),
            code: reply.code,
            enhanced: enhanced.map(|Enhanced(_, subject, detail)| (subject, detail)),
            provider: circumstances.provider,
            // Whoever is unknown stays unknown, whoever asks.
            stranger: circumstances.stranger && kind == Kind::Refused,
            text: reply.text().to_lowercase(),
        }
    }
}

/// Which servers a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Anybodys,
    /// That of the provider of this name.
    Of(&'static str),
    /// That of any provider in the table of providers.
    AnyProviders,
}

/// Which codes a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codes {
    Any,
    /// 4yz or 5yz, by the first digit.
    Class(u16),
    These(&'static [u16]),
}

/// One cause: all that it names has to be so.
#[derive(Debug)]
struct Row {
    /// One of these; of none where it does not matter.
    phases: &'static [Phase],
    codes: Codes,
    /// One of these subjects and details; none where it does not matter.
    enhanced: &'static [(u16, u16)],
    whose: Whose,
    /// One of these stands in the reply, in lower case; only where the codes cannot tell.
    says: &'static [&'static str],
    stranger: bool,
    advice: Advice,
}

/// What a row says.
#[derive(Debug)]
enum Advice {
    /// The cause, and what to do.
    Words(&'static str, &'static str),
    /// What the table of providers says.
    OfProvider,
}

impl Row {
    const fn new(cause: &'static str, step: &'static str) -> Self {
        Self {
            phases: &[],
            codes: Codes::Any,
            enhanced: &[],
            whose: Whose::Anybodys,
            says: &[],
            stranger: false,
            advice: Advice::Words(cause, step),
        }
    }

    const fn of_provider() -> Self {
        Self {
            whose: Whose::AnyProviders,
            advice: Advice::OfProvider,
            ..Self::new("", "")
        }
    }

    const fn at(self, phases: &'static [Phase]) -> Self {
        Self { phases, ..self }
    }

    const fn class(self, digit: u16) -> Self {
        Self {
            codes: Codes::Class(digit),
            ..self
        }
    }

    const fn codes(self, codes: &'static [u16]) -> Self {
        Self {
            codes: Codes::These(codes),
            ..self
        }
    }

    const fn enhanced(self, enhanced: &'static [(u16, u16)]) -> Self {
        Self { enhanced, ..self }
    }

    const fn by(self, provider: &'static str) -> Self {
        Self {
            whose: Whose::Of(provider),
            ..self
        }
    }

    const fn says(self, says: &'static [&'static str]) -> Self {
        Self { says, ..self }
    }

    const fn for_strangers(self) -> Self {
        Self {
            stranger: true,
            ..self
        }
    }

    fn fits(&self, refusal: &Refusal) -> bool {
        let phase = || {
            refusal
                .phase
                .is_some_and(|phase| self.phases.contains(&phase))
        };
        let enhanced = || {
            refusal
                .enhanced
                .is_some_and(|code| self.enhanced.contains(&code))
        };
        let said = |words: &&str| refusal.text.contains(words);
        (self.phases.is_empty() || phase())
            && match self.codes {
                Codes::Any => true,
                Codes::Class(digit) => refusal.code / 100 == digit,
                Codes::These(codes) => codes.contains(&refusal.code),
            }
            && (self.enhanced.is_empty() || enhanced())
            && match self.whose {
                Whose::Anybodys => true,
                Whose::Of(name) => refusal.provider.is_some_and(|known| known.name == name),
                Whose::AnyProviders => refusal.provider.is_some(),
            }
            && (self.says.is_empty() || self.says.iter().any(said))
            && (!self.stranger || refusal.stranger)
    }

    fn hint(&self, provider: Option<&Provider>) -> String {
        match (&self.advice, provider) {
            (Advice::Words(cause, step), _) => format!("{cause}: {step}"),
            (Advice::OfProvider, Some(provider)) => {
                format!("{}: {}", provider.name, provider.advice)
            }
            (Advice::OfProvider, None) => String::new(),
        }
    }
}

/// All texts there are, for whoever checks what they name.
#[cfg(test)]
pub(crate) fn all_hints() -> Vec<String> {
    ROWS.iter().map(|row| row.hint(None)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
