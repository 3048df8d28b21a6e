//! Tokens and certificates instead of passwords, by way of the library: what is said, what a refusal
//! says, and that a token is renewed once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use smtpsend::failure::{Failure, Kind, Result};
use smtpsend::plan::Plan;
use smtpsend::report::Report;
use smtpsend::secret::Secret;
use smtpsend::smtp::{AuthChoice, CleartextAuth, Credentials, Observer, TokenSource};
use smtpsend::submit::Submission;

use crate::letters::{letters, numbered, plan, results, submit_all};
use crate::parts::{DELIVERY, GROUPS, SLOW_DELIVERY};
use crate::support::Server;

const BEARER: &str =
    "C64: AUTH OAUTHBEARER n,a=bob@example.com,\\x01auth=Bearer\\sold-token\\x01\\x01\n";
const XOAUTH2: &str =
    "C64: AUTH XOAUTH2 user=bob@example.com\\x01auth=Bearer\\sold-token\\x01\\x01\n";
const COMPLAINT: &str =
    "S64: 334 {\"status\":\"invalid_token\",\"schemes\":\"bearer\",\"scope\":\"mail\"}\n";
const WELCOME: &str = "S: 235 2.7.0 welcome\n";
const REFUSED: &str = "S: 535 5.7.8 who\n";

/// Gives these in turn, and counts how often it was asked.
struct Shelf {
    tokens: Mutex<Vec<&'static str>>,
    asked: AtomicUsize,
}

