//! What others may have put into, or made of, the queue's directory.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;

fn open_to(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn path_of(queue: &Queue, id: Id) -> PathBuf {
    queue.path().join("active").join(id.to_string())
}

/// Whether the message is refused for this reason, by all ways to it, and left where it is.
fn assert_refused(queue: &Queue, id: Id, why: &str) {
    let refused = [
        queue.look(id).unwrap_err(),
        queue.claim(id).unwrap_err(),
        queue.message(id).unwrap_err(),
    ];
    for failure in refused {
        assert_eq!(failure.kind, Kind::Queue);
        assert!(failure.message.contains(why), "{failure}");
        assert!(failure.message.contains(&id.to_string()), "{failure}");
    }
    assert!(fs::symlink_metadata(path_of(queue, id)).is_ok());
    assert_eq!(queue.ids().unwrap().len(), 1);
}

#[test]
fn a_directory_open_to_others_is_refused_with_the_command_that_closes_it() {
    for part in ["", "active", "failed", "tmp"] {
        let (_directory, queue) = queue();
        let path = queue.path().join(part);
        for mode in [0o777, 0o701, 0o750] {
            open_to(&path, mode);
            let failure = Queue::create(queue.path()).unwrap_err();
            assert_eq!(failure.kind, Kind::Queue);
            assert!(failure.message.contains("open to other users"), "{failure}");
            let hint = failure.hint.unwrap();
            assert!(
                hint.starts_with("chmod 700 ") && hint.contains(part),
                "{hint}"
            );
            assert!(Queue::open(queue.path()).is_err());
        }
    }
}

#[test]
fn a_link_in_the_place_of_a_directory_is_not_followed() {
    let (directory, queue) = queue();
    let link = directory.path().join("link");
    symlink(queue.path(), &link).unwrap();
    for path in [link.clone(), link.join(""), link.join(".")] {
        for opened in [Queue::create(&path), Queue::open(&path).map(Option::unwrap)] {
            let failure = opened.unwrap_err();
            assert!(failure.message.contains("is a symbolic link"), "{failure}");
        }
    }
    fs::rename(queue.path().join("failed"), directory.path().join("f")).unwrap();
    symlink(directory.path().join("f"), queue.path().join("failed")).unwrap();
    assert!(Queue::open(queue.path()).is_err());
}

#[test]
fn a_file_in_the_place_of_the_directory_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let failure = Queue::create(file.path()).unwrap_err();
    assert!(failure.message.contains("is a file"), "{failure}");
    assert!(Queue::create(&file.path().join("queue")).is_err());
}

#[test]
fn a_queue_is_made_for_us_alone_with_all_above_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a/b/queue");
    assert!(Queue::open(&path).unwrap().is_none());
    Queue::create(&path).unwrap();
    for made in ["a", "a/b", "a/b/queue", "a/b/queue/tmp", "a/b/queue/active"] {
        let metadata = fs::metadata(directory.path().join(made)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o700, "{made}");
    }
    let queue = Queue::open(&path).unwrap().unwrap();
    let file = path_of(&queue, add(&queue, &["b@x.org"]));
    assert_eq!(
        fs::metadata(file).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn a_directory_in_which_nothing_was_ever_queued_is_no_queue_and_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    open_to(directory.path(), 0o700);
    assert!(Queue::open(directory.path()).unwrap().is_none());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn making_a_queue_goes_on_where_it_was_cut_off() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue");
    for part in ["", "failed", "active"] {
        let made = path.join(part);
        fs::create_dir(&made).unwrap();
        open_to(&made, 0o700);
        assert!(Queue::create(&path).is_ok());
        if part != "active" {
            for made in ["tmp", "active", "failed"] {
                fs::remove_dir(path.join(made)).unwrap();
            }
        }
        if part == "failed" {
            let failed = path.join("failed");
            fs::create_dir(&failed).unwrap();
            open_to(&failed, 0o700);
        }
    }
}

#[test]
fn files_that_are_not_plain_ones_of_ours_are_refused_and_left_alone() {
    type Replace = fn(&Path);
    let replaced: [(Replace, &str); 6] = [
        (
            |path| symlink("/etc/passwd", path).unwrap(),
            "is a symbolic link",
        ),
        (
            |path| symlink("nowhere", path).unwrap(),
            "is a symbolic link",
        ),
        (
            |path| mknodat(CWD, path, FileType::Fifo, Mode::RWXU, 0).unwrap(),
            "is a FIFO",
        ),
        (|path| fs::create_dir(path).unwrap(), "is a directory"),
        (
            |path| drop(std::os::unix::net::UnixListener::bind(path).unwrap()),
            "is no plain file",
        ),
        (
            |path| {
                fs::write(path, "").unwrap();
                open_to(path, 0o640);
            },
            "is open to other users (mode 0640)",
        ),
    ];
    for (replace, why) in replaced {
        let (_directory, queue) = queue();
        let id = add(&queue, &["b@x.org"]);
        fs::remove_file(path_of(&queue, id)).unwrap();
        replace(&path_of(&queue, id));
        assert_refused(&queue, id, why);
    }
}

#[test]
fn a_file_with_a_second_name_is_refused() {
    let (directory, queue) = queue();
    let id = add(&queue, &["b@x.org"]);
    let second = directory.path().join("second");
    fs::hard_link(path_of(&queue, id), &second).unwrap();
    assert_refused(&queue, id, "has 2 names");
    fs::remove_file(second).unwrap();
    assert!(queue.claim(id).unwrap().is_some());
}

#[test]
fn a_message_under_a_strange_name_is_refused() {
    let (_directory, queue) = queue();
    let id = add(&queue, &["b@x.org"]);
    let other = Id::new(at(9));
    fs::rename(path_of(&queue, id), path_of(&queue, other)).unwrap();
    assert_refused(&queue, other, &format!("it is named {id} inside"));
}

#[test]
fn what_is_no_message_is_told_and_left_alone() {
    let (_directory, queue) = queue();
    let names = ["active/.#lock", "core", "failed/x", "tmp/../notes"];
    let paths = names.map(|name| queue.path().join(name));
    for path in &paths {
        fs::write(path, "").unwrap();
    }
    assert!(queue.ids().unwrap().is_empty());
    let mut found = queue.strangers().unwrap();
    found.sort();
    let mut expected: Vec<PathBuf> = ["active/.#lock", "core", "failed/x", "notes"]
        .iter()
        .map(|name| queue.path().join(name))
        .collect();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(queue.sweep(at(1 << 30)).unwrap(), 0);
    assert_eq!(queue.strangers().unwrap().len(), 4);
}

#[test]
fn the_mark_of_the_last_run_is_not_followed_either() {
    let (directory, queue) = queue();
    let target = directory.path().join("target");
    fs::write(&target, "").unwrap();
    let before = fs::metadata(&target).unwrap().modified().unwrap();
    symlink(&target, queue.path().join("last-run")).unwrap();
    assert!(queue.ran(at(0)).is_err());
    assert_eq!(queue.last_run(), None);
    assert_eq!(fs::metadata(&target).unwrap().modified().unwrap(), before);
}
