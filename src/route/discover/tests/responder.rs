//! A DNS server that says what a test wants, over UDP and TCP on one port of loopback.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, spawn};

use simple_dns::rdata::{MX, RData, SRV};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};

use crate::route::discover::question::Over;

/// What a test has to say to a question: any number of messages, in this order.
pub(super) type Script = dyn Fn(&[u8], Over) -> Vec<Vec<u8>> + Send + Sync;

/// Ends when it is dropped.
pub(super) struct Responder {
    pub(super) address: SocketAddr,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Responder {
    pub(super) fn new(
        script: impl Fn(&[u8], Over) -> Vec<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let script: Arc<Script> = Arc::new(script);
        let over = Arc::new(AtomicBool::new(false));
        let (udp, tcp) = sockets();
        let address = udp.local_addr().unwrap();
        let by_udp = (script.clone(), over.clone());
        let by_tcp = (script, over.clone());
        let threads = vec![
            spawn(move || serve_udp(&udp, &*by_udp.0, &by_udp.1)),
            spawn(move || serve_tcp(&tcp, &*by_tcp.0, &by_tcp.1)),
        ];
        Self {
            address,
            over,
            threads,
        }
    }

    /// Answers from a zone.
    pub(super) fn of(zone: Zone) -> Self {
        Self::new(move |query, _| vec![zone.reply(query)])
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let poke = UdpSocket::bind("127.0.0.1:0").unwrap();
        poke.send_to(&[], self.address).unwrap();
        TcpStream::connect(self.address).unwrap();
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

/// Both on one port: another may have the TCP one.
fn sockets() -> (UdpSocket, TcpListener) {
    (0..100)
        .find_map(|_| {
            let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
            let tcp = TcpListener::bind(udp.local_addr().unwrap()).ok()?;
            Some((udp, tcp))
        })
        .unwrap()
}

fn serve_udp(socket: &UdpSocket, script: &Script, over: &AtomicBool) {
    let mut buffer = [0; 4096];
    loop {
        let (length, client) = socket.recv_from(&mut buffer).unwrap();
        if over.load(Ordering::SeqCst) {
            return;
        }
        for message in script(&buffer[..length], Over::Udp) {
            socket.send_to(&message, client).unwrap();
        }
    }
}

/// Messages are sent as they are: their length is the script's.
fn serve_tcp(listener: &TcpListener, script: &Script, over: &AtomicBool) {
    loop {
        let (mut stream, _) = listener.accept().unwrap();
        if over.load(Ordering::SeqCst) {
            return;
        }
        let mut length = [0; 2];
        stream.read_exact(&mut length).unwrap();
        let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut query).unwrap();
        for message in script(&query, Over::Tcp) {
            stream.write_all(&message).unwrap();
        }
    }
}

/// With its length before it, as over TCP.
pub(super) fn framed(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).unwrap().to_be_bytes();
    [&length[..], message].concat()
}

/// Records by their owner. A name that is not there does not exist.
#[derive(Clone, Default)]
pub(super) struct Zone(HashMap<String, Vec<RData<'static>>>);

impl Zone {
    pub(super) fn with(mut self, name: &str, records: Vec<RData<'static>>) -> Self {
        self.0.entry(name.to_owned()).or_default().extend(records);
        self
    }

    pub(super) fn reply(&self, query: &[u8]) -> Vec<u8> {
        let query = Packet::parse(query).unwrap();
        let mut reply = reply_to(&query);
        let question = &query.questions[0];
        let mut name = question.qname.to_string().to_lowercase();
        let mut hops = 0;
        while let Some(records) = self.0.get(&name) {
            let mut next = None;
            for data in records {
                let wanted = QTYPE::TYPE(data.type_code()) == question.qtype;
                if wanted || data.type_code() == TYPE::CNAME {
                    reply.answers.push(record(&name, data.clone()));
                }
                if let RData::CNAME(alias) = data {
                    next = Some(alias.to_string());
                }
            }
            hops += 1;
            match next {
                Some(next) if hops < 20 => name = next,
                _ => return reply.build_bytes_vec_compressed().unwrap(),
            }
        }
        *reply.rcode_mut() = RCODE::NameError;
        reply.build_bytes_vec_compressed().unwrap()
    }
}

/// An empty reply that fits the question.
pub(super) fn reply_to<'q>(query: &Packet<'q>) -> Packet<'q> {
    let mut reply = Packet::new_reply(query.id());
    reply.set_flags(PacketFlag::RECURSION_AVAILABLE);
    reply.questions.clone_from(&query.questions);
    reply
}

/// The same with this judgement.
pub(super) fn refusal(query: &[u8], code: RCODE) -> Vec<u8> {
    let query = Packet::parse(query).unwrap();
    let mut reply = reply_to(&query);
    *reply.rcode_mut() = code;
    reply.build_bytes_vec().unwrap()
}

pub(super) fn record(owner: &str, data: RData<'static>) -> ResourceRecord<'static> {
    ResourceRecord::new(name(owner), CLASS::IN, 60, data)
}

pub(super) fn srv(priority: u16, weight: u16, port: u16, target: &str) -> RData<'static> {
    RData::SRV(SRV {
        priority,
        weight,
        port,
        target: name(target),
    })
}

pub(super) fn mx(preference: u16, exchange: &str) -> RData<'static> {
    RData::MX(MX {
        preference,
        exchange: name(exchange),
    })
}

pub(super) fn alias(target: &str) -> RData<'static> {
    RData::CNAME(name(target).into())
}

fn name(text: &str) -> Name<'static> {
    Name::new(text).unwrap().into_owned()
}
