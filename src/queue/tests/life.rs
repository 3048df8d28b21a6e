//! The life of a message in the queue: queued, claimed, tried, sent, given up.

use super::*;

#[test]
fn what_was_queued_is_claimed_sent_and_gone() {
    let (_directory, queue) = queue();
    let id = add(&queue, &["b@x.org", "c@x.org"]);
    assert_eq!(queue.ids().unwrap(), [(id, Place::Active)]);
    let entry = queue.look(id).unwrap().unwrap();
    assert_eq!(entry.state(), State::Waiting);
    assert!(entry.is_due(at(0)));

    let claim = queue.claim(id).unwrap().unwrap();
    let (to, mail) = claim.mail().unwrap();
    assert_eq!(to, envelope(&["b@x.org", "c@x.org"]));
    assert_eq!(octets(&mail), b"Subject: x\r\n\r\nbody\r\n");
    claim.reserve().unwrap();
    let report = report(&[("b@x.org", accepted()), ("c@x.org", accepted())]);
    let settled = claim.settle(&report, at(1), &schedule()).unwrap();
    assert_eq!(settled, Settled::Delivered);
    assert!(queue.ids().unwrap().is_empty() && queue.look(id).unwrap().is_none());
}

#[test]
fn only_those_who_are_open_are_tried_again_and_refusals_are_told_once() {
    let (_directory, queue) = queue();
    let id = add(&queue, &["b@x.org", "c@x.org", "d@x.org"]);
    let verdicts = [
        ("b@x.org", accepted()),
        ("c@x.org", failed(Kind::Temporary, "later")),
        ("d@x.org", failed(Kind::Recipient, "nobody")),
    ];
    let claim = queue.claim(id).unwrap().unwrap();
    let settled = claim
        .settle(&report(&verdicts), at(1), &schedule())
        .unwrap();
    let Settled::Waiting { next, notice } = settled else {
        panic!("{settled:?}");
    };
    assert_eq!(next, at(61));
    let notice = notice.unwrap();
    let entry = queue.look(notice).unwrap().unwrap();
    assert_eq!(entry.sender(), &ReversePath::Null);
    assert_eq!(entry.recipients()[0].address.to_string(), "a@x.org");

    let entry = queue.look(id).unwrap().unwrap();
    assert!(!entry.is_due(at(60)) && entry.is_due(at(61)));
    let claim = queue.claim(id).unwrap().unwrap();
    assert_eq!(claim.mail().unwrap().0, envelope(&["c@x.org"]));
    let report = report(&[("c@x.org", accepted())]);
    let settled = claim.settle(&report, at(61), &schedule()).unwrap();
    assert_eq!(settled, Settled::Failed { notice: None });
    let entry = queue.look(id).unwrap().unwrap();
    assert_eq!((entry.state(), entry.tries()), (State::Failed, 2));
    assert_eq!(queue.ids().unwrap().len(), 2);
}

#[test]
fn a_clock_that_was_put_back_holds_nothing_up() {
    let (_directory, queue) = queue();
    let (envelope, message) = (envelope(&["b@x.org"]), message("A: 1\n\n"));
    let id = queue.add(&new(&envelope, &message)).unwrap();
    let claim = queue.claim(id).unwrap().unwrap();
    let later = report(&[("b@x.org", failed(Kind::Temporary, "later"))]);
    claim.settle(&later, at(400_000), &schedule()).unwrap();
    let entry = queue.look(id).unwrap().unwrap();
    assert!(!entry.is_due(at(399_000)));
    assert!(entry.is_due(at(300_000)));
}

#[test]
fn of_two_claims_of_one_message_one_has_it() {
    let (_directory, queue) = queue();
    let id = add(&queue, &["b@x.org"]);
    let claim = queue.claim(id).unwrap().unwrap();
    let other = Queue::open(queue.path()).unwrap().unwrap();
    assert!(other.claim(id).unwrap().is_none());
    assert_eq!(other.look(id).unwrap().unwrap().state(), State::Sending);
    // A message that is still held does not hold the lock.
    let mail = claim.mail().unwrap();
    drop(claim);
    assert!(other.claim(id).unwrap().is_some());
    assert_eq!(octets(&mail.1), b"Subject: x\r\n\r\nbody\r\n");
}

