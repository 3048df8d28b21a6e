//! What a signature covers of a header: which fields, how often, and in which order.
//!
//! Owns the table of their names. Leaves out those that come or change on the way (Received, Return-Path) and
//! those that never leave (Bcc). RFC 6376 §5.4, §8.15, RFC 8058 §4.

use super::super::header::{Field, Header};

/// Whether a signature also says that there is no further field of a name: its name stands in `h=` once
/// more than the field in the header, so that nobody can add one (RFC 6376 §8.15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sealed {
    /// Whether there is one or not: another one would change what is shown, and nobody on the way adds it.
    Always,
    /// Where there is one: relays add those that are missing.
    WhenThere,
    /// Never: others on the way add theirs, as mailing lists do.
    Never,
}

/// The fields that are signed, where they are in a message.
#[rustfmt::skip]
const SIGNED: [(&str, Sealed); 38] = [
    ("From", Sealed::Always),
    ("Reply-To", Sealed::Always),
    ("To", Sealed::Always),
    ("Cc", Sealed::Always),
    ("Subject", Sealed::Always),
    ("Content-Type", Sealed::Always),
    ("Content-Transfer-Encoding", Sealed::Always),
    ("MIME-Version", Sealed::WhenThere),
    ("Date", Sealed::WhenThere),
    ("Message-ID", Sealed::WhenThere),
    ("In-Reply-To", Sealed::WhenThere),
    ("References", Sealed::WhenThere),
    ("Content-Disposition", Sealed::WhenThere),
    ("Content-ID", Sealed::WhenThere),
    ("Content-Description", Sealed::WhenThere),
    ("Content-Language", Sealed::WhenThere),
    ("Autocrypt", Sealed::WhenThere),
    ("Sender", Sealed::Never),
    ("Auto-Submitted", Sealed::Never),
    ("Precedence", Sealed::Never),
    ("Importance", Sealed::Never),
    ("Priority", Sealed::Never),
    ("X-Priority", Sealed::Never),
    ("Resent-From", Sealed::Never),
    ("Resent-Sender", Sealed::Never),
    ("Resent-To", Sealed::Never),
    ("Resent-Cc", Sealed::Never),
    ("Resent-Date", Sealed::Never),
    ("Resent-Message-ID", Sealed::Never),
    // Without these two in it a one-click button is not shown (RFC 8058 §4).
    ("List-Unsubscribe", Sealed::Never),
    ("List-Unsubscribe-Post", Sealed::Never),
    ("List-Id", Sealed::Never),
    ("List-Help", Sealed::Never),
    ("List-Subscribe", Sealed::Never),
    ("List-Post", Sealed::Never),
    ("List-Owner", Sealed::Never),
    ("List-Archive", Sealed::Never),
    ("Feedback-ID", Sealed::Never),
];

/// The names for `h=`, and the fields that are signed, in the order of their names. Of several with one name
/// the last comes first (RFC 6376 §5.4.2).
pub(super) fn signed_fields(header: &Header) -> (Vec<&'static str>, Vec<&Field>) {
    let (mut names, mut fields) = (Vec::new(), Vec::new());
    for (name, sealed) in SIGNED {
        let mut there: Vec<&Field> = header.named(name).collect();
        there.reverse();
        let is_sealed = match sealed {
            Sealed::Always => true,
            Sealed::WhenThere => !there.is_empty(),
            Sealed::Never => false,
        };
        let count = there.len() + usize::from(is_sealed);
        names.extend(std::iter::repeat_n(name, count));
        fields.extend(there);
    }
    (names, fields)
}
