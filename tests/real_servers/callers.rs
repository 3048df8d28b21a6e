//! The programs that call sendmail, each for real, with the program in its place: what they hand over arrives at a
//! Postfix with the envelope and the header they meant.
//!
//! The arguments that each passes stand above its test, as a script in the program's place wrote them down.

use crate::host::{Host, Letter};

/// Bare names are of this domain, and root's mail goes to somebody.
const SETTINGS: &str =
    "[sendmail]\ndomain = 'example.com'\n[aliases]\nroot = 'admin@example.com'\n";

/// A line that would end the input of those who do not say `-i`, and one that is not ASCII.
const BODY: &str = "one\n.\nGrüße\n";

/// `-oem -oi -f alice@example.com -- bob@example.com carol@example.com hidden@example.com`
#[test]
fn mutt_sends_to_all_it_names_with_its_envelope_sender() {
    let Some(host) = Host::with(SETTINGS) else {
        return;
    };
    host.run(
        "alice",
        "printf 'one\\n.\\nGrüße\\n' | mutt -s mutt -c carol@example.com -b hidden@example.com \
         -e 'set from=alice@example.com use_envelope_from=yes' bob@example.com",
    );
    host.has_sent(&Letter {
        subject: "mutt",
        sender: "alice@example.com",
        recipients: &["bob@example.com", "carol@example.com", "hidden@example.com"],
        fields: &[
            "From: Alice Example <alice@example.com>",
            "To: bob@example.com",
            "Cc: carol@example.com",
        ],
        body: BODY,
    });
}

/// `-oem -oi -N success,failure -R hdrs -- bob@example.com`
#[test]
fn mutt_gets_the_notice_of_success_it_asks_for() {
    let Some(host) = Host::with(SETTINGS) else {
        return;
    };
    host.run(
        "alice",
        "echo text | mutt -s notice -e 'set from=alice@example.com dsn_notify=success,failure dsn_return=hdrs' bob@example.com",
    );
    let notice = host
        .mailbox()
        .wait_for("\nSubject: Successful Mail Delivery Report\n");
    let notice = String::from_utf8(notice).unwrap();
    for line in [
        "Delivered-To: alice@example.com\n",
        "Original-Recipient: rfc822;bob@example.com\n",
        "Content-Type: text/rfc822-headers",
        "Subject: notice\n",
    ] {
        let found = notice.contains(&format!("\n{line}"));
        assert!(found, "{line:?} is missing\n{notice}");
    }
}

/// `-i -f alice@example.com -- bob@example.com carol@example.com hidden@example.com`
#[test]
fn s_nail_sends_to_all_it_names_with_its_envelope_sender() {
    let Some(host) = Host::with(SETTINGS) else {
        return;
    };
    host.run(
        "alice",
        "printf 'one\\n.\\nGrüße\\n' | s-nail -s s-nail -r alice@example.com -c carol@example.com \
         -b hidden@example.com bob@example.com",
    );
    host.has_sent(&Letter {
        subject: "s-nail",
        sender: "alice@example.com",
        recipients: &["bob@example.com", "carol@example.com", "hidden@example.com"],
        fields: &[
            "From: alice@example.com",
            "To: bob@example.com",
            "Cc: carol@example.com",
        ],
        body: BODY,
    });
}

/// `-i -- root`
#[test]
fn s_nail_reaches_root_by_the_alias() {
    let Some(host) = Host::with(SETTINGS) else {
        return;
    };
    host.run("alice", "echo text | s-nail -s local root");
    host.has_sent(&Letter {
        subject: "local",
        sender: "alice@example.com",
        recipients: &["admin@example.com"],
        fields: &[],
        body: "text\n",
    });
}

#[test]
fn a_user_who_may_not_read_the_settings_or_the_password_is_told_so() {
    let Some(host) = Host::with(SETTINGS) else {
        return;
    };
    let said = |exit: i32, words: &str| {
        let call = "cd; code=0; echo text | /usr/sbin/sendmail root 2> said || code=$?";
        host.run(
            "alice",
            &format!("{call}; test $code = {exit} && grep -q '{words}' said"),
        );
    };
    host.put("/etc/smtpsend/config.toml", "600", SETTINGS);
    said(67, "this user may not read it: chmod a+r");
    let settings = "server = \"localhost\"\nuser = \"u\"\npassword-file = \"/etc/smtpsend/password\"\n\
                    [aliases]\nroot = \"admin@example.com\"\n";
    host.put("/etc/smtpsend/config.toml", "644", settings);
    host.put("/etc/smtpsend/password", "600", "secret");
    said(66, "each user needs a file of its own");
}

