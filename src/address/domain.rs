//! The part after the `@`: host names as A-labels, and address literals.
//!
//! Refuses what neither DNS nor RFC 5321 §4.1.2 knows: empty or over-long labels, characters
//! other than letters, digits, hyphens and the underscores that internal hosts have, bare IP
//! addresses. What IDNA maps to ASCII is judged after the mapping. RFC 5890, RFC 5321 §4.1.3.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::failure::{Failure, Kind, Result};

/// Octets of a host name without its root dot (RFC 1035 §2.3.4).
const NAME_MAX: usize = 253;
/// Octets of one label of it.
const LABEL_MAX: usize = 63;

/// A host name as lower-case A-labels: `Bücher.example` becomes `xn--bcher-kva.example`.
///
/// Takes no address literals and no trailing dot. An ASCII name is not looked at by IDNA, so a
/// label such as `xn--…` that is already encoded passes as it is.
///
/// # Errors
/// [`Kind::Message`] when it cannot be a host name. A caller that read it as a setting turns the
/// kind into its own.
pub fn domain_to_ascii(domain: &str) -> Result<String> {
    name(domain).map_err(|why| {
        Failure::new(
            Kind::Message,
            format!("\"{}\": {why}", super::excerpt(domain)),
        )
    })
}

/// An address literal in its one form: `[192.0.2.1]`, `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3).
///
/// # Errors
/// [`Kind::Message`] when it is none.
pub(crate) fn address_literal(text: &str) -> Result<String> {
    let inner = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    literal(inner.unwrap_or_default()).map_err(|why| {
        Failure::new(
            Kind::Message,
            format!("\"{}\": {why}", super::excerpt(text)),
        )
    })
}

/// The domain of an address in its one form, or why it is none.
pub(super) fn normalised(domain: &str) -> std::result::Result<String, String> {
    if domain.is_empty() {
        return Err("nothing stands after the @".into());
    }
    if let Some(inner) = domain.strip_prefix('[') {
        return literal(inner.strip_suffix(']').unwrap_or(inner));
    }
    let name = name(domain)?;
    // Asked of the mapped form: full-width digits are digits too.
    if name.parse::<Ipv4Addr>().is_ok() {
        return Err(format!("an IP address is written as [{name}]"));
    }
    Ok(name)
}

fn name(domain: &str) -> std::result::Result<String, String> {
    // Four octets a character at most: what is longer than this is too long in any form.
    if domain.len() > 4 * NAME_MAX {
        return Err(format!("the domain has more than {NAME_MAX} octets"));
    }
    let ascii = if domain.is_ascii() {
        domain.to_ascii_lowercase()
    } else {
        idna::domain_to_ascii_cow(domain.as_bytes(), idna::AsciiDenyList::URL)
            .map_err(|_| String::from("the domain is not a valid international name"))?
            .to_ascii_lowercase()
    };
    if ascii.len() > NAME_MAX {
        return Err(format!("the domain has more than {NAME_MAX} octets"));
    }
    for label in ascii.split('.') {
        if label.is_empty() {
            return Err("the domain has an empty label".into());
        }
        if label.len() > LABEL_MAX {
            return Err(format!(
                "a label of the domain has more than {LABEL_MAX} octets"
            ));
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err("a label of the domain starts or ends with a hyphen".into());
        }
        if let Some(c) = label
            .chars()
            .find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_'))
        {
            return Err(if c.is_control() {
                format!("control character {} in the domain", super::named(c))
            } else {
                format!("unexpected \"{c}\" in the domain")
            });
        }
    }
    Ok(ascii)
}

fn literal(inner: &str) -> std::result::Result<String, String> {
    let tagged = inner
        .get(..5)
        .filter(|tag| tag.eq_ignore_ascii_case("IPv6:"))
        .and_then(|_| inner.get(5..));
    match (tagged, inner.parse::<IpAddr>()) {
        (Some(address), _) => address
            .parse::<Ipv6Addr>()
            .map(|address| format!("[IPv6:{address}]"))
            .map_err(|_| "not a valid IPv6 address literal".into()),
        (None, Ok(IpAddr::V4(address))) => Ok(format!("[{address}]")),
        (None, Ok(IpAddr::V6(address))) => {
            Err(format!("an IPv6 address is written as [IPv6:{address}]"))
        }
        (None, Err(_)) => Err("not a valid address literal".into()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn host_names_become_lower_case_a_labels() {
        for (text, ascii) in [
            ("Mail.Example.COM", "mail.example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("straße.de", "xn--strae-oqa.de"),
            ("bücher。example", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(domain_to_ascii(text).unwrap(), ascii);
        }
    }

    #[test]
    fn what_maps_to_something_else_than_a_name_is_refused() {
        for text in [
            "ex＠ample.com",
            "a\u{2100}b.com",
            "exa\u{2028}mple.com",
            "a\u{0}b",
            "ü b.de",
            "a\rb",
            "mail.example.com.",
            "",
        ] {
            assert!(domain_to_ascii(text).is_err(), "{text:?}");
        }
    }
}
