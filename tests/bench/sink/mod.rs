//! A measuring SMTP server: takes mail as fast as it can, keeps nothing of it, and writes down what each visit cost
//! the client.
//!
//! A process of its own, so that its work is not counted with the client's. It is told what to do on standard input,
//! line by line (`report`: wait until nobody is connected, then print the visits since the last report as one line of
//! JSON), and ends with it: no server outlives its bench. Refuses nobody, except for a wrong password.

mod body;
mod session;
mod visit;
mod wire;

use std::io::{self, BufRead as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};

pub(crate) use body::Digest;
pub(crate) use visit::Visit;

use crate::content::Security;

/// The one account.
pub(crate) const USER: &str = "bench";
/// Its password.
pub(crate) const PASSWORD: &str = "secret";

/// How long a report waits for those who are still connected.
const LEAVING: Duration = Duration::from_secs(5);

/// What the server does at one of its ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manner {
    pub(crate) security: Security,
    pub(crate) pace: Pace,
}

/// When the server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Pace {
    /// At once: for taking the time.
    Quick,
    /// Once the client has been silent for a while, so that whoever is answered really waited: for counting waits.
    Patient,
}

/// Where to listen, and what to be there. The port 0 stands for any.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Port {
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) manner: Manner,
}

/// All the server has to know; it comes as its first line.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Orders {
    pub(crate) ports: Vec<Port>,
    pub(crate) chain: std::path::PathBuf,
    pub(crate) key: std::path::PathBuf,
    /// Keywords that are not offered.
    pub(crate) without: Vec<String>,
}

/// Who was here, and how many still are.
#[derive(Default)]
struct Book {
    pages: Mutex<Pages>,
    changed: Condvar,
}

#[derive(Default)]
struct Pages {
    present: usize,
    visits: Vec<Visit>,
}

impl Book {
    fn open(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arrived(&self) {
        self.open().present += 1;
    }

    fn left(&self, visit: Visit) {
        let mut pages = self.open();
        pages.present -= 1;
        pages.visits.push(visit);
        self.changed.notify_all();
    }

    fn report(&self) -> Vec<Visit> {
        let (mut pages, _) = self
            .changed
            .wait_timeout_while(self.open(), LEAVING, |pages| pages.present > 0)
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut pages.visits)
    }
}

/// The server's process, to the end of its standard input.
pub(crate) fn run() -> Result<()> {
    let mut lines = io::stdin().lock().lines();
    let orders = lines.next().context("no orders")??;
    let orders: Orders = serde_json::from_str(&orders).context("orders")?;
    let house = Arc::new(session::House {
        tls: tls(&orders.chain, &orders.key)?,
        without: orders.without,
    });
    let book = Arc::new(Book::default());
    let mut numbers = Vec::new();
    for port in orders.ports {
        let listeners = listen(&port.addresses)?;
        numbers.push(
            listeners
                .first()
                .context("a port without an address")?
                .local_addr()?
                .port(),
        );
        for listener in listeners {
            let (house, book) = (Arc::clone(&house), Arc::clone(&book));
            std::thread::spawn(move || serve(&listener, port.manner, &house, &book));
        }
    }
    say(&numbers)?;
    for line in lines {
        if line? == "report" {
            say(&book.report())?;
        }
    }
    Ok(())
}

fn say(what: &impl Serialize) -> Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, what)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// Listens on the same port of each address; an address that this machine lacks is left out, if it is not the first.
fn listen(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    for address in addresses {
        let mut address = *address;
        if let Some(first) = listeners.first() {
            address.set_port(first.local_addr()?.port());
        }
        match TcpListener::bind(address) {
            Ok(listener) => listeners.push(listener),
            Err(error) if listeners.is_empty() => {
                return Err(error).with_context(|| format!("listening on {address}"));
            }
            Err(_) => {}
        }
    }
    Ok(listeners)
}

fn serve(listener: &TcpListener, manner: Manner, house: &Arc<session::House>, book: &Arc<Book>) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        book.arrived();
        let (house, book) = (Arc::clone(house), Arc::clone(book));
        std::thread::spawn(move || book.left(session::serve(stream, manner, &house)));
    }
}

fn tls(chain: &Path, key: &Path) -> Result<Arc<ServerConfig>> {
    let chain = CertificateDer::pem_file_iter(chain)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(Arc::new(config))
}
