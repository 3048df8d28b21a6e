//! A client by hand: sockets and lines, nothing of the program under test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::support::{Server, tls};

/// A client which does what each test tells it to.
pub struct Client<S: Read + Write> {
    pub stream: BufReader<S>,
}

impl Client<TcpStream> {
    pub fn connect(server: &Server) -> Self {
        let tcp = TcpStream::connect(server.addr()).unwrap();
        tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self {
            stream: BufReader::new(tcp),
        }
    }

    pub fn start_tls(self) -> Client<StreamOwned<ClientConnection, TcpStream>> {
        self.start_tls_with(ClientConfig::clone(&tls::client_config()))
    }

    pub fn start_tls_with(
        self,
        config: ClientConfig,
    ) -> Client<StreamOwned<ClientConnection, TcpStream>> {
        let name = ServerName::try_from("localhost").unwrap();
        let tls = ClientConnection::new(Arc::new(config), name).unwrap();
        Client {
            stream: BufReader::new(StreamOwned::new(tls, self.stream.into_inner())),
        }
    }
}

impl<S: Read + Write> Client<S> {
    /// Sends all in one go.
    pub fn say(&mut self, text: &str) {
        let stream = self.stream.get_mut();
        stream.write_all(text.as_bytes()).unwrap();
        stream.flush().unwrap();
    }

    /// Reads replies up to the last line of each, and checks their codes.
    pub fn hear(&mut self, codes: &[&str]) {
        for code in codes {
            let mut line = String::new();
            while !line.starts_with(&format!("{code} ")) {
                line.clear();
                assert!(self.stream.read_line(&mut line).unwrap() > 0, "closed");
                assert!(line.starts_with(code), "{code} expected, {line:?}");
            }
        }
    }

    pub fn ask(&mut self, text: &str, code: &str) {
        self.say(text);
        self.hear(&[code]);
    }

    pub fn hear_end(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset is an end like any other here.
        let _ = self.stream.read_to_end(&mut rest);
        rest
    }
}

pub const GROUP: &str = "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n";
pub const BODY: &str = "Subject: x\r\n\r\n..dot\r\n.\r\n";
pub const PLAIN: &str = "AUTH PLAIN AGJlbmNoAHNlY3JldA==\r\n";
