//! In which order the servers of a domain are tried (RFC 2782, RFC 6186 §3.4, RFC 8314).
//!
//! A lower priority first, whichever of the two services it was published for: the priority is the
//! domain's own word (RFC 6186 §3.4 compares it across services that serve the same end). Of one
//! priority implicit TLS comes first, as RFC 8314 §3 prefers it; the project's own order is for servers
//! of which nothing is published. Of one priority and service, chance decides by weight.

use super::question::Srv;
use crate::route::policy::Security;

/// The two services under which submission is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Service {
    /// With TLS from the first byte (RFC 8314 §5.1).
    Submissions,
    /// With STARTTLS (RFC 6186 §3.1).
    Submission,
}

impl Service {
    pub(super) const ALL: [Self; 2] = [Self::Submissions, Self::Submission];

    /// The labels before the domain.
    pub(super) const fn labels(self) -> &'static str {
        match self {
            Self::Submissions => "_submissions._tcp",
            Self::Submission => "_submission._tcp",
        }
    }

    /// What its servers demand; RFC 8314 §5.1 has a client leave servers without TLS alone.
    pub(super) const fn security(self) -> Security {
        match self {
            Self::Submissions => Security::Implicit,
            Self::Submission => Security::StartTls,
        }
    }
}

/// Puts the records in order; `chance(most)` is a number from 0 to `most`.
pub(super) fn in_order(
    mut records: Vec<(Service, Srv)>,
    mut chance: impl FnMut(u32) -> u32,
) -> Vec<(Service, Srv)> {
    // Those of weight 0 first within their group, as the algorithm of RFC 2782 wants it.
    records.sort_by_key(|(service, srv)| (srv.priority, *service, srv.weight != 0));
    let mut ordered = Vec::with_capacity(records.len());
    for group in records.chunk_by(|(one, a), (other, b)| (a.priority, one) == (b.priority, other)) {
        let mut left = group.to_vec();
        while !left.is_empty() {
            let total = left.iter().map(|(_, srv)| u32::from(srv.weight)).sum();
            let drawn = chance(total);
            let mut sum = 0;
            let place = left.iter().position(|(_, srv)| {
                sum += u32::from(srv.weight);
                sum >= drawn
            });
            ordered.push(left.remove(place.unwrap_or_default()));
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::Service::{Submission, Submissions};
    use super::*;

    fn srv(priority: u16, weight: u16, target: &str) -> Srv {
        Srv {
            priority,
            weight,
            port: 587,
            target: target.to_owned(),
        }
    }

    fn order(records: Vec<(Service, Srv)>, chance: impl FnMut(u32) -> u32) -> Vec<String> {
        in_order(records, chance)
            .into_iter()
            .map(|(_, srv)| srv.target)
            .collect()
    }

    #[test]
    fn the_published_priority_decides_before_the_service() {
        let records = vec![
            (Submission, srv(20, 0, "c")),
            (Submissions, srv(10, 0, "b")),
            (Submission, srv(5, 0, "a")),
        ];
        assert_eq!(order(records, |_| 0), ["a", "b", "c"]);
    }

    #[test]
    fn of_one_priority_implicit_tls_comes_first() {
        let records = vec![
            (Submission, srv(0, 9, "starttls")),
            (Submissions, srv(0, 1, "implicit")),
        ];
        assert_eq!(order(records, |most| most), ["implicit", "starttls"]);
    }

    #[test]
    fn weight_decides_within_one_priority() {
        let records = vec![
            (Submission, srv(0, 10, "small")),
            (Submission, srv(0, 90, "large")),
            (Submission, srv(0, 0, "last")),
        ];
        // Sums are 0 (last), 10 (small), 100 (large).
        let drawing = |drawn: u32| order(records.clone(), move |most| drawn.min(most));
        assert_eq!(drawing(0), ["last", "small", "large"]);
        assert_eq!(drawing(10)[0], "small");
        assert_eq!(drawing(11)[0], "large");
        assert_eq!(drawing(100)[0], "large");
    }

    #[test]
    fn no_total_is_too_large() {
        let records = vec![(Submission, srv(0, u16::MAX, "x")); 5_000];
        assert_eq!(order(records, |most| most).len(), 5_000);
    }
}