#[test]
fn looking_at_a_message_keeps_nobody_from_claiming_it() {
    let (_directory, queue) = queue();
    let id = add(&queue, &["b@x.org"]);
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| (0..300).all(|_| queue.look(id).unwrap().is_some()));
        while !looking.is_finished() {
            assert!(queue.claim(id).unwrap().is_some());
        }
        assert!(looking.join().unwrap());
    });
}

#[test]
fn many_writers_and_many_claims_lose_and_double_nothing() {
    let (_directory, queue) = queue();
    let claimed = std::sync::Mutex::new(Vec::new());
    let added = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    let id = add(&queue, &["b@x.org"]);
                    added.lock().unwrap().push(id);
                }
            });
            scope.spawn(|| {
                while claimed.lock().unwrap().len() < 100 {
                    for (id, _) in queue.ids().unwrap() {
                        if let Some(claim) = queue.claim(id).unwrap() {
                            let report = report(&[("b@x.org", accepted())]);
                            claim.settle(&report, at(1), &schedule()).unwrap();
                            claimed.lock().unwrap().push(id);
                        }
                    }
                }
            });
        }
    });
    let sorted = |ids: std::sync::Mutex<Vec<Id>>| {
        let mut ids = ids.into_inner().unwrap();
        ids.sort();
        ids
    };
    assert_eq!(sorted(added), sorted(claimed));
    assert!(queue.ids().unwrap().is_empty());
}

#[test]
fn what_was_tried_already_comes_with_its_verdicts_and_waits() {
    let (_directory, queue) = queue();
    let verdicts = [
        ("z@x.org", accepted()),
        ("b@x.org", failed(Kind::Temporary, "greylisted")),
    ];
    let (envelope, message) = (
        envelope(&["b@x.org"]),
        message("Message-ID: <1@x.org>\n\nb"),
    );
    let first_try = report(&verdicts);
    let entry = NewEntry {
        profile: Some("work"),
        all_or_nothing: true,
        first_try: Some(&first_try),
        ..new(&envelope, &message)
    };
    let id = queue.add(&entry).unwrap();
    let entry = queue.look(id).unwrap().unwrap();
    assert_eq!(entry.message_id(), "<1@x.org>");
    assert_eq!(
        (entry.profile(), entry.all_or_nothing()),
        (Some("work"), true)
    );
    assert_eq!(
        (entry.queued(), entry.tries(), entry.size()),
        (at(0), 1, 28)
    );
    assert_eq!(entry.recipients()[0].text, "greylisted");
    let next = entry.next_try().unwrap();
    assert!(next >= at(47) && next <= at(76), "{next:?}");
}

#[test]
fn only_refusals_of_the_server_or_of_the_message_are_for_good() {
    use Kind::{
        Auth, Bug, Config, Host, Io, Message, Protocol, Recipient, Refused, Temporary, Tls,
    };
    for kind in [Auth, Tls, Config, Host, Io, Protocol, Temporary, Bug] {
        let (_directory, queue) = queue();
        let claim = queue.claim(add(&queue, &["b@x.org"])).unwrap().unwrap();
        let report = report(&[("b@x.org", failed(kind, "no"))]);
        let settled = claim.settle(&report, at(1), &schedule()).unwrap();
        assert!(matches!(settled, Settled::Waiting { .. }), "{kind:?}");
    }
    for kind in [Recipient, Refused, Message] {
        let (_directory, queue) = queue();
        let claim = queue.claim(add(&queue, &["b@x.org"])).unwrap().unwrap();
        let report = report(&[("b@x.org", failed(kind, "no"))]);
        let settled = claim.settle(&report, at(1), &schedule()).unwrap();
        assert!(matches!(settled, Settled::Failed { .. }), "{kind:?}");
    }
}

#[test]
fn what_may_have_been_delivered_stays_so_until_it_is_known() {
    let (_directory, queue) = queue();
    let id = add(&queue, &["b@x.org"]);
    for (kind, seconds) in [(Kind::Uncertain, 1), (Kind::Temporary, 100)] {
        let claim = queue.claim(id).unwrap().unwrap();
        let report = report(&[("b@x.org", failed(kind, "cut off"))]);
        claim.settle(&report, at(seconds), &schedule()).unwrap();
        let entry = queue.look(id).unwrap().unwrap();
        assert_eq!(entry.recipients()[0].status, Status::Unknown);
    }
}

