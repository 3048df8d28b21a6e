//! What a system mails of itself, for real: cron, systemd's OnFailure, unattended-upgrades, mdadm and fail2ban call the
//! program as sendmail, and their mail arrives at a Postfix.
//!
//! The arguments that each passes stand above its test, as a script in the program's place wrote them down.

use crate::host::{Host, Letter};

/// Where mail for local users goes.
const LOCAL: &str = "[sendmail]\ndomain = 'example.com'\nheaders = 'complete'\n[aliases]\nroot = 'admin@example.com'\n";

/// The same, with the one sender that a provider allows.
const REPAIRED: &str = "[sendmail]\nheaders = 'complete'\nfrom = 'alerts@example.com'\n\
     [aliases]\nroot = 'admin@example.com'\n";

/// `-FCronDaemon -i -B8BITMIME -oem root`, and so on, by the user whose job it was
///
/// It runs its jobs when a minute begins: for it, the next one is three seconds away.
#[test]
fn cron_mails_what_its_jobs_print() {
    let Some(host) = Host::with(LOCAL) else {
        return;
    };
    host.put(
        "/etc/crontab",
        "0644",
        "* * * * * root printf 'one\\n.\\n'; echo two >&2\n\
         * * * * * alice echo Grüße\n\
         MAILTO=bob@example.com\n\
         MAILFROM=carol@example.com\n\
         * * * * * alice echo text; exit 3\n",
    );
    let _cron = host.start(
        "root",
        "seconds=$(date +%-S)
         export FAKETIME=$(printf %+d $((57 - seconds)))
         export LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1
         exec cron -f",
    );
    host.has_sent(&Letter {
        subject: "Cron <root@web1> printf 'one\\n.\\n'; echo two >&2",
        sender: "root@example.com",
        recipients: &["admin@example.com"],
        fields: &["To: admin@example.com", "X-Cron-Env: <LOGNAME=root>"],
        body: "one\n.\ntwo\n",
    });
    host.has_sent(&Letter {
        subject: "Cron <alice@web1> echo Grüße",
        sender: "alice@example.com",
        recipients: &["alice@example.com"],
        fields: &["To: alice@example.com", "X-Cron-Env: <LOGNAME=alice>"],
        body: "Grüße\n",
    });
    host.has_sent(&Letter {
        subject: "Cron <alice@web1> echo text; exit 3",
        sender: "carol@example.com",
        recipients: &["bob@example.com"],
        fields: &["From: carol@example.com", "To: bob@example.com"],
        body: "text\n",
    });
}

/// `-t`
#[test]
fn systemd_mails_the_status_of_a_unit_that_failed() {
    let Some(host) = Host::with(REPAIRED) else {
        return;
    };
    host.put(
        "/usr/local/bin/status-mail",
        "0755",
        "#!/bin/sh\n\
         { printf 'To: root\\nSubject: %s failed\\n' \"$1\"\n\
         printf 'Content-Type: text/plain; charset=UTF-8\\nContent-Transfer-Encoding: 8bit\\n\\n'\n\
         systemctl status --full \"$1\"; } | sendmail -t\n",
    );
    host.put(
        "/etc/systemd/system/status-mail@.service",
        "0644",
        "[Unit]\nDefaultDependencies=no\nSuccessAction=exit-force\nFailureAction=exit-force\n\
         [Service]\nType=oneshot\nExecStart=/usr/local/bin/status-mail %i\n",
    );
    fail(&host, "status-mail@%n.service");
    host.has_sent(&Letter {
        subject: "job.service failed",
        sender: "alerts@example.com",
        recipients: &["admin@example.com"],
        fields: &[
            "From: \"root (web1)\" <alerts@example.com>",
            "To: admin@example.com",
        ],
        body: "Active: failed (Result: exit-code)",
    });
}

