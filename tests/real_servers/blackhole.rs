//! A firewall that drops packets to 587: what the port policy costs then, on a network of two namespaces.

use crate::client::{Run, smtpsend_within};
use crate::server::{Ports, Recipe, Scene, not_run, say};
use rustix::process::geteuid;
use std::process::{Command, Output};
use std::time::Duration;

/// A network made by `tests/servers/blackhole.sh`; dropped, it is removed.
struct Network {
    name: String,
}

impl Network {
    /// Makes it, or says why that cannot be.
    fn up() -> Option<Self> {
        if !geteuid().is_root() {
            not_run("network namespaces need root");
            return None;
        }
        let network = Self {
            name: format!("smtpsend{}", std::process::id()),
        };
        let output = network.call("up", &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => Some(network),
            // Nothing that an installation could change: no failure in CI either.
            Some(69) => {
                say(&format!("not run: {}", said.trim()));
                None
            }
            _ => panic!("blackhole.sh up: {said}"),
        }
    }

    fn drop_port(&self, port: u16) {
        let output = self.call("drop", &[&port.to_string()]);
        assert!(output.status.success(), "{output:?}");
    }

    fn call(&self, action: &str, more: &[&str]) -> Output {
        Command::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/servers/blackhole.sh"
        ))
        .args([action, &self.name])
        .args(more)
        .output()
        .unwrap()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.call("down", &[]);
    }
}

#[test]
fn a_firewall_that_swallows_587_costs_less_than_a_second() {
    let Some(network) = Network::up() else {
        return;
    };
    let server = format!("{}-server", network.name);
    let client = format!("{}-client", network.name);
    let mut scene = Scene::empty(Recipe::Aiosmtpd);
    for (plain, starttls, implicit) in [(1025, 587, 465), (1026, 2525, 1465)] {
        let ports = Ports {
            plain,
            starttls,
            implicit,
        };
        if scene.start_within(&server, "10.77.0.2", ports).is_none() {
            return;
        }
    }
    let send = || -> Run {
        let mut options = vec!["--ca-file".to_owned(), scene.ca_file()];
        options.extend(
            "--server mail.test --user bench --from a@example.com --to b@example.com --body x"
                .split(' ')
                .map(String::from),
        );
        let within = ["ip", "netns", "exec", &client];
        smtpsend_within(&within, scene.directory(), "secret", &options, b"")
    };

    let open = quickest(&send, 587);
    network.drop_port(587);
    let dropped = quickest(&send, 2525);

    say(&format!(
        "sent with 587 open in {open:?}, with 587 dropped in {dropped:?}"
    ));
    let added = dropped.saturating_sub(open);
    assert!(added < Duration::from_secs(1), "{added:?} more");
}

/// Sends three times, each over `port`, and gives the shortest time: what the machine is otherwise busy with
/// only ever adds to it.
fn quickest(send: &dyn Fn() -> Run, port: u16) -> Duration {
    let runs = [(); 3].map(|()| {
        let run = send();
        run.expect(0, "sent");
        assert_eq!(run.json()["server"]["port"], port, "{run}");
        run.took
    });
    runs.into_iter().min().unwrap_or_default()
}
