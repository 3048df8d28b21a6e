//! Whether and how to log in, by the plan and what the server offers.
//!
//! Owns the rule that credentials leave only over TLS, or where the plan says that they may without
//! (RFC 4954 §4). The exchange itself is `smtp::auth`.

use crate::failure::{Failure, Kind, Result};
use crate::plan::Plan;
use crate::smtp::auth::Protected;
use crate::smtp::sasl::{self, Mechanism};
use crate::smtp::session::Session;

/// Whether the plan can be carried out as far as it alone decides.
///
/// # Errors
/// `Auth` when there are credentials, and a rung on which they must not be sent.
pub(super) fn allowed(plan: &Plan) -> Result<()> {
    let wanted = plan.effective_credentials().is_some();
    if wanted && plan.has_clear_rung() && plan.cleartext_auth.is_none() {
        return Err(not_in_clear());
    }
    Ok(())
}

/// The mechanism, and the right to use it; nothing where nobody is to log in.
///
/// # Errors
/// `Auth` when the server offers no mechanism that may be used, or TLS is lacking.
pub(super) fn means(
    plan: &Plan,
    session: &Session<'_>,
) -> Result<Option<(Box<dyn Mechanism>, Protected)>> {
    let Some(credentials) = plan.effective_credentials() else {
        return Ok(None);
    };
    let (offered, binding) = (&session.capabilities.auth, session.binding());
    let mechanism = sasl::choose(plan.auth, offered, credentials, binding)?;
    let right = session
        .protection()
        .or_else(|| plan.cleartext_auth.map(Protected::from))
        .ok_or_else(not_in_clear)?;
    Ok(Some((mechanism, right)))
}

/// Logs in, and waits for the server's word on it; gives the mechanism's name, or nothing where
/// nobody is to log in.
///
/// # Errors
/// As [`means`]; what the server says against it.
pub(super) fn log_in(plan: &Plan, session: &mut Session<'_>) -> Result<Option<&'static str>> {
    if let Some((mut mechanism, right)) = means(plan, session)? {
        session.authenticate(mechanism.as_mut(), right)?;
    }
    Ok(session.authenticated)
}

fn not_in_clear() -> Failure {
    Failure::new(Kind::Auth, "credentials are not sent without TLS").with_hint(
        "leave out --tls none; or send as nobody (--auth none); or, where nobody can listen, add --allow-cleartext-auth",
    )
}
