//! One question to a DNS server as octets, and which octets are a reply to it.
//!
//! The one place that knows the format of DNS messages (RFC 1035 §4, EDNS0: RFC 6891), by way of
//! `simple_dns`. Refuses what another could have sent: a wrong id, another question, and over UDP
//! letters in another case than ours. What leaves here are plain values, names in lower case.

use std::io;

use simple_dns::rdata::{OPT, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, RCODE, TYPE, header_buffer};

/// What a UDP reply may measure: what passes everywhere in one piece (RFC 9715 §3.1 advises no
/// more than 1400 octets, the DNS flag day of 2020 set 1232).
const UDP_OCTETS: u16 = 1232;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Where a service is (RFC 2782).
    Srv,
    /// Who takes mail for a domain (RFC 1035 §3.3.9).
    Mx,
}

/// One question, ready to be sent once.
pub(super) struct Question {
    id: u16,
    /// In letters of random case: a forger has to guess them too.
    name: String,
    asked: Asked,
}

/// How a reply came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// Anybody may have sent it.
    Udp,
    /// Nobody but the server, or who sits on the way to it.
    Tcp,
}

/// What octets from a server are.
#[derive(Debug)]
pub(super) enum Reading {
    /// Nothing that answers the question.
    Stray,
    /// An answer that did not fit, or that may be forged: TCP will tell.
    AskByTcp,
    /// The answer.
    Reply(Reply),
}

/// What a server said.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) verdict: Verdict,
    pub(super) records: Vec<Record>,
}

/// The server's own judgement (RCODE, RFC 1035 §4.1.1).
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The name exists, perhaps without such records.
    Exists,
    /// No such name (NXDOMAIN).
    NoName,
    /// The server does not understand the question; it may be too old for EDNS.
    NotUnderstood,
    /// The server does not tell: in words, why.
    Failed(String),
}

/// A record of the answer: whose, and what.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) owner: String,
    pub(super) data: Data,
}

/// The records that matter here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Data {
    Alias(String),
    Srv(Srv),
    Mx(Mx),
}

/// Where a service is (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Srv {
    pub(super) priority: u16,
    pub(super) weight: u16,
    pub(super) port: u16,
    /// Empty for the root, which means that there is no such service.
    pub(super) target: String,
}

/// Who takes mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mx {
    pub(super) preference: u16,
    pub(super) exchange: String,
}

impl Question {
    /// # Errors
    /// When the system has no random numbers: a question that can be foreseen is not asked.
    pub(super) fn new(name: &str, asked: Asked) -> io::Result<Self> {
        let mut chance = vec![0; 2 + name.len()];
        getrandom::fill(&mut chance).map_err(|_| io::Error::other("no random numbers"))?;
        let (id, cases) = chance.split_at(2);
        let name = name.chars().zip(cases).map(|(letter, case)| {
            if case % 2 == 0 {
                letter.to_ascii_lowercase()
            } else {
                letter.to_ascii_uppercase()
            }
        });
        Ok(Self {
            id: u16::from_be_bytes([id[0], id[1]]),
            name: name.collect(),
            asked,
        })
    }

    /// As it is sent; `None` when the name is too long to exist.
    pub(super) fn octets(&self, edns: bool) -> Option<Vec<u8>> {
        let mut packet = Packet::new_query(self.id);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        packet.questions.push(simple_dns::Question::new(
            Name::new(&self.name).ok()?,
            self.qtype(),
            QCLASS::CLASS(CLASS::IN),
            false,
        ));
        if edns {
            *packet.opt_mut() = Some(OPT {
                opt_codes: Vec::new(),
                udp_packet_size: UDP_OCTETS,
                version: 0,
            });
        }
        packet.build_bytes_vec().ok()
    }

    /// What octets from the server mean to this question.
    pub(super) fn read(&self, octets: &[u8], over: Over) -> Reading {
        let ours = header_buffer::id(octets) == Ok(self.id)
            && header_buffer::has_flags(octets, PacketFlag::RESPONSE) == Ok(true);
        if !ours {
            return Reading::Stray;
        }
        // Before it is read: what was cut may have been cut anywhere.
        let cut = header_buffer::has_flags(octets, PacketFlag::TRUNCATION) == Ok(true);
        if cut && over == Over::Udp {
            return Reading::AskByTcp;
        }
        let Ok(packet) = Packet::parse(octets) else {
            return Reading::Stray;
        };
        let verdict = verdict(packet.rcode());
        match packet.questions.as_slice() {
            // A server that refuses may leave the question out.
            [] if !matches!(verdict, Verdict::Exists | Verdict::NoName) => {}
            [asked] if asked.qtype == self.qtype() && asked.qclass == QCLASS::CLASS(CLASS::IN) => {
                let name = asked.qname.to_string();
                if !name.eq_ignore_ascii_case(&self.name) {
                    return Reading::Stray;
                }
                // Some forwarders write names anew; so this is not ignored, but asked again.
                if name != self.name && over == Over::Udp {
                    return Reading::AskByTcp;
                }
            }
            _ => return Reading::Stray,
        }
        Reading::Reply(Reply {
            verdict,
            records: packet.answers.iter().filter_map(record).collect(),
        })
    }

    fn qtype(&self) -> QTYPE {
        QTYPE::TYPE(match self.asked {
            Asked::Srv => TYPE::SRV,
            Asked::Mx => TYPE::MX,
        })
    }
}

fn verdict(code: RCODE) -> Verdict {
    match code {
        RCODE::NoError => Verdict::Exists,
        RCODE::NameError => Verdict::NoName,
        RCODE::FormatError | RCODE::NotImplemented | RCODE::BADVERS => Verdict::NotUnderstood,
        RCODE::ServerFailure => Verdict::Failed("answers SERVFAIL".to_owned()),
        RCODE::Refused => Verdict::Failed("refuses to answer".to_owned()),
        other => Verdict::Failed(format!("answers {other:?}")),
    }
}

fn record(record: &simple_dns::ResourceRecord<'_>) -> Option<Record> {
    let data = match &record.rdata {
        RData::CNAME(alias) => Data::Alias(text(alias)),
        RData::SRV(srv) => Data::Srv(Srv {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: text(&srv.target),
        }),
        RData::MX(mx) => Data::Mx(Mx {
            preference: mx.preference,
            exchange: text(&mx.exchange),
        }),
        _ => return None,
    };
    (record.class == CLASS::IN).then(|| Record {
        owner: text(&record.name),
        data,
    })
}

/// A name in lower case, without a final dot. A dot within a label stands as `\.`: no host name.
fn text(name: &Name<'_>) -> String {
    name.to_string().to_ascii_lowercase()
}
