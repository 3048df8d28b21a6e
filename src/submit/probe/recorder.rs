//! What a dialogue showed, kept until others may hear of it: dialogues that run side by side are told
//! one after the other.

use std::cell::{Cell, RefCell};

use super::Probe;
use crate::smtp::{Observer, Reply, TlsInfo};

/// Watches one dialogue.
#[derive(Default)]
pub(super) struct Recorder {
    events: RefCell<Vec<Event>>,
    greeting: Cell<Option<Reply>>,
    offers: Cell<Option<Reply>>,
    tls: Cell<Option<TlsInfo>>,
}

/// What an observer is told.
pub(super) enum Event {
    Sent(String),
    Received(String),
    Note(String),
    Warning(String),
}

impl Recorder {
    /// Puts down in `probe` what was found.
    pub(super) fn fill(&self, probe: &mut Probe) {
        probe.greeting = self.greeting.take();
        probe.offers = self.offers.take();
        probe.tls = self.tls.take();
    }

    pub(super) fn into_events(self) -> Vec<Event> {
        self.events.into_inner()
    }

    /// Takes in what another one heard meanwhile.
    pub(super) fn append(&self, other: Self) {
        self.events.borrow_mut().extend(other.into_events());
    }

    fn push(&self, event: Event) {
        self.events.borrow_mut().push(event);
    }
}

impl Observer for Recorder {
    fn sent(&self, line: &str) {
        self.push(Event::Sent(line.to_owned()));
    }

    fn received(&self, line: &str) {
        self.push(Event::Received(line.to_owned()));
    }

    fn greeted(&self, greeting: &Reply) {
        self.greeting.set(Some(greeting.clone()));
    }

    fn offered(&self, offers: &Reply) {
        self.offers.set(Some(offers.clone()));
    }

    fn secured(&self, tls: &TlsInfo) {
        self.tls.set(Some(tls.clone()));
    }

    fn note(&self, text: &str) {
        self.push(Event::Note(text.to_owned()));
    }

    fn warning(&self, text: &str) {
        self.push(Event::Warning(text.to_owned()));
    }
}

impl Event {
    pub(super) fn tell(&self, observer: &dyn Observer) {
        match self {
            Self::Sent(line) => observer.sent(line),
            Self::Received(line) => observer.received(line),
            Self::Note(text) => observer.note(text),
            Self::Warning(text) => observer.warning(text),
        }
    }
}