#[test]
fn one_refusal_ends_what_is_for_all_or_nobody() {
    let (_directory, queue) = queue();
    let (envelope, message) = (envelope(&["b@x.org", "c@x.org"]), message("A: 1\n\n"));
    let entry = NewEntry {
        all_or_nothing: true,
        ..new(&envelope, &message)
    };
    let claim = queue.claim(queue.add(&entry).unwrap()).unwrap().unwrap();
    let verdicts = [
        ("b@x.org", failed(Kind::Temporary, "later")),
        ("c@x.org", failed(Kind::Recipient, "nobody")),
    ];
    let settled = claim
        .settle(&report(&verdicts), at(1), &schedule())
        .unwrap();
    assert!(matches!(settled, Settled::Failed { notice: Some(_) }));
}

#[test]
fn a_message_that_was_given_up_can_be_tried_anew_and_removed() {
    let (_directory, queue) = queue();
    let id = add(&queue, &["b@x.org", "c@x.org"]);
    let verdicts = [
        ("b@x.org", accepted()),
        ("c@x.org", failed(Kind::Recipient, "nobody")),
    ];
    let claim = queue.claim(id).unwrap().unwrap();
    claim
        .settle(&report(&verdicts), at(1), &schedule())
        .unwrap();
    assert!(queue.claim(id).unwrap().is_none());
    let later = at(30 * 24 * 3600);
    let claim = queue.claim_failed(id).unwrap().unwrap();
    claim.retry_now(later).unwrap();
    let entry = queue.look(id).unwrap().unwrap();
    assert_eq!(
        (entry.state(), entry.next_try()),
        (State::Waiting, Some(later))
    );

    let claim = queue.claim(id).unwrap().unwrap();
    assert_eq!(claim.mail().unwrap().0, envelope(&["c@x.org"]));
    let deferred = report(&[("c@x.org", failed(Kind::Temporary, "later"))]);
    let settled = claim.settle(&deferred, later, &schedule()).unwrap();
    assert!(matches!(settled, Settled::Waiting { notice: None, .. }));
    queue.claim(id).unwrap().unwrap().remove().unwrap();
    assert!(queue.look(id).unwrap().is_none());
}

#[test]
fn a_message_made_due_by_hand_is_due_and_keeps_who_was_refused() {
    let (_directory, queue) = queue();
    let id = add(&queue, &["b@x.org", "c@x.org"]);
    let verdicts = [
        ("b@x.org", failed(Kind::Refused, "no")),
        ("c@x.org", failed(Kind::Temporary, "later")),
    ];
    let claim = queue.claim(id).unwrap().unwrap();
    claim
        .settle(&report(&verdicts), at(1), &schedule())
        .unwrap();
    queue.claim(id).unwrap().unwrap().retry_now(at(2)).unwrap();
    let entry = queue.look(id).unwrap().unwrap();
    assert!(entry.is_due(at(2)));
    assert_eq!(entry.recipients()[0].status, Status::Rejected);
}

#[test]
fn a_message_is_sent_as_it_was_queued_octet_for_octet() {
    let (_directory, queue) = queue();
    for text in [
        "",
        "hello",
        "\nhello",
        "A: 1",
        "Bcc: x\nFrom y\nA: 1\n\nb",
        "Bcc: x\n\u{feff}A: 1\n\nb",
        "Bcc: x\n\nFrom y\n\nb",
        "Subject: grün\n\ngrün\n.\n",
    ] {
        let (envelope, message) = (envelope(&["b@x.org"]), message(text));
        let entry = new(&envelope, &message);
        let claim = queue.claim(queue.add(&entry).unwrap()).unwrap().unwrap();
        let report = report(&[("b@x.org", failed(Kind::Temporary, "later"))]);
        let (_, mail) = claim.mail().unwrap();
        assert_eq!(octets(&mail), octets(&message), "{text:?}");
        let id = claim.entry().id();
        claim.settle(&report, at(1), &schedule()).unwrap();
        let again = queue.message(id).unwrap().unwrap();
        assert_eq!(octets(&again), octets(&message), "{text:?}");
    }
}

#[test]
fn the_last_run_is_known() {
    let (_directory, queue) = queue();
    assert_eq!(queue.last_run(), None);
    for seconds in [5, 7] {
        queue.ran(at(seconds)).unwrap();
        assert_eq!(queue.last_run(), Some(at(seconds)));
    }
    assert!(queue.strangers().unwrap().is_empty());
}
