//! Messages in HTML and of Markdown.

use std::fs;

use tempfile::TempDir;

use crate::attachments::{Leaf, field, printed, printing};
use crate::delivery::delivered;
use crate::support::Smtpsend;

const HTML: &str = "<h1>Report</h1><p>See <a href=\"https://x.test/1\">the log</a>. \
     <img src=\"cid:my%20logo.png\" alt=\"Logo\">\n";

fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("page.html"), HTML).unwrap();
    fs::write(folder.path().join("my logo.png"), b"\x89PNG\r\n\x1a\n\0").unwrap();
    folder
}

fn kinds(leaves: &[Leaf]) -> Vec<String> {
    let kind = |leaf: &Leaf| {
        let value = field(&leaf.header, "Content-Type");
        value.split(';').next().unwrap().to_owned()
    };
    leaves.iter().map(kind).collect()
}

#[test]
fn html_has_its_text_beside_it_and_leaves_standard_input_alone() {
    let folder = folder();
    let delivery = delivered(|call| {
        call.folder(folder.path())
            .args(["--html", "page.html", "--inline", "my logo.png"])
            .stdin_never_ends()
    });
    let leaves = crate::attachments::leaves(&delivery.message.text());
    assert_eq!(kinds(&leaves), ["text/plain", "text/html", "image/png"]);
    assert_eq!(
        leaves[0].text(),
        "Report\r\n\r\nSee the log <https://x.test/1>. Logo"
    );
    assert_eq!(leaves[1].text(), HTML.trim_end());
    assert_eq!(field(&leaves[2].header, "Content-ID"), "<my%20logo.png>");
    let content_type = delivery.fields("Content-Type").concat();
    assert!(
        content_type.starts_with("multipart/related;")
            && content_type.ends_with("type=\"multipart/alternative\""),
        "{content_type}"
    );
}

#[test]
fn the_text_of_html_can_be_given() {
    let folder = folder();
    let html = ["--html", "page.html"];
    for (args, stdin) in [
        (&["--body", "My text"][..], ""),
        (&["--body-file", "-"], "My text\n"),
        (&["--input", "body"], "My text\n"),
    ] {
        let leaves = printed(|call| {
            let call = call.folder(folder.path()).args(html);
            call.args(args.iter().copied()).stdin(stdin)
        });
        assert_eq!(kinds(&leaves), ["text/plain", "text/html"]);
        assert_eq!(leaves[0].text(), "My text");
    }
}

#[test]
fn html_can_be_read_from_standard_input() {
    let leaves = printed(|call| call.args(["--html", "-"]).stdin("<p>gr\u{fc}n"));
    assert_eq!(leaves[0].text(), "gr=C3=BCn");
    assert_eq!(leaves[1].text(), "<p>gr=C3=BCn");
}

#[test]
fn html_is_read_in_the_charset_that_it_says_or_that_is_said() {
    for (args, html) in [
        (&[][..], &b"<meta charset=latin1>gr\xfcn"[..]),
        (&["--charset", "latin1"], b"gr\xfcn"),
        (&[], b"\xff\xfeg\0r\0\xfc\0n\0"),
    ] {
        let leaves = printed(|call| call.args(args).args(["--html", "-"]).stdin(html));
        assert_eq!(leaves[0].text(), "gr=C3=BCn");
        let kind = field(&leaves[1].header, "Content-Type");
        assert_eq!(kind, "text/html; charset=utf-8");
    }
}

#[test]
fn html_too_large_for_a_text_is_sent_alone_with_a_warning() {
    let html = format!("<p>{}", "x".repeat(9 << 20));
    let output = printing()
        .args(["--html", "-"])
        .stdin(html)
        .stderr_has("warning: no text is made of the HTML")
        .run();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("multipart"));
}

#[test]
fn markdown_is_sent_as_it_is_and_in_html() {
    let markdown = "# Report\n\n- [x] all **well**\n\n<script>alert(1)</script>\n";
    for call in [
        printing().arg("--markdown").stdin(markdown),
        printing().args(["--markdown", "--body", markdown]),
    ] {
        let output = call.run();
        let leaves = crate::attachments::leaves(&String::from_utf8(output.stdout).unwrap());
        assert_eq!(kinds(&leaves), ["text/plain", "text/html"]);
        let text = leaves[0].text().replace("\r\n", "\n");
        assert_eq!(text, markdown.trim_end());
        let html = leaves[1].text();
        assert!(html.contains("<strong>well</strong>") && html.contains("&lt;script&gt;"));
        assert!(!html.contains("<script"), "{html}");
    }
}

#[test]
fn markdown_that_cannot_be_read_as_text_is_sent_as_text_alone() {
    printing()
        .arg("--markdown")
        .stdin(b"# gr\xfcn\n")
        .stderr_has("warning: the Markdown is sent as a text alone")
        .stderr_has("unknown-8bit")
        .run();
}

#[test]
fn html_and_markdown_exclude_each_other() {
    Smtpsend::new()
        .args(["-n", "--html", "a.html", "--markdown"])
        .fails_with(64)
        .stderr_has("'--html <PATH>' cannot be used with '--markdown'")
        .run();
}
