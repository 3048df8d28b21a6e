//! The bench's hold on its server, which is a process of its own; see [`crate::sink`].

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::sink::{Manner, Orders, Visit};

/// A server that runs, until it is dropped.
pub(crate) struct Server {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    ports: Vec<(Manner, u16)>,
}

impl Server {
    /// Starts it by `command`, which ends with this program's name, or one that runs it elsewhere.
    pub(crate) fn start(mut command: Command, orders: &Orders) -> Result<Self> {
        let mut process = command
            .arg("sink")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the server")?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            bail!("the server has no pipes");
        };
        let mut server = Self {
            process,
            orders: input,
            answers: BufReader::new(output),
            ports: Vec::new(),
        };
        server.tell(&serde_json::to_string(orders)?)?;
        let numbers: Vec<u16> = serde_json::from_str(&server.hear()?)?;
        let manners = orders.ports.iter().map(|port| port.manner);
        server.ports = manners.zip(numbers).collect();
        Ok(server)
    }

    /// Where it behaves like this.
    pub(crate) fn port(&self, manner: Manner) -> Result<u16> {
        let found = self.ports.iter().find(|(known, _)| *known == manner);
        Ok(found.with_context(|| format!("no port is {manner:?}"))?.1)
    }

    /// Who was there since the last time, once all have gone.
    pub(crate) fn visits(&mut self) -> Result<Vec<Visit>> {
        self.tell("report")?;
        Ok(serde_json::from_str(&self.hear()?)?)
    }

    fn tell(&mut self, line: &str) -> Result<()> {
        writeln!(self.orders, "{line}").context("the server does not listen")
    }

    fn hear(&mut self) -> Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        if line.is_empty() {
            bail!("the server has ended");
        }
        Ok(line)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
