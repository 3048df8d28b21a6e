//! What a process that was killed leaves, and what the next one makes of it.

use std::fs;

use super::*;

#[test]
fn what_was_being_written_is_swept_when_it_is_old_and_nobody_writes_it() {
    let (_directory, queue) = queue();
    let (envelope, message) = (envelope(&["b@x.org"]), message("A: 1\n\n"));
    let entry = new(&envelope, &message);
    let draft = Draft::write(&queue.spool, Id::new(at(0)), &entry).unwrap();
    assert!(queue.ids().unwrap().is_empty());
    let left = queue.path().join("tmp").join(Id::new(at(1)).to_string());
    fs::write(&left, "{").unwrap();
    rustix::fs::chmod(&left, rustix::fs::Mode::RUSR).unwrap();

    let now = SystemTime::now();
    assert_eq!(queue.sweep(now).unwrap(), 0);
    let later = now + Duration::from_secs(3700);
    assert_eq!(queue.sweep(later).unwrap(), 1);
    assert!(!left.exists());
    assert_eq!(draft.publish().unwrap(), Published::New);
    assert_eq!(queue.ids().unwrap().len(), 1);
}

#[test]
fn who_lets_go_of_a_message_half_queued_leaves_nothing() {
    let (_directory, queue) = queue();
    let (envelope, message) = (envelope(&["b@x.org"]), message("A: 1\n\n"));
    let entry = new(&envelope, &message);
    drop(Draft::write(&queue.spool, Id::new(at(0)), &entry).unwrap());
    assert_eq!(fs::read_dir(queue.path().join("tmp")).unwrap().count(), 0);
    assert!(queue.ids().unwrap().is_empty());
}

#[test]
fn a_message_that_cannot_be_read_to_its_end_is_not_queued() {
    let (_directory, queue) = queue();
    let file = tempfile::tempfile().unwrap();
    let text = format!("A: 1\r\n\r\n{}", "line\r\n".repeat(100_000));
    std::os::unix::fs::FileExt::write_all_at(&file, text.as_bytes(), 0).unwrap();
    let store = Store::in_place(file.try_clone().unwrap(), 0).unwrap();
    let message = Message::kept(store).unwrap();
    file.set_len(300_000).unwrap();
    let envelope = envelope(&["b@x.org"]);
    let entry = new(&envelope, &message);
    assert_eq!(queue.add(&entry).unwrap_err().kind, Kind::Io);
    assert_eq!(fs::read_dir(queue.path().join("tmp")).unwrap().count(), 0);
    assert!(queue.ids().unwrap().is_empty());
}

/// A queue with a message of which nobody is left to be tried, as a run leaves it that is killed after
/// it noted so.
fn decided(verdict: Verdict) -> (tempfile::TempDir, Queue, Id) {
    let (directory, queue) = queue();
    let id = add(&queue, &["b@x.org"]);
    let path = queue.path().join("active").join(id.to_string());
    let claim = queue.claim(id).unwrap().unwrap();
    let report = report(&[("b@x.org", verdict)]);
    let verdicts = judge::verdicts(&report, claim.entry().recipients(), false, false);
    let record = judge::record(&report, at(1), None, verdicts, usize::MAX);
    let mut file = fs::read(&path).unwrap();
    file.extend(record::line(&record).unwrap());
    fs::write(&path, file).unwrap();
    (directory, queue, id)
}

#[test]
fn who_was_accepted_before_a_kill_is_not_tried_again() {
    let (_directory, queue, id) = decided(accepted());
    let entry = queue.look(id).unwrap().unwrap();
    assert!(entry.is_decided() && entry.is_due(at(0)));
    let claim = queue.claim(id).unwrap().unwrap();
    assert!(claim.mail().is_err());
    assert_eq!(claim.finish(at(9)).unwrap(), Settled::Delivered);
    assert!(queue.ids().unwrap().is_empty());
}

#[test]
fn a_notice_that_was_queued_before_a_kill_is_not_queued_again() {
    let (_directory, queue, id) = decided(failed(Kind::Refused, "no"));
    let path = queue.path().join("active").join(id.to_string());
    let killed = fs::read(&path).unwrap();
    let claim = queue.claim(id).unwrap().unwrap();
    let first = claim.finish(at(9)).unwrap();
    assert!(matches!(first, Settled::Failed { notice: Some(_) }));

    // The same again, as if neither the note of it nor the move had been made.
    fs::rename(queue.path().join("failed").join(id.to_string()), &path).unwrap();
    fs::write(&path, killed).unwrap();
    let claim = queue.claim(id).unwrap().unwrap();
    claim.retry_now(at(50)).unwrap();
    let claim = queue.claim(id).unwrap().unwrap();
    assert_eq!(claim.finish(at(99)).unwrap(), first);
    assert_eq!(queue.ids().unwrap().len(), 2);
}

#[test]
fn a_retry_that_was_killed_before_the_message_was_moved_is_done_by_the_next() {
    let (_directory, queue, id) = decided(failed(Kind::Refused, "no"));
    queue.claim(id).unwrap().unwrap().finish(at(9)).unwrap();
    queue
        .claim_failed(id)
        .unwrap()
        .unwrap()
        .retry_now(at(10))
        .unwrap();
    let [active, failed] =
        ["active", "failed"].map(|place| queue.path().join(place).join(id.to_string()));
    fs::rename(active, failed).unwrap();
    assert!(!queue.look(id).unwrap().unwrap().is_due(at(11)));
    queue
        .claim_failed(id)
        .unwrap()
        .unwrap()
        .retry_now(at(11))
        .unwrap();
    assert!(queue.look(id).unwrap().unwrap().is_due(at(11)));
}
