//! Where a dialogue waits until the test lets it go on.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub struct Gate {
    tell: Mutex<Sender<()>>,
    go: Mutex<Receiver<()>>,
}

impl Gate {
    /// The gate, what tells that somebody is held, and what lets one go on; dropped, it holds nobody.
    pub fn new() -> (Self, Receiver<()>, Sender<()>) {
        let ((tell, held), (go, is_open)) = (channel(), channel());
        let (tell, is_open) = (Mutex::new(tell), Mutex::new(is_open));
        (Self { tell, go: is_open }, held, go)
    }

    pub fn hold(&self, patience: Duration) {
        let tell = self.tell.lock().unwrap_or_else(PoisonError::into_inner);
        // The test may have seen enough.
        let _ = tell.send(());
        drop(tell);
        let go = self.go.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = go.recv_timeout(patience);
    }
}
