//! What readers see of HTML that people and programs write, and of what nobody should.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::to_text;

#[test]
fn paragraphs_and_lines_are_told_by_their_elements() {
    for (html, text) in [
        ("", ""),
        ("  \n ", ""),
        ("plain", "plain\n"),
        ("<p>one\n  two</p>\n<p>three</p>", "one two\n\nthree\n"),
        (
            "<h1>Head</h1>text<br>next<br/>last",
            "Head\n\ntext\nnext\nlast\n",
        ),
        ("<div>a</div><div>b</div>", "a\nb\n"),
        ("<b>a</b><i> b</i>c", "a bc\n"),
        (
            "a&nbsp;&amp; b &lt;c&gt; &euro;&#x1f600;",
            "a & b <c> \u{20ac}\u{1f600}\n",
        ),
        ("a<hr>b", "a\n\n----------\n\nb\n"),
        ("<pre>a\n  b\n\nc </pre>d", "a\n  b\n\nc\n\nd\n"),
        ("a<!-- no --><!doctype html>b", "ab\n"),
        ("a &#7;&#0;\u{7}b", "a \u{fffd}b\n"),
    ] {
        assert_eq!(to_text(html), text, "{html}");
    }
}

#[test]
fn scripts_and_styles_are_no_text() {
    let html = "<!DOCTYPE html><html><head><title>T</title><style>p > a {}</style>\
        <script>if (a < b) { document.write('<p>x') }</script></head><body>text</body></html>";
    assert_eq!(to_text(html), "text\n");
}

#[test]
fn lists_and_quotations_show_their_depth() {
    let html = "text<ul><li>one<li><p>two</p><ol start=9><li>nine<li>ten</ol></li></ul>after";
    assert_eq!(
        to_text(html),
        "text\n\n- one\n- two\n\n  9. nine\n  10. ten\n\nafter\n"
    );
    let html = "a<blockquote><p>b</p><p>c</p><blockquote>d</blockquote></blockquote>e";
    assert_eq!(to_text(html), "a\n\n> b\n>\n> c\n>\n> > d\n\ne\n");
    let tasks = "<ul><li><input type=checkbox checked> done<li><input type=\"checkbox\"> open</ul>";
    assert_eq!(to_text(tasks), "- [x] done\n- [ ] open\n");
}

#[test]
fn links_keep_their_url() {
    for (html, text) in [
        (
            "<a href='https://x.test/a?b=1&amp;c=2'>the log</a>.",
            "the log <https://x.test/a?b=1&c=2>.\n",
        ),
        (
            "<a href='https://x.test/'>https://x.test</a>",
            "https://x.test\n",
        ),
        ("<a href='https://x.test/'>X.test</a>", "X.test\n"),
        ("<a href='mailto:a@x.test'>a@x.test</a>", "a@x.test\n"),
        ("<a href='mailto:a@x.test'>write</a>", "write <a@x.test>\n"),
        ("<a href='#top'>up</a> <a>none</a>", "up none\n"),
        (
            "<a href='javascript:alert(1)'>x</a><a href=' Data:text/html,'>y</a>",
            "xy\n",
        ),
        (
            "<a href='https://x.test/1'><img src=a alt='Logo'></a>",
            "Logo <https://x.test/1>\n",
        ),
        (
            "<a href='https://x.test/1'><img src=a></a>b",
            "<https://x.test/1>b\n",
        ),
        (
            "<a href='https://x.test/1'><div>a</div></a><p>b",
            "a <https://x.test/1>\n\nb\n",
        ),
        ("<a href='https://x.test/1'>a", "a <https://x.test/1>\n"),
    ] {
        assert_eq!(to_text(html), text, "{html}");
    }
}

#[test]
fn a_table_of_data_stands_in_columns() {
    let html = "<p>Disks:<table><thead><tr><th>Name<th>Used</thead>\
        <tr><td>/home<td>12 %</tr><tr><td>/<td><a href='https://x.test/1'>99 %</a></table>end";
    assert_eq!(
        to_text(html),
        "Disks:\n\n\
         Name  | Used\n\
         ------------------------------\n\
         /home | 12 %\n\
         /     | 99 % <https://x.test/1>\n\n\
         end\n"
            .replace("------------------------------", &"-".repeat(31))
    );
    let wide = format!(
        "<table><tr><td>{}<td>b<tr><td>c<td>d</table>",
        "a".repeat(120)
    );
    assert_eq!(to_text(&wide), format!("{} | b\nc | d\n", "a".repeat(120)));
}

#[test]
fn a_table_that_arranges_is_what_stands_in_it() {
    let html = "<table><tr><td><table><tr><td><h1>Head</h1></td></tr><tr><td>text</td></tr>\
        </table></td></tr><tr><td>foot</td></tr></table>";
    assert_eq!(to_text(html), "Head\n\ntext\nfoot\n");
    let html = "<table><tr><td>one<p>two<td>three</table>";
    assert_eq!(to_text(html), "one\n\ntwo\nthree\n");
}

#[test]
fn neither_depth_nor_length_costs_more_than_it_has() {
    let start = Instant::now();
    for (count, pieces) in [
        (
            100_000,
            "<div> <ul><li>x <blockquote>x <table><tr><td> <a^href=x>y",
        ),
        (
            5_000,
            "<blockquote>x <a^href=x>y <p> <b> <li> <ol><li> <tr> <td>x <pre> </div> </ul> </table> </a> < </ <!-- <! & &a <a^b \
             <script> <style> <svg> <![CDATA[ <br> <title> <select><option>x <img^alt=x>",
        ),
    ] {
        for piece in pieces.split_whitespace() {
            let html = piece.replace('^', " ").repeat(count);
            assert!(to_text(&html).len() < 40 * html.len(), "{piece}");
        }
    }
    let attributes: String = (0..10_000).map(|n| format!(" a{n}=1")).collect();
    assert_eq!(to_text(&format!("<p{attributes}>x")), "x\n");
    let text = "word ".repeat(100_000);
    assert_eq!(to_text(&text).len(), text.len());
    assert!(start.elapsed() < Duration::from_secs(60));
}

proptest! {
    #[test]
    fn what_is_written_has_no_control_characters_and_no_loose_ends(
        html in "(<(/?)(a|b|p|br|ul|ol|li|pre|table|tr|td|th|blockquote|hr|img)( href=x| alt=y)?>|[a &;\n\u{7}\u{e9}]|&nbsp;){0,40}"
    ) {
        let text = to_text(&html);
        prop_assert!(text.chars().all(|c| !c.is_control() || c == '\n'), "{text:?}");
        prop_assert!(text.is_empty() || text.ends_with('\n'));
        prop_assert!(!text.starts_with('\n') && !text.ends_with("\n\n"), "{text:?}");
        prop_assert!(!text.contains("\n\n\n"), "{text:?}");
    }
}
