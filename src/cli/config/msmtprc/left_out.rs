//! What of msmtp is not taken over, and what to do instead.
//!
//! A command is told of only where it asks for something else than happens anyway.

/// Commands that are not taken over, the values with which nothing is lost, and what to say.
pub(super) const LEFT_OUT: [(&str, &[&str], &str); 13] = [
    (
        "tls_certcheck",
        &["", "on"],
        "certificates are always checked; trust your own server with ca-file or tls-pin",
    ),
    (
        "tls_crl_file",
        &[""],
        "lists of revoked certificates are not read",
    ),
    (
        "tls_priorities",
        &[""],
        "there are no priority strings; tls-min sets the lowest version",
    ),
    (
        "tls_min_dh_prime_bits",
        &[""],
        "such key exchanges are not used at all",
    ),
    ("ntlmdomain", &[""], "NTLM is not used"),
    (
        "auto_from",
        &["off"],
        "without from the sender is user@host; set from",
    ),
    (
        "maildomain",
        &[""],
        "without from the sender is user@host; set from",
    ),
    (
        "set_from_header",
        &["", "auto"],
        "From is added where it is missing; to replace one use -H",
    ),
    (
        "set_date_header",
        &["", "auto"],
        "Date is added where it is missing",
    ),
    (
        "set_msgid_header",
        &["", "auto"],
        "Message-ID is added where it is missing",
    ),
    (
        "set_to_header",
        &["off"],
        "To and Cc stay as they are; name recipients with --bcc",
    ),
    (
        "remove_bcc_headers",
        &["", "on"],
        "Bcc never leaves the machine",
    ),
    (
        "logfile_time_format",
        &[""],
        "the log has the time by RFC 3339, in UTC",
    ),
];
