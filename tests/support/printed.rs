//! What a program printed, read while it runs, and what it should have printed.

use std::io::Read;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;

/// What a run that met its expectations has left.
pub struct Output {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// The run's HOME, gone when this is dropped.
    pub home: TempDir,
}

impl Output {
    #[track_caller]
    pub fn stdout(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("stdout is not UTF-8")
    }

    #[track_caller]
    pub fn stderr(&self) -> &str {
        std::str::from_utf8(&self.stderr).expect("stderr is not UTF-8")
    }

    /// What `--json` printed.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        match serde_json::from_slice(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("not JSON: {error}\n{}", self.stdout()),
        }
    }
}

/// Output that is still open so long after the program ended belongs to a child it left behind.
const LAST_OUTPUT: Duration = Duration::from_secs(5);

#[derive(Default)]
pub struct Expected {
    pub text: Text,
    pub has: Vec<String>,
    pub lacks: Vec<String>,
}

#[derive(Default)]
pub enum Text {
    #[default]
    Nothing,
    Anything,
    Exactly(Vec<u8>),
}

impl Expected {
    pub fn check(&self, name: &str, octets: &[u8], problems: &mut Vec<String>) {
        let text = String::from_utf8_lossy(octets);
        match &self.text {
            Text::Exactly(expected) if expected != octets => {
                let expected = String::from_utf8_lossy(expected);
                problems.push(format!("{name} is not exactly:\n{expected}"));
            }
            Text::Nothing if self.has.is_empty() && self.lacks.is_empty() && !octets.is_empty() => {
                problems.push(format!("{name} is not empty"));
            }
            _ => {}
        }
        for part in self.has.iter().filter(|part| !text.contains(*part)) {
            problems.push(format!("{name} lacks: {part}"));
        }
        for part in self.lacks.iter().filter(|part| text.contains(*part)) {
            problems.push(format!("{name} has: {part}"));
        }
    }
}

/// An output read in the background, so that no full pipe holds the program up.
pub struct Collected {
    octets: Arc<Mutex<Vec<u8>>>,
    ended: Receiver<()>,
}

impl Collected {
    pub fn from(pipe: Option<impl Read + Send + 'static>) -> Self {
        let octets = Arc::new(Mutex::new(Vec::new()));
        let (done, ended) = channel();
        let sink = Arc::clone(&octets);
        std::thread::spawn(move || {
            let mut part = [0; 16 << 10];
            let mut pipe = pipe;
            while let Some(Ok(count @ 1..)) = pipe.as_mut().map(|pipe| pipe.read(&mut part)) {
                sink.lock().unwrap().extend_from_slice(&part[..count]);
            }
            let _ = done.send(());
        });
        Self { octets, ended }
    }

    pub fn finish(self) -> Vec<u8> {
        let _ = self.ended.recv_timeout(LAST_OUTPUT);
        std::mem::take(&mut self.octets.lock().unwrap())
    }
}
