//! Queues in places that fail by themselves: one that cannot be written to, a full disk, a umask that takes
//! everything away.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::geteuid;

use super::spool::{Spool, told, word};
use super::taker::Taker;
use super::{enqueues, queue};
use crate::server::not_run;

/// By way of which root is stopped by the permissions of its own files, as others are.
const PLAIN_USER: [&str; 4] = [
    "setpriv",
    "--bounding-set",
    "-dac_override,-dac_read_search",
    "--",
];

/// Root's own queue, under the permissions that everybody has to heed.
fn spool_of_a_plain_user() -> Spool {
    let is_root = geteuid().is_root();
    Spool::new().within(PLAIN_USER.into_iter().filter(|_| is_root))
}

#[test]
fn a_queue_that_may_not_be_written_to_takes_nothing_and_sends_nothing() {
    let (spool, taker) = (spool_of_a_plain_user(), Taker::new());
    queue(&spool, "b", "before");
    for part in ["tmp", "active", "failed", ""] {
        fs::set_permissions(spool.path.join(part), Permissions::from_mode(0o500)).unwrap();
    }
    refuses(&spool, &taker);
    for part in ["", "tmp", "active", "failed"] {
        fs::set_permissions(spool.path.join(part), Permissions::from_mode(0o700)).unwrap();
    }
    recovers(&spool, &taker);
}

#[test]
fn what_was_taken_and_cannot_be_removed_is_not_sent_again() {
    let (spool, taker) = (spool_of_a_plain_user(), Taker::new());
    queue(&spool, "b", "before");
    let active = spool.path.join("active");
    fs::set_permissions(&active, Permissions::from_mode(0o500)).unwrap();
    for taken in [1, 0] {
        let run = spool.run(&[], &taker).output().unwrap();
        assert_eq!(run.status.code(), Some(73), "{}", told(&run));
        assert_eq!(taker.taken().len(), taken);
    }
    fs::set_permissions(&active, Permissions::from_mode(0o700)).unwrap();
    let run = spool.run(&[], &taker).output().unwrap();
    assert!(run.status.success(), "{}", told(&run));
    assert!(taker.taken().is_empty() && spool.list().unwrap().is_empty());
}

#[test]
fn a_queue_on_a_disk_that_is_read_only_takes_nothing_and_sends_nothing() {
    let spool = Spool::new();
    queue(&spool, "b", "before");
    let path = word(&spool.path);
    let script = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\"";
    let Some(mounts) = Mounts::new(script, &path) else {
        return;
    };
    let (spool, taker) = (mounts.with(spool), Taker::new());
    refuses(&spool, &taker);
    drop(mounts);
    recovers(&spool.within([]), &taker);
}

#[test]
fn a_full_disk_takes_nothing_and_sends_nothing_that_could_not_be_noted() {
    let spool = Spool::new();
    let above = spool.path.parent().unwrap().to_owned();
    fs::create_dir(&above).unwrap();
    let script = "mount -t tmpfs -o size=128k,mode=0700 none \"$0\"";
    let Some(mounts) = Mounts::new(script, &word(&above)) else {
        return;
    };
    let ballast = mounts.path(&above).join("ballast");
    let taker = Taker::new();
    let spool = mounts.with(spool);
    spool.run(&[], &taker).output().unwrap();
    queue(&spool, "b", "before");
    // Some of it can be written.
    let large = spool
        .enqueue(&[], "b", &"x".repeat(130_000))
        .output()
        .unwrap();
    assert_eq!(large.status.code(), Some(73), "{}", told(&large));
    let tmp = mounts.path(&spool.path.join("tmp"));
    assert_eq!(fs::read_dir(&tmp).unwrap().count(), 0);
    while fs::write(&ballast, vec![b'x'; 1 << 17]).is_ok() {}
    refuses(&spool, &taker);
    assert_eq!(fs::read_dir(&tmp).unwrap().count(), 0);
    fs::remove_file(ballast).unwrap();
    recovers(&spool, &taker);
}

#[test]
fn a_umask_that_takes_everything_away_changes_nothing() {
    let script = "umask 0777 && exec \"$@\"";
    let is_root = geteuid().is_root();
    let user = PLAIN_USER.into_iter().filter(|_| is_root);
    enqueues(&Spool::new().within(user.chain(["sh", "-c", script, "sh"])));
}

/// Neither queueing nor a run is a success, and the message that is there stays.
fn refuses(spool: &Spool, taker: &Taker) {
    let listed = spool.list().unwrap();
    let queued = spool.enqueue(&[], "b", "now").output().unwrap();
    assert_eq!(queued.status.code(), Some(73), "{}", told(&queued));
    let run = spool.run(&[], taker).output().unwrap();
    assert_eq!(run.status.code(), Some(73), "{}", told(&run));
    assert_eq!(taker.taken(), Vec::<String>::new());
    assert_eq!(spool.list().unwrap(), listed);
}

/// The message that was there is sent, and nothing else ever was there.
fn recovers(spool: &Spool, taker: &Taker) {
    let run = spool.run(&[], taker).output().unwrap();
    assert!(run.status.success(), "{}", told(&run));
    let taken = taker.taken();
    assert!(taken.len() == 1 && taken[0].contains("before"), "{taken:?}");
    assert!(spool.list().unwrap().is_empty() && spool.names("tmp").is_empty());
}

/// Mounts that nobody else sees, as long as this lives.
struct Mounts(Child);

impl Mounts {
    /// Those that a shell script makes of a path; none where that is not allowed.
    fn new(script: &str, path: &str) -> Option<Self> {
        if !geteuid().is_root() {
            not_run("to mount needs root");
            return None;
        }
        let script = format!("{script} && echo mounted && exec cat");
        let mut child = Command::new("unshare")
            .args(["-m", "sh", "-c", &script, path])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "mounted\n");
        Some(Self(child))
    }

    /// A path as it is seen with them.
    fn path(&self, path: &Path) -> PathBuf {
        let root = format!("/proc/{}/root", self.0.id());
        Path::new(&root).join(path.strip_prefix("/").unwrap())
    }

    /// A queue that is seen with them.
    fn with(&self, spool: Spool) -> Spool {
        let pid = self.0.id().to_string();
        spool.within(["nsenter", "-t", &pid, "-m"])
    }
}

impl Drop for Mounts {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}