/// `-i -t -f alice@example.com`
#[test]
fn bsd_mailx_sends_to_those_in_its_header() {
    let Some(host) = Host::with(SETTINGS) else {
        return;
    };
    host.run(
        "alice",
        "printf 'one\\n.\\nGrüße\\n' | bsd-mailx -s bsd-mailx -r alice@example.com -c carol@example.com \
         -b hidden@example.com bob@example.com",
    );
    host.has_sent(&Letter {
        subject: "bsd-mailx",
        sender: "alice@example.com",
        recipients: &["bob@example.com", "carol@example.com", "hidden@example.com"],
        fields: &[
            "From: alice@example.com",
            "To: bob@example.com",
            "Cc: carol@example.com",
        ],
        body: BODY,
    });
}

/// `-f bounces@example.com -i bob@example.com carol@example.com hidden@example.com`
#[test]
fn git_sends_a_patch() {
    let Some(host) = Host::with(SETTINGS) else {
        return;
    };
    host.run(
        "alice",
        "cd /home/alice
         git init --quiet .
         git config user.name 'Alice Example'
         git config user.email alice@example.com
         printf 'one\\n.\\nGrüße\\n' > file
         git add file
         git commit --quiet --message first
         git -c sendemail.envelopeSender=bounces@example.com send-email --quiet --confirm=never \
           --to=bob@example.com --cc='Carol <carol@example.com>' --bcc=hidden@example.com --suppress-cc=all --root -1",
    );
    host.has_sent(&Letter {
        subject: "[PATCH] first",
        sender: "bounces@example.com",
        recipients: &["bob@example.com", "carol@example.com", "hidden@example.com"],
        fields: &[
            "From: Alice Example <alice@example.com>",
            "To: bob@example.com",
            "Cc: Carol <carol@example.com>",
        ],
        body: "\n+one\n+.\n+Grüße\n",
    });
}

/// `-t -i -fbounces@example.com`; its header ends in CRLF, its text as it was given.
#[test]
fn php_sends_to_those_in_its_header() {
    let Some(host) = Host::with(SETTINGS) else {
        return;
    };
    host.put(
        "/srv/mail.php",
        "0644",
        r#"<?php exit(mail('bob@example.com, "Carol C" <carol@example.com>', 'php', "one\n.\nGrüße\r\n",
            "From: shop@example.com\r\nBcc: hidden@example.com\r\nContent-Type: text/plain; charset=utf-8", '-fbounces@example.com') ? 0 : 1);"#,
    );
    host.run("www-data", "php /srv/mail.php");
    host.has_sent(&Letter {
        subject: "php",
        sender: "bounces@example.com",
        recipients: &["bob@example.com", "carol@example.com", "hidden@example.com"],
        fields: &[
            "From: shop@example.com",
            "To: bob@example.com, \"Carol C\" <carol@example.com>",
        ],
        body: BODY,
    });
}

/// `-bs`: the envelope and the message by SMTP
#[test]
fn symfony_speaks_smtp_unless_told_otherwise() {
    symfony_sends_by("sendmail://default");
}

/// `-i -fshop@example.com -- bob@example.com hidden@example.com`
#[test]
fn symfony_sends_as_php_is_set_up_to() {
    symfony_sends_by("native://default");
}

fn symfony_sends_by(transport: &str) {
    let Some(host) = Host::with(SETTINGS) else {
        return;
    };
    host.put(
        "/srv/mail.php",
        "0644",
        r#"<?php
        require '/usr/share/php/Symfony/Component/Mailer/autoload.php';
        $letter = (new Symfony\Component\Mime\Email())->from('shop@example.com')->to('bob@example.com')
            ->bcc('hidden@example.com')->subject('symfony')->text("one\n.\nGrüße\n");
        (new Symfony\Component\Mailer\Mailer(Symfony\Component\Mailer\Transport::fromDsn($argv[1])))->send($letter);"#,
    );
    host.run("www-data", &format!("php /srv/mail.php {transport}"));
    host.has_sent(&Letter {
        subject: "symfony",
        sender: "shop@example.com",
        recipients: &["bob@example.com", "hidden@example.com"],
        fields: &["From: shop@example.com", "To: bob@example.com"],
        body: BODY,
    });
}

/// `-t -oi -oem -fbounces@example.com`, to /usr/lib/sendmail
#[test]
fn mime_lite_sends_to_those_in_its_header() {
    let Some(host) = Host::with(SETTINGS) else {
        return;
    };
    host.put(
        "/srv/mail.pl",
        "0644",
        r#"use MIME::Lite;
        MIME::Lite->new(From => 'alice@example.com', To => 'bob@example.com', Cc => 'carol@example.com',
            Bcc => 'hidden@example.com', Subject => 'lite', Data => "one\n.\nend\n")
            ->send('sendmail', FromSender => 'bounces@example.com') or die;"#,
    );
    host.run("alice", "perl /srv/mail.pl");
    host.has_sent(&Letter {
        subject: "lite",
        sender: "bounces@example.com",
        recipients: &["bob@example.com", "carol@example.com", "hidden@example.com"],
        fields: &[
            "From: alice@example.com",
            "To: bob@example.com",
            "Cc: carol@example.com",
        ],
        body: "one\n.\nend\n",
    });
}

