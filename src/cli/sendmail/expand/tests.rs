//! Where mail for users of this machine goes, by aliases in settings and in a file.

#![allow(clippy::unwrap_used)]

use std::ffi::OsString;
use std::path::Path;

use super::super::super::aliases::written;
use super::super::super::output::{Console, Volume};
use super::super::super::settings::File;
use super::*;

/// Whom these recipients stand for, and why somebody is not reached, by `settings` and a file of aliases
/// on the machine web1.example.net.
fn expanded(settings: &str, aliases: &str, recipients: &str) -> (Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("aliases");
    std::fs::write(&path, aliases).unwrap();
    let text = format!("sendmail-aliases = \"{}\"\n{settings}", path.display());
    let nothing = |_: &str| None::<OsString>;
    let file = File::parse(Path::new("config"), &text, &nothing).unwrap();
    let settings = Settings::of_file(file, None, &nothing);
    let console = Console::new();
    console.set_volume(Volume::Quiet);
    let host = HostName::Full("Web1.example.net".to_owned());
    let found = Aliases::new(&settings, None, &console);
    let directory = Directory::new(found, &settings, &host).unwrap();
    let mut all = Expanded::default();
    for one in written(recipients).unwrap() {
        directory.expand(&one, &mut all);
    }
    let failures = all.unreachable.iter().map(|one| {
        let kind = one.failure().unwrap().kind;
        let text = format!("{kind:?} {:#}", one.error);
        text.replace(&path.display().to_string(), "FILE")
    });
    (
        all.reached().map(ToString::to_string).collect(),
        failures.collect(),
    )
}

#[track_caller]
fn go_to(settings: &str, aliases: &str, recipients: &str, addresses: &[&str]) {
    let (reached, failures) = expanded(settings, aliases, recipients);
    assert_eq!(reached, addresses, "{recipients}");
    assert_eq!(failures, [""; 0], "{recipients}");
}

#[test]
fn an_alias_leads_to_any_number_of_addresses() {
    let aliases = "root: a@x.org, \"B\" <b@x.org>\nwww: ROOT\nall: root, c@x.org, www\n";
    for (recipients, addresses) in [
        ("root", &["a@x.org", "b@x.org"][..]),
        ("Root@web1", &["a@x.org", "b@x.org"]),
        ("root@WEB1.example.net", &["a@x.org", "b@x.org"]),
        ("root@localhost", &["a@x.org", "b@x.org"]),
        ("root@example.net", &["root@example.net"]),
        ("bob@web1", &["bob@web1"]),
        ("www", &["a@x.org", "b@x.org"]),
        ("all", &["a@x.org", "b@x.org", "c@x.org"]),
        (
            "root, a@x.org, root@localhost, www",
            &["a@x.org", "b@x.org"],
        ),
    ] {
        let (mut reached, failures) = expanded("", aliases, recipients);
        reached.sort();
        assert_eq!(
            (reached, failures),
            (addresses.iter().map(ToString::to_string).collect(), vec![])
        );
    }
}

#[test]
fn settings_go_before_the_file() {
    let settings = "[aliases]\nRoot = \"me@x.org\"\nall = [\"root\", \"bob, eve\"]\n";
    let aliases = "root: other@x.org\nbob: b@x.org\neve: e@x.org\n";
    go_to(settings, aliases, "root", &["me@x.org"]);
    go_to(
        settings,
        aliases,
        "all",
        &["me@x.org", "b@x.org", "e@x.org"],
    );
}

