//! The measuring itself: each work by all programs in turn, round after round, so that whatever else the machine does
//! meets them all alike.
//!
//! A program first does the work once for a server that answers slowly, which counts how often it has to be waited
//! for. Who takes long for that is measured by it alone. Every run has to end well, and the server has to have had the
//! whole message for all recipients; a program that fails once is not measured further.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail};

use crate::content::{self, Content, Security};
use crate::identity::Identity;
use crate::measure::{self, Invocation};
use crate::network::Network;
use crate::options::Options;
use crate::peers::{Job, Peer};
use crate::results::{Cell, Row};
use crate::server::Server;
use crate::sink::{Digest, Manner, Orders, Pace, Port, Visit};
use crate::works::{Errand, LIMIT, LIMIT_IN_NETWORK, Place, SLOW, Task, Work};
use crate::{merge, queue};

/// What measuring needs.
pub(crate) struct Bench<'a> {
    folder: &'a Path,
    rounds: u32,
    identity: Identity,
    loopback: Server,
    /// Dropped in this order: the server before the network it is in.
    network: Result<(Server, Network)>,
    contents: HashMap<(usize, usize), Content>,
    interrupted: Arc<AtomicBool>,
}

impl<'a> Bench<'a> {
    /// Starts the servers. All that is written goes to `folder`.
    pub(crate) fn new(folder: &'a Path, options: &Options) -> Result<Self> {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
        }
        let identity = Identity::make(folder)?;
        let orders = |ports| Orders {
            ports,
            chain: identity.chain.clone(),
            key: identity.key.clone(),
            without: options.without.clone(),
        };
        let loopback = Server::start(
            Command::new(std::env::current_exe()?),
            &orders(loopback_ports()),
        )?;
        let network = Network::up().and_then(|network| {
            let server = Server::start(
                network.inside(std::env::current_exe()?),
                &orders(network_ports()),
            )?;
            Ok((server, network))
        });
        Ok(Self {
            folder,
            rounds: options.rounds(),
            identity,
            loopback,
            network,
            contents: HashMap::new(),
            interrupted,
        })
    }

    /// Measures one work.
    pub(crate) fn measure(&mut self, work: Work, peers: &[Peer]) -> Result<Row> {
        let mut row = Row {
            unmeasured: self.obstacle(&work),
            work,
            cells: Vec::new(),
        };
        if row.unmeasured.is_some() {
            return Ok(row);
        }
        let mut runs = Vec::new();
        for peer in peers {
            let Some((trial, run)) = self.prepare(&row.work, peer)? else {
                continue;
            };
            let mut cell = Cell {
                program: peer.name,
                waits: None,
                octets: 0,
                runs: Vec::new(),
                failure: None,
            };
            self.try_out(&row.work, &trial, &mut cell)?;
            row.cells.push(cell);
            runs.push(run);
        }
        let rounds = (self.rounds / row.work.every).max(3);
        for round in 0..rounds as usize {
            for place in 0..runs.len() {
                let next = (round + place) % runs.len();
                let cell = &row.cells[next];
                let slow = cell.runs.first().is_some_and(|run| run.wall > SLOW);
                if cell.failure.is_none() && !slow {
                    self.run(&row.work, &runs[next], &mut row.cells[next])?;
                }
            }
        }
        Ok(row)
    }

    /// What makes a work impossible here.
    fn obstacle(&self, work: &Work) -> Option<String> {
        match (&work.place, &self.network) {
            (Place::Network("far.test", _), Ok((_, network))) => network.not_far.clone(),
            (Place::Network(..), Err(error)) => Some(format!("{error:#}")),
            _ => None,
        }
    }

    /// How a program does the work for the server that counts waits, and for the one that is quick.
    fn prepare(&mut self, work: &Work, peer: &Peer) -> Result<Option<(Invocation, Invocation)>> {
        let errand = match work.task {
            Task::Start => return Ok(peer.start(self.folder).map(|start| (start.clone(), start))),
            Task::Send(errand) => errand,
            Task::Queue(size) => {
                let home = self.folder.join(format!("{}-{}", work.key, peer.name));
                fs::create_dir_all(&home)?;
                let recipients = content::recipients(1);
                let content = self.content(size, &recipients)?;
                let invocation = queue::queueing(peer, &home, &recipients, content)?;
                return Ok(invocation.map(|put| (put.clone(), put)));
            }
        };
        let recipients = content::recipients(errand.recipients);
        self.content(errand.size, &recipients)?;
        let content = &self.contents[&(errand.size, errand.recipients)];
        let invocation = |pace: Pace| {
            let folder = self
                .folder
                .join(format!("{}-{}-{pace:?}", work.key, peer.name));
            fs::create_dir_all(&folder)?;
            let manner = Manner {
                security: errand.security,
                pace,
            };
            let (host, port) = match work.place {
                Place::Loopback => ("localhost", Some(self.loopback.port(manner)?)),
                Place::Network(host, port) => (host, port),
            };
            peer.send(&Job {
                folder: &folder,
                host,
                port,
                security: errand.security,
                ca: &self.identity.ca,
                recipients: &recipients,
                content,
                count: errand.count,
                connections: errand.connections,
                merged: errand.merged,
            })
        };
        let trial = if counts(work) {
            Pace::Patient
        } else {
            Pace::Quick
        };
        Ok(invocation(trial)?.zip(invocation(Pace::Quick)?))
    }

    /// The message of so many octets to these.
    fn content(&mut self, size: usize, recipients: &[String]) -> Result<&Content> {
        Ok(match self.contents.entry((size, recipients.len())) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(Content::write(self.folder, size, recipients)?),
        })
    }

    /// Does the work once, to see whether the program can, and to count its waits.
    fn try_out(&mut self, work: &Work, invocation: &Invocation, cell: &mut Cell) -> Result<()> {
        let visits = self.run(work, invocation, cell)?;
        if counts(work) {
            cell.waits = Some(visits.iter().map(|visit| visit.waits).sum());
        }
        cell.octets = visits.iter().map(|visit| visit.received + visit.sent).sum();
        cell.runs.retain(|run| run.wall > SLOW);
        Ok(())
    }

    fn run(&mut self, work: &Work, invocation: &Invocation, cell: &mut Cell) -> Result<Vec<Visit>> {
        if self.interrupted.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        let this = std::env::current_exe()?;
        let (command, server, limit) = match (&work.place, &mut self.network) {
            (Place::Network(..), Ok((server, network))) => {
                (network.inside(this), server, LIMIT_IN_NETWORK)
            }
            _ => (Command::new(this), &mut self.loopback, LIMIT),
        };
        let cost = measure::run(command, invocation, limit)?;
        if matches!(work.task, Task::Send(errand) if errand.merged) {
            merge::forget(&invocation.home);
        }
        let visits = server.visits()?;
        cell.failure = match (&cost.failure, work.task) {
            (Some(failure), _) => Some(failure.clone()),
            (None, Task::Start) => None,
            (None, Task::Send(errand)) => self.complaint(&errand, &visits),
            (None, Task::Queue(size)) => {
                queue::take_out(&invocation.home, &self.contents[&(size, 1)])?
            }
        };
        cell.runs.push(cost);
        Ok(visits)
    }

    /// What the server misses.
    fn complaint(&self, errand: &Errand, visits: &[Visit]) -> Option<String> {
        let mut all = Visit::default();
        for visit in visits.iter().filter(|visit| visit.messages > 0) {
            all.messages += visit.messages;
            all.recipients += visit.recipients;
            all.bodies += visit.bodies;
            let secured = visit.encrypted && visit.authenticated;
            if errand.security != Security::None && !secured {
                return Some("sent without TLS or AUTH".to_owned());
            }
        }
        let recipients = errand.count * u32::try_from(errand.recipients).unwrap_or(u32::MAX);
        let content = self.contents.get(&(errand.size, errand.recipients))?;
        let whole = content.digest.times(errand.count);
        if all.messages != errand.count {
            let trouble = visits.iter().find_map(|visit| visit.trouble.as_deref());
            let trouble = trouble.map_or_else(String::new, |trouble| format!(" ({trouble})"));
            return Some(format!(
                "the server had {} of {} messages{trouble}",
                all.messages, errand.count
            ));
        }
        if all.recipients != recipients {
            return Some(format!(
                "the server had {} of {recipients} recipients",
                all.recipients
            ));
        }
        // An empty line at the end is added by many.
        let longer = whole + Digest::of(b"\r\n").times(errand.count);
        if all.bodies != whole && all.bodies != longer {
            let had = all.bodies.octets;
            return Some(format!(
                "the body changed: the server had {had} octets of {}",
                whole.octets
            ));
        }
        None
    }
}

/// Whether the waits of a work are counted: not where there are many, nor where the way is part of it.
fn counts(work: &Work) -> bool {
    match work.task {
        Task::Start | Task::Queue(_) => false,
        Task::Send(errand) => work.place == Place::Loopback && errand.count == 1,
    }
}

fn loopback_ports() -> Vec<Port> {
    let mut ports = Vec::new();
    for security in [Security::None, Security::Starttls, Security::Implicit] {
        for pace in [Pace::Quick, Pace::Patient] {
            let addresses = vec![
                (Ipv4Addr::LOCALHOST, 0).into(),
                (Ipv6Addr::LOCALHOST, 0).into(),
            ];
            let manner = Manner { security, pace };
            ports.push(Port { addresses, manner });
        }
    }
    ports
}

fn network_ports() -> Vec<Port> {
    let ports = [
        (587, Security::Starttls),
        (2525, Security::Starttls),
        (465, Security::Implicit),
    ];
    let listening = ports.map(|(port, security)| Port {
        addresses: vec![SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))],
        manner: Manner {
            security,
            pace: Pace::Quick,
        },
    });
    listening.into()
}