/// `-i -f bounces@example.com -- bob@example.com hidden@example.com`
#[test]
fn email_sender_sends_to_those_of_its_envelope() {
    let Some(host) = Host::with(SETTINGS) else {
        return;
    };
    host.put(
        "/srv/mail.pl",
        "0644",
        r#"use Email::Sender::Simple 'sendmail';
        use Email::Sender::Transport::Sendmail;
        use Email::Simple;
        my $letter = Email::Simple->create(
            header => [From => 'alice@example.com', To => 'bob@example.com', Subject => 'sender'],
            body => "one\n.\nend\n");
        sendmail($letter, {from => 'bounces@example.com', to => ['bob@example.com', 'hidden@example.com'],
            transport => Email::Sender::Transport::Sendmail->new});"#,
    );
    host.run("alice", "perl /srv/mail.pl");
    host.has_sent(&Letter {
        subject: "sender",
        sender: "bounces@example.com",
        recipients: &["bob@example.com", "hidden@example.com"],
        fields: &["From: alice@example.com", "To: bob@example.com"],
        body: "one\n.\nend\n",
    });
}

/// `-t`, so a dot alone would end it
#[test]
fn mail_mailer_sends_to_those_in_its_header() {
    let Some(host) = Host::with(SETTINGS) else {
        return;
    };
    host.put(
        "/srv/mail.pl",
        "0644",
        r#"use Mail::Mailer;
        my $mail = Mail::Mailer->new('sendmail');
        $mail->open({From => 'alice@example.com', To => 'bob@example.com', Cc => 'carol@example.com',
            Subject => 'mailer'});
        print $mail "one\n.two\n";
        $mail->close or die;"#,
    );
    host.run("alice", "perl /srv/mail.pl");
    host.has_sent(&Letter {
        subject: "mailer",
        sender: "alice@example.com",
        recipients: &["bob@example.com", "carol@example.com"],
        fields: &[
            "From: alice@example.com",
            "To: bob@example.com",
            "Cc: carol@example.com",
        ],
        body: "one\n.two\n",
    });
}

/// `bob@example.com 'Carol C <carol@example.com>' hidden@example.com`, and CRLF line ends
#[test]
fn django_sends_to_those_of_its_envelope() {
    let Some(host) = Host::with(SETTINGS) else {
        return;
    };
    host.put(
        "/srv/mail.py",
        "0644",
        r#"
from django.conf import settings
settings.configure(EMAIL_BACKEND="cr_sendmail.backends.SendmailBackend")
from django.core.mail import EmailMessage
EmailMessage("django", "one\n.two\nGrüße\n", "shop@example.com", ["bob@example.com"],
    cc=["Carol C <carol@example.com>"], bcc=["hidden@example.com"]).send()
"#,
    );
    host.run("alice", "python3 /srv/mail.py");
    host.has_sent(&Letter {
        subject: "django",
        sender: "shop@example.com",
        recipients: &["bob@example.com", "carol@example.com", "hidden@example.com"],
        fields: &[
            "From: shop@example.com",
            "To: bob@example.com",
            "Cc: Carol C <carol@example.com>",
        ],
        body: "one\n.two\nGrüße\n",
    });
}

/// `-t -oi`, as Python's own manual has it
#[test]
fn python_sends_by_a_pipe() {
    let Some(host) = Host::with(SETTINGS) else {
        return;
    };
    host.put(
        "/srv/mail.py",
        "0644",
        r#"
from email.message import EmailMessage
from subprocess import run
letter = EmailMessage()
letter["Subject"] = "pipe"
letter["From"] = "alice@example.com"
letter["To"] = "bob@example.com"
letter["Bcc"] = "hidden@example.com"
letter.set_content("one\n.\nGrüße\n")
run(["/usr/sbin/sendmail", "-t", "-oi"], input=letter.as_bytes(), check=True)
"#,
    );
    host.run("alice", "python3 /srv/mail.py");
    host.has_sent(&Letter {
        subject: "pipe",
        sender: "alice@example.com",
        recipients: &["bob@example.com", "hidden@example.com"],
        fields: &["From: alice@example.com", "To: bob@example.com"],
        body: BODY,
    });
}
