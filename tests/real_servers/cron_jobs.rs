//! `smtpsend run` under a real cron, with a Postfix that its mail goes to: the right mail and the right status, whatever the
//! jobs do.

use crate::host::{Host, Letter};

const SETTINGS: &str = "from = 'cron@example.com'\n[aliases]\nroot = 'admin@example.com'\n";

/// The jobs, as scripts by their names, and the status that each must end with.
const JOBS: [(&str, &str, u8); 7] = [
    ("failing", "echo one; echo two >&2; echo three; exit 3", 3),
    ("silent", "exit 0", 0),
    ("chatty", "seq 100000", 0),
    ("grumbling", "echo trouble >&2", 0),
    ("killed", "echo last words; kill -SEGV $$", 139),
    ("endless", "echo begun; sleep 600", 124),
    (
        "huge",
        "echo begun; yes 'This line is one of very many.' | head -c 1073741824; echo ended; exit 9",
        9,
    ),
];

/// What each mail must say, beside its subject; jobs without one send none.
const MAILS: [(&str, &str, &str); 5] = [
    ("failing", "FAILED (exit 3)", "\n\none\ntwo\nthree\n"),
    ("grumbling", "WARNING (standard error)", "\n\ntrouble\n"),
    (
        "killed",
        "FAILED (SIGSEGV)",
        "\nStatus:    killed by SIGSEGV",
    ),
    (
        "endless",
        "TIMED OUT (2 s)",
        "\nStatus:    timed out after 2 s\n",
    ),
    (
        "huge",
        "FAILED (exit 9)",
        "octets are left out here: output.txt.gz has all of the output]\n",
    ),
];

#[test]
fn cron_jobs_mail_what_they_have_to_and_nothing_else() {
    let Some(host) = Host::with(SETTINGS) else {
        return;
    };
    let mut table = String::from("MAILTO=root\n");
    for (name, script, _) in JOBS {
        host.put(
            &format!("/usr/bin/{name}"),
            "0755",
            &format!("#!/bin/sh\n{script}\n"),
        );
        let run = format!("smtpsend run --timeout-command 2 -- {name}");
        let run = if name == "huge" {
            run.replace(" 2 ", " 60 ")
        } else {
            run
        };
        table += &format!("* * * * * root {run}; echo $? > /var/tmp/{name}\n");
    }
    host.put("/etc/crontab", "0644", &table);
    // It runs its jobs when a minute begins: for it, the next one is three seconds away.
    let _cron = host.start(
        "root",
        "seconds=$(date +%-S)
         export FAKETIME=$(printf %+d $((57 - seconds)))
         export LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1
         exec cron -f",
    );
    for (name, brief, body) in MAILS {
        let mail = host.has_sent(&Letter {
            subject: &format!("{brief}: {name} on web1"),
            sender: "cron@example.com",
            recipients: &["admin@example.com"],
            fields: &[
                "From: cron@example.com",
                "To: admin@example.com",
                "Auto-Submitted: auto-generated",
            ],
            body,
        });
        if name == "huge" {
            let all = 1_073_741_824 + "begun\nended\n".len();
            assert_eq!(unpacked(&mail), all.to_string());
        }
    }
    for (name, _, status) in JOBS {
        host.run(
            "root",
            &format!("until test -s /var/tmp/{name}; do sleep 0.1; done"),
        );
        host.run(
            "root",
            &format!("test \"$(cat /var/tmp/{name})\" = {status}"),
        );
    }
    // Neither the silent ones nor cron, to which nothing was said.
    assert_eq!(host.mailbox().messages().len(), MAILS.len());
}

/// How many octets there are in the file that goes with a mail: by Python and gzip, which share no code with the
/// program.
fn unpacked(mail: &str) -> String {
    const READER: &str = "
import email, email.policy, gzip, sys
m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
[file] = m.iter_attachments()
assert file.get_filename() == 'output.txt.gz'
unpacked, size = gzip.GzipFile(fileobj=__import__('io').BytesIO(file.get_payload(decode=True))), 0
while part := unpacked.read(1 << 20): size += len(part)
print(size)
";
    crate::message::by_python(READER, mail.as_bytes())
}