/// `-i -B8BITMIME root`
///
/// As root, not as a user of its own: without D-Bus systemd answers to nobody else.
#[test]
fn systemd_cron_mails_that_a_job_failed() {
    let Some(host) = Host::with(REPAIRED) else {
        return;
    };
    host.put(
        "/etc/systemd/system/cron-failure@.service.d/test.conf",
        "0644",
        "[Unit]\nDefaultDependencies=no\nSuccessAction=exit-force\nFailureAction=exit-force\n\
         [Service]\nUser=root\n",
    );
    fail(&host, "cron-failure@%n.service");
    host.has_sent(&Letter {
        subject: "[web1] job job.service failed",
        sender: "alerts@example.com",
        recipients: &["admin@example.com"],
        fields: &[
            "From: systemd-cron <alerts@example.com>",
            "X-Original-From: root (systemd-cron)",
            "To: admin@example.com",
            "Auto-Submitted: auto-generated",
        ],
        body: "Active: failed (Result: exit-code)",
    });
}

/// Boots a system whose one job fails, on which this unit is started.
fn fail(host: &Host, on_failure: &str) {
    let job = format!(
        "[Unit]\nDefaultDependencies=no\nRequires=systemd-journald.socket\nAfter=systemd-journald.socket\n\
         OnFailure={on_failure}\n\
         [Service]\nType=oneshot\nUser=root\nExecStart=/bin/sh -c 'echo the disk is full; exit 3'\n"
    );
    host.put("/etc/systemd/system/job.service", "0644", &job);
    host.boot("job.service");
}

/// `-oi -t`
#[test]
fn unattended_upgrades_mails_its_report() {
    let Some(host) = Host::with(REPAIRED) else {
        return;
    };
    host.put(
        "/etc/apt/apt.conf.d/90mail",
        "0644",
        "Unattended-Upgrade::Mail \"root\";\nUnattended-Upgrade::MailReport \"always\";\n",
    );
    host.run("root", "unattended-upgrade");
    host.has_sent(&Letter {
        subject: "unattended-upgrades result for web1: SUCCESS",
        sender: "alerts@example.com",
        recipients: &["admin@example.com"],
        fields: &[
            "From: \"root (web1)\" <alerts@example.com>",
            "X-Original-From: root",
            "To: admin@example.com",
            "Auto-Submitted: auto-generated",
        ],
        body: "Unattended upgrade result: No packages found that can be upgraded",
    });
}

/// `-t`; the test message needs no array
#[test]
fn mdadm_mails_its_alert() {
    let Some(host) = Host::with(REPAIRED) else {
        return;
    };
    host.run(
        "root",
        "mdadm --monitor --test --oneshot --mail=root /dev/md0",
    );
    host.has_sent(&Letter {
        subject: "TestMessage event on /dev/md0:web1",
        sender: "alerts@example.com",
        recipients: &["admin@example.com"],
        fields: &[
            "From: mdadm monitoring <alerts@example.com>",
            "X-Original-From: mdadm monitoring <root@web1>",
            "To: admin@example.com",
        ],
        body: "A TestMessage event had been detected on md device /dev/md0.\n",
    });
}

/// `-f fail2ban@example.com root`; its text ends in the middle of a line
#[test]
fn fail2ban_mails_whom_it_banned() {
    let Some(host) = Host::with(LOCAL) else {
        return;
    };
    host.put(
        "/etc/fail2ban/jail.d/door.conf",
        "0644",
        "[sshd]\nenabled = false\n\
         [door]\nenabled = true\nbackend = polling\nfilter =\nfailregex = <HOST> refused\n\
         logpath = /var/log/door.log\nmaxretry = 1\n\
         action = sendmail[name=door, dest=root, sender=fail2ban@example.com]\n",
    );
    host.put("/var/log/door.log", "0644", "");
    let _fail2ban = host.start(
        "root",
        "mkdir /run/fail2ban
         fail2ban-client start
         echo \"$(date '+%F %T') 192.0.2.1 refused\" >> /var/log/door.log
         exec sleep 60",
    );
    host.has_sent(&Letter {
        subject: "[Fail2Ban] door: banned 192.0.2.1 from web1",
        sender: "fail2ban@example.com",
        recipients: &["admin@example.com"],
        fields: &[
            "From: Fail2Ban <fail2ban@example.com>",
            "To: admin@example.com",
        ],
        body: "\nRegards,\n\nFail2Ban",
    });
}