#[test]
fn the_default_domain_is_for_who_is_no_alias() {
    let settings = "[sendmail]\ndomain = \"Bücher.example\"\n";
    go_to(
        settings,
        "root: bob\n",
        "root",
        &["bob@xn--bcher-kva.example"],
    );
    go_to(
        settings,
        "bob: \\bob, a@x.org\n",
        "bob",
        &["bob@xn--bcher-kva.example", "a@x.org"],
    );
    go_to(
        settings,
        "",
        "\"bob smith\"",
        &["\"bob smith\"@xn--bcher-kva.example"],
    );
    let (_, failures) = expanded("", "root: www\nwww: \\bob\n", "root");
    assert_eq!(
        failures,
        ["Recipient the alias root: bob has no domain, and is no alias"]
    );
    let (reached, failures) = expanded("", "", "root, a@x.org");
    assert_eq!(reached, ["a@x.org"]);
    assert_eq!(failures, ["Recipient root has no domain, and is no alias"]);
}

#[test]
fn a_circle_is_named_and_the_others_are_reached() {
    for (aliases, circle) in [
        ("root: root\n", "root -> root"),
        ("root: root@web1, a@x.org\n", "root -> root"),
        ("root: a, b\na: a@x.org\nb: c\nc: b\n", "b -> c -> b"),
        ("root: A\na: Root, a@x.org\n", "root -> a -> root"),
    ] {
        let (reached, failures) = expanded("", aliases, "root");
        let expected = format!("Config aliases lead in a circle: {circle}");
        assert_eq!(failures, [expected], "{aliases}");
        assert_eq!(reached.is_empty(), !aliases.contains("a@x.org"));
    }
    let endless: String = (0..500).map(|n| format!("a{n}: a{}\n", n + 1)).collect();
    let (_, failures) = expanded("", &endless, "a0");
    assert!(
        failures[0].contains("more than 100 aliases"),
        "{failures:?}"
    );
}

#[test]
fn many_ways_to_many_aliases_take_no_time() {
    let wide: String = (0..90)
        .map(|n| format!("a{n}: a{0}, a{0}, b{0}\nb{n}: a{0}\n", n + 1))
        .collect();
    go_to(
        "",
        &format!("{wide}a90: a@x.org\nb90: a90\n"),
        "a0",
        &["a@x.org"],
    );
}

#[test]
fn programs_files_and_lists_are_refused_by_name_when_they_are_needed() {
    let aliases = "root: a@x.org, \"|/bin/run -x\"\nbox: /var/mail/box\nlist: :include:/etc/list\nbad: two words\nnone:\n";
    go_to("", aliases, "b@x.org", &["b@x.org"]);
    for (recipient, told) in [
        ("root", "Config the alias root leads to |/bin/run -x: "),
        ("box", "Config the alias box leads to /var/mail/box: "),
        (
            "list",
            "Config the alias list leads to :include:/etc/list: ",
        ),
        ("bad", "Config bad: FILE:4: bad: \"two words\""),
        ("none", "Config the alias none leads to nobody"),
    ] {
        let (reached, failures) = expanded("", aliases, &format!("{recipient}, b@x.org"));
        assert_eq!(failures.len(), 1);
        assert!(failures[0].starts_with(told), "{failures:?}");
        assert_eq!(reached.contains(&"a@x.org".to_owned()), recipient == "root");
        assert!(reached.contains(&"b@x.org".to_owned()));
    }
}

#[test]
fn a_local_part_is_completed_by_the_one_address_it_stands_for() {
    let nothing = |_: &str| None::<OsString>;
    let text = "sendmail-aliases = \"/dev/null\"\n[aliases]\nroot = \"a@x.org\"\nall = \"a@x.org, b@x.org\"\n";
    let file = File::parse(Path::new("config"), text, &nothing).unwrap();
    let settings = Settings::of_file(file, None, &nothing);
    let console = Console::new();
    let host = HostName::Short("web1".to_owned());
    let found = Aliases::new(&settings, None, &console);
    let directory = Directory::new(found, &settings, &host).unwrap();
    let address = |local| directory.only_address(local).map(|it| it.to_string());
    assert_eq!(address("root").unwrap(), "a@x.org");
    assert_eq!(address("all"), None);
    assert_eq!(address("bob"), None);
}
