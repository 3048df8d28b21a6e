//! Files that are not whole, or not what they were.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use super::*;

fn path_of(queue: &Queue, id: Id) -> PathBuf {
    queue.path().join("active").join(id.to_string())
}

fn defer(queue: &Queue, id: Id, text: &str, seconds: u64) {
    let claim = queue.claim(id).unwrap().unwrap();
    claim.reserve().unwrap();
    let report = report(&[("b@x.org", failed(Kind::Temporary, text))]);
    claim.settle(&report, at(seconds), &schedule()).unwrap();
}

#[test]
fn a_record_that_was_cut_anywhere_is_as_if_it_were_not_and_makes_way_for_the_next() {
    let (_directory, queue) = queue();
    let id = add(&queue, &["b@x.org"]);
    let path = path_of(&queue, id);
    let start = fs::read(&path).unwrap().len();
    defer(&queue, id, "first\n\"ü\"", 1);
    let middle = fs::read(&path).unwrap().len();
    defer(
        &queue,
        id,
        "a second one, which is longer than the third",
        2,
    );
    let whole = fs::read(&path).unwrap();
    for end in start..whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        let tries = usize::from(end >= middle);
        assert_eq!(queue.look(id).unwrap().unwrap().tries(), tries, "{end}");
        defer(&queue, id, "third", 3);
        let entry = queue.look(id).unwrap().unwrap();
        assert_eq!(entry.tries(), tries + 1);
        assert_eq!(entry.recipients()[0].text, "third");
        let file = fs::read(&path).unwrap();
        assert!(file.ends_with(b"\n") && file.starts_with(&whole[..start]));
    }
}

#[test]
fn a_page_of_the_journal_that_never_reached_the_disk_ends_it() {
    let (_directory, queue) = queue();
    let id = add(&queue, &["b@x.org"]);
    let path = path_of(&queue, id);
    let start = fs::read(&path).unwrap().len();
    defer(&queue, id, "first", 1);
    let mut file = fs::read(&path).unwrap();
    file[start..start + 20].fill(0);
    fs::write(&path, file).unwrap();
    assert_eq!(queue.look(id).unwrap().unwrap().tries(), 0);
    defer(&queue, id, "second", 2);
    assert_eq!(queue.look(id).unwrap().unwrap().tries(), 1);
}

#[test]
fn a_file_cut_before_its_journal_is_neither_sent_nor_removed() {
    let (_directory, queue) = queue();
    let id = add(&queue, &["b@x.org"]);
    let path = path_of(&queue, id);
    let whole = fs::read(&path).unwrap();
    for end in 0..whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        let failure = queue.claim(id).unwrap_err();
        assert_eq!(failure.kind, Kind::Queue);
        assert!(failure.message.contains("cut short"), "{failure}");
        assert!(queue.look(id).is_err());
        assert_eq!(fs::read(&path).unwrap(), &whole[..end]);
    }
}

#[test]
fn what_is_not_understood_is_neither_sent_nor_removed_and_says_why() {
    let (_directory, queue) = queue();
    let id = add(&queue, &["b@x.org"]);
    let path = path_of(&queue, id);
    let whole = String::from_utf8(fs::read(&path).unwrap()).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(whole.contains(from));
        whole.replacen(from, to, 1)
    };
    for (text, why) in [
        (changed("queue\":1", "queue\":2"), "version 2 of the format"),
        (changed("queue\":1", "queue\":\"1\""), "first line"),
        (changed("\"size\"", "\"more\":1,\"size\""), "unknown field"),
        (
            changed("\"size\":", "\"size\":9999999999999999999"),
            "first line",
        ),
        (changed("a@x.org", "a@@x.org"), "from: "),
        (changed("[\"b@x.org\"]", "[]"), "no recipient"),
        (changed("[\"b@x.org\"]", "[\"b\"]"), "to: "),
        (
            changed("[\"b@x.org\"]", "[\"b@x.org\",\"b@X.org\"]"),
            "named twice",
        ),
        (
            changed("\"to\":", "\"options\":{\"notify\":\"ever\"},\"to\":"),
            "options: ",
        ),
        (format!("{whole}rubbish\n"), "record 1 of its journal"),
        (
            format!("{whole}{{\"retry\":{{\"at\":1,\"to\":[1]}}}}\n"),
            "no recipient 1",
        ),
        (
            format!("{whole}{{\"retry\":{{\"at\":1,\"to\":[],\"x\":1}}}}\n"),
            "unknown field",
        ),
        (
            format!("{whole}{{\"moved\":{{\"at\":1}}}}\n"),
            "unknown variant",
        ),
        ("\n".to_owned() + &whole, "first line"),
    ] {
        fs::write(&path, &text).unwrap();
        for failure in [queue.look(id).unwrap_err(), queue.claim(id).unwrap_err()] {
            assert_eq!(failure.kind, Kind::Queue);
            assert!(failure.message.contains(why), "{why}: {failure}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn octets_in_a_message_that_no_server_takes_keep_it_from_being_sent() {
    let (_directory, queue) = queue();
    let id = add(&queue, &["b@x.org"]);
    let path = path_of(&queue, id);
    let mut file = fs::read(&path).unwrap();
    let end = file.len();
    file[end - 5] = 0;
    fs::write(&path, file).unwrap();
    let claim = queue.claim(id).unwrap().unwrap();
    assert_eq!(claim.mail().unwrap_err().kind, Kind::Message);
}

#[test]
fn a_message_is_never_read_into_its_journal() {
    let (_directory, queue) = queue();
    let id = add(&queue, &["b@x.org"]);
    defer(&queue, id, "later", 1);
    let mut file = OpenOptions::new()
        .append(true)
        .open(path_of(&queue, id))
        .unwrap();
    file.write_all(b"torn").unwrap();
    let claim = queue.claim(id).unwrap().unwrap();
    assert_eq!(
        octets(&claim.mail().unwrap().1),
        b"Subject: x\r\n\r\nbody\r\n"
    );
}

#[test]
fn nothing_that_was_reserved_stays_reserved() {
    use std::os::unix::fs::MetadataExt as _;
    let (_directory, queue) = queue();
    let id = add(&queue, &["b@x.org"]);
    let blocks = || fs::metadata(path_of(&queue, id)).unwrap().blocks();
    let before = blocks();
    defer(&queue, id, "later", 1);
    // One page more where the record needs it.
    assert!(blocks() <= before + 8, "{} {before}", blocks());
}