impl Shelf {
    fn of(tokens: &[&'static str]) -> Arc<Self> {
        Arc::new(Self {
            tokens: Mutex::new(tokens.to_vec()),
            asked: AtomicUsize::new(0),
        })
    }
}

impl TokenSource for Shelf {
    fn token(&self) -> Result<Secret> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut tokens = self.tokens.lock().unwrap();
        if tokens.is_empty() {
            return Err(Failure::new(Kind::Input, "the shelf is empty"));
        }
        Ok(secret(tokens.remove(0)))
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

/// In clear, with these credentials.
fn plan_with(port: u16, credentials: Credentials) -> Plan {
    Plan {
        credentials: Some(credentials),
        cleartext_auth: Some(CleartextAuth::dangerous_allow()),
        ..plan(port)
    }
}

fn bob(source: Option<Arc<dyn TokenSource>>) -> Credentials {
    Credentials::token("bob@example.com", secret("old-token"), source).unwrap()
}

/// The offers of [`GROUPS`] and this mechanism.
fn offering(name: &str) -> String {
    GROUPS.replace("8BITMIME", &format!("AUTH PLAIN {name}"))
}

/// Writes down all that is shown.
#[derive(Default)]
struct Notebook(Mutex<String>);

impl Notebook {
    fn write(&self, line: &str) {
        let mut text = self.0.lock().unwrap();
        text.push_str(line);
        text.push('\n');
    }
}

impl Observer for Notebook {
    fn sent(&self, line: &str) {
        self.write(line);
    }
    fn received(&self, line: &str) {
        self.write(line);
    }
    fn note(&self, text: &str) {
        self.write(text);
    }
    fn warning(&self, text: &str) {
        self.write(text);
    }
}

/// Submits one letter, and gives back what came of it and what was shown, the error included.
fn submit(plan: Plan) -> (Report, String) {
    let notebook = Notebook::default();
    let mut reports = Vec::new();
    Submission::new(plan).submit_all([numbered(0, 1)], &notebook, |_, report| {
        reports.push(report)
    });
    let report = reports.remove(0);
    for failure in report.failures() {
        notebook.write(&failure.message);
        notebook.write(failure.hint.as_deref().unwrap_or_default());
    }
    (report, notebook.0.into_inner().unwrap())
}

fn delivery() -> String {
    DELIVERY.replace("b@example.com", "r0@example.com")
}

#[test]
fn a_token_is_said_as_the_offered_mechanism_wants_it() {
    for (offer, line, name) in [
        ("XOAUTH2 OAUTHBEARER", BEARER, "OAUTHBEARER"),
        ("XOAUTH2", XOAUTH2, "XOAUTH2"),
    ] {
        let text = [&offering(offer), line, WELCOME, &delivery()].concat();
        let server = Server::text(&text);
        let (report, shown) = submit(plan_with(server.port(), bob(None)));
        server.finish();
        assert_eq!(report.auth, Some(name));
        assert!(shown.contains(&format!("AUTH {name} ***")), "{shown}");
        assert!(!shown.contains("old-token"), "{shown}");
    }
}

#[test]
fn a_token_waits_for_its_reply_before_anything_else_is_sent() {
    let text = [
        &offering("OAUTHBEARER"),
        BEARER,
        "QUIET\n",
        WELCOME,
        &delivery(),
    ]
    .concat();
    let server = Server::text(&text);
    assert_eq!(
        submit(plan_with(server.port(), bob(None))).0.exit().code(),
        0
    );
    server.finish();
}

/// What comes of a complaint about the token that is followed by these lines, by either mechanism.
fn after_complaint(last: &[&str], check: impl Fn(&str, &Report, &str)) {
    for (offer, line, answer) in [
        ("OAUTHBEARER", BEARER, "C: AQ==\n"),
        ("XOAUTH2", XOAUTH2, "C: \n"),
    ] {
        let text = [&offering(offer), line, COMPLAINT, answer, &last.concat()].concat();
        let server = Server::text(&text);
        let (report, shown) = submit(plan_with(server.port(), bob(None)));
        server.finish();
        check(offer, &report, &shown);
    }
}

#[test]
fn a_refusal_is_answered_read_and_explained() {
    after_complaint(&[REFUSED, "C: QUIT"], |offer, report, shown| {
        assert_eq!(report.exit().code(), 77);
        let words = "535 5.7.8 who (schemes bearer, scope mail, status invalid_token)";
        assert!(shown.contains(&format!("AUTH {offer}: {words}")), "{shown}");
        assert!(shown.contains("the token may have expired"), "{shown}");
    });
}

#[test]
fn a_yes_after_a_complaint_is_not_believed() {
    after_complaint(&[WELCOME, "C? QUIT"], |_, report, shown| {
        assert_eq!(report.exit().code(), 76);
        assert!(shown.contains("the server says yes to a proof"), "{shown}");
    });
}

#[test]
fn a_refusal_that_quotes_the_token_is_not_repeated() {
    let quoting = COMPLAINT.replace("\"mail\"", "\"old-token\"");
    let text = [
        &offering("XOAUTH2"),
        XOAUTH2,
        &quoting,
        "C: \n",
        "S: 535 no old-token here\nC: QUIT",
    ]
    .concat();
    let server = Server::text(&text);
    let (_, shown) = submit(plan_with(server.port(), bob(None)));
    server.finish();
    assert!(shown.contains("scope ***"), "{shown}");
    assert!(!shown.contains("old-token"), "{shown}");
}

#[test]
fn a_refused_token_is_renewed_once_in_the_same_session() {
    for refusal in [format!("{COMPLAINT}C: AQ==\n{REFUSED}"), REFUSED.to_owned()] {
        let renewed = BEARER.replace("old-token", "new-token");
        let text = [
            &offering("OAUTHBEARER XOAUTH2"),
            BEARER,
            &refusal,
            &renewed,
            WELCOME,
            &delivery(),
        ]
        .concat();
        let server = Server::text(&text);
        let shelf = Shelf::of(&["new-token", "never"]);
        let (report, shown) = submit(plan_with(server.port(), bob(Some(Arc::clone(&shelf) as _))));
        server.finish();
        assert_eq!(report.exit().code(), 0);
        assert_eq!(shelf.asked.load(Ordering::Relaxed), 1);
        assert!(!shown.contains("-token"), "{shown}");
    }
}

#[test]
fn a_renewed_token_that_is_refused_is_the_last_and_is_not_shown() {
    let renewed = BEARER.replace("old-token", "new-token");
    let text = [
        &offering("OAUTHBEARER"),
        BEARER,
        REFUSED,
        &renewed,
        "S: 535 not new-token\nC: QUIT",
    ]
    .concat();
    let server = Server::text(&text);
    let shelf = Shelf::of(&["new-token", "never"]);
    let (report, shown) = submit(plan_with(server.port(), bob(Some(Arc::clone(&shelf) as _))));
    server.finish();
    assert_eq!(report.exit().code(), 77);
    assert_eq!(shelf.asked.load(Ordering::Relaxed), 1);
    assert!(shown.contains("535 not ***"), "{shown}");
    assert!(!shown.contains("new-token"), "{shown}");
}

#[test]
fn a_source_without_another_token_changes_nothing() {
    for (tokens, words) in [
        (&["old-token"][..], "535 5.7.8 who"),
        (&[], "no new token: the shelf is empty"),
    ] {
        let text = [&offering("XOAUTH2"), XOAUTH2, REFUSED, "C: QUIT"].concat();
        let server = Server::text(&text);
        let (report, shown) = submit(plan_with(server.port(), bob(Some(Shelf::of(tokens)))));
        server.finish();
        assert_eq!(report.exit().code(), 77);
        assert!(shown.contains(words), "{shown}");
    }
}

#[test]
fn a_server_that_cannot_check_a_token_now_is_asked_later_with_the_same() {
    let text = [&offering("XOAUTH2"), XOAUTH2, "S: 454 4.7.0 later\nC: QUIT"].concat();
    let server = Server::text(&text);
    let shelf = Shelf::of(&["new-token"]);
    let (report, _) = submit(plan_with(server.port(), bob(Some(Arc::clone(&shelf) as _))));
    server.finish();
    assert_eq!(report.exit().code(), 75);
    assert_eq!(shelf.asked.load(Ordering::Relaxed), 0);
}

#[test]
fn the_next_session_begins_with_the_renewed_token() {
    let renewed = BEARER.replace("old-token", "new-token");
    let limited = offering("OAUTHBEARER").replace("250-PIPELINING", "250-LIMITS MAILMAX=1");
    let delivery = SLOW_DELIVERY.replace("b@example.com", "r0@example.com");
    let first = [&limited, BEARER, REFUSED, &renewed, WELCOME, &delivery].concat();
    let second = [&limited, &renewed, WELCOME, &delivery].concat();
    let dialogues = [first, second].map(|text| crate::support::Dialogue::text(&text));
    let server = Server::start(dialogues, crate::support::Options::default());
    let credentials = bob(Some(Shelf::of(&["new-token"])));
    let reports = submit_all(plan_with(server.port(), credentials), letters(2));
    server.finish();
    assert_eq!(results(&reports), [("sent", 0); 2]);
}

#[test]
fn a_certificate_says_it_alone_or_with_a_name_and_leads_the_group() {
    for (user, line) in [
        (None, "C: AUTH EXTERNAL =\n"),
        (
            Some("bob@example.com".to_owned()),
            "C64: AUTH EXTERNAL bob@example.com\n",
        ),
    ] {
        let envelope = "C: MAIL *\nC: RCPT *\nC: DATA\n";
        let replies = "S: 235 yes\nS: 250 x\nS: 250 x\nS: 354 go\nBODY\nS: 250 x\nC: QUIT";
        let text = [&offering("EXTERNAL"), line, envelope, replies].concat();
        let server = Server::text(&text);
        let credentials = Credentials::certificate(user).unwrap();
        let (report, _) = submit(plan_with(server.port(), credentials));
        server.finish();
        assert_eq!((report.auth, report.exit().code()), (Some("EXTERNAL"), 0));
    }
}

#[test]
fn a_refused_certificate_is_explained_as_such() {
    let text = [
        &offering("EXTERNAL"),
        "C: AUTH EXTERNAL =\nS: 535 who\nC: QUIT",
    ]
    .concat();
    let server = Server::text(&text);
    let credentials = Credentials::certificate(None).unwrap();
    let plan = Plan {
        auth_first: true,
        ..plan_with(server.port(), credentials)
    };
    let (report, shown) = submit(plan);
    server.finish();
    assert_eq!(report.exit().code(), 77);
    assert!(
        shown.contains("the server must know the client certificate"),
        "{shown}"
    );
}

#[test]
fn a_token_or_a_certificate_does_not_leave_in_clear() {
    for credentials in [bob(None), Credentials::certificate(None).unwrap()] {
        let server = Server::unvisited();
        let plan = Plan {
            cleartext_auth: None,
            ..plan_with(server.port(), credentials)
        };
        assert_eq!(submit(plan).0.exit().code(), 77);
        server.finish();
    }
}

#[test]
fn a_named_mechanism_is_used_though_a_stronger_one_is_offered() {
    let text = [
        &offering("OAUTHBEARER XOAUTH2"),
        XOAUTH2,
        WELCOME,
        &delivery(),
    ]
    .concat();
    let server = Server::text(&text);
    let plan = Plan {
        auth: "xoauth2".parse::<AuthChoice>().unwrap(),
        ..plan_with(server.port(), bob(None))
    };
    assert_eq!(submit(plan).0.auth, Some("XOAUTH2"));
    server.finish();
}
