//! Markdown becomes HTML that is safe to show.
//!
//! Owns the dialect (CommonMark with tables, task lists and struck out text) and what of it reaches a
//! reader: HTML in it is shown as text, links and pictures lead only where a mail program may go. Refuses
//! nothing; what may not be a link stays as its text. CommonMark 0.31, GitHub Flavored Markdown.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

const START: &str = "\
<!DOCTYPE html>
<html>
<head>
<meta charset=\"utf-8\">
<style>
body { font-family: sans-serif; line-height: 1.4; }
pre, code { font-family: monospace; background: #f4f4f4; }
pre { padding: 0.6em; overflow-x: auto; }
table { border-collapse: collapse; }
th, td { border: 1px solid #bbb; padding: 0.2em 0.6em; }
blockquote { border-left: 3px solid #bbb; margin-left: 0; padding-left: 1em; }
</style>
</head>
<body>
";
const END: &str = "</body>\n</html>\n";
/// What a link or a picture may begin with; without any of them it stays within the message.
const SCHEMES: [&str; 5] = ["http", "https", "mailto", "tel", "cid"];

/// An HTML document of `markdown`.
///
/// ```
/// use smtpsend::message::markdown_to_html;
/// let html = markdown_to_html("- [x] *all* is <b>well</b>");
/// assert!(html.contains("<li>\u{2611} <em>all</em> is &lt;b&gt;well&lt;/b&gt;</li>"));
/// ```
pub fn to_html(markdown: &str) -> String {
    let dialect =
        Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_STRIKETHROUGH;
    let mut safe = Safe::default();
    let events = Parser::new_ext(markdown, dialect).filter_map(|event| safe.event(event));
    let mut document = String::from(START);
    html::push_html(&mut document, events);
    document.push_str(END);
    document
}

/// What lets through only what is safe.
#[derive(Default)]
struct Safe {
    /// Whether each link or picture that is open was let through.
    open: Vec<bool>,
}

impl Safe {
    fn event<'a>(&mut self, event: Event<'a>) -> Option<Event<'a>> {
        Some(match event {
            Event::Html(html) | Event::InlineHtml(html) => Event::Text(html),
            Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
            Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
            Event::TaskListMarker(is_done) => Event::Text(CowStr::from(if is_done {
                "\u{2611} "
            } else {
                "\u{2610} "
            })),
            Event::Start(Tag::Link { ref dest_url, .. } | Tag::Image { ref dest_url, .. }) => {
                let passes = is_safe(dest_url);
                self.open.push(passes);
                return passes.then_some(event);
            }
            Event::End(TagEnd::Link | TagEnd::Image) => {
                return self.open.pop().unwrap_or_default().then_some(event);
            }
            event => event,
        })
    }
}

/// Whether a mail program may go there. Browsers pass over white space and control characters.
fn is_safe(url: &str) -> bool {
    let is_seen = |c: &char| !c.is_control() && !c.is_whitespace();
    let url: String = url.chars().filter(is_seen).collect();
    // Without a scheme it would lead to wherever the mail is read, unless it leads to a place in it.
    url.starts_with('#')
        || url.split_once(':').is_some_and(|(scheme, _)| {
            let known = SCHEMES.iter();
            known
                .clone()
                .any(|known| known.eq_ignore_ascii_case(scheme))
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;

    fn body(markdown: &str) -> String {
        let html = to_html(markdown);
        let body = html.strip_prefix(START).unwrap();
        body.strip_suffix(END).unwrap().to_owned()
    }

    #[test]
    fn what_reports_are_written_with_becomes_html() {
        for (markdown, html) in [
            (
                "# Report\n\nAll is *well*.\n",
                "<h1>Report</h1>\n<p>All is <em>well</em>.</p>\n",
            ),
            (
                "| a | b |\n|---|--:|\n| 1 | 2 |\n",
                "<table><thead><tr><th>a</th><th style=\"text-align: right\">b</th></tr></thead><tbody>\n\
                 <tr><td>1</td><td style=\"text-align: right\">2</td></tr>\n</tbody></table>\n",
            ),
            (
                "```rust\nlet a = 1 < 2;\n```\n",
                "<pre><code class=\"language-rust\">let a = 1 &lt; 2;\n</code></pre>\n",
            ),
            (
                "- [x] done\n- [ ] ~~open~~\n",
                "<ul>\n<li>\u{2611} done</li>\n<li>\u{2610} <del>open</del></li>\n</ul>\n",
            ),
        ] {
            assert_eq!(body(markdown), html);
        }
    }

    #[test]
    fn html_is_shown_as_text() {
        assert_eq!(
            body("a <b onclick=x>c</b> <!-- d -->"),
            "<p>a &lt;b onclick=x&gt;c&lt;/b&gt; &lt;!-- d --&gt;</p>\n"
        );
        let block = body("<script>\nalert(1)\n</script>\n\nafter");
        assert!(
            block.starts_with("<p>&lt;script&gt;\nalert(1)\n&lt;/script&gt;"),
            "{block}"
        );
    }

    #[test]
    fn links_lead_only_where_a_mail_program_may_go() {
        for url in [
            "https://x.test/a?b=1",
            "HTTP://x.test",
            "mailto:a@x.test",
            "tel:+1",
            "cid:logo.png",
            "#top",
        ] {
            assert!(body(&format!("[a]({url})")).contains("<a href=\""), "{url}");
            assert!(
                body(&format!("![a]({url})")).contains("<img src=\""),
                "{url}"
            );
        }
        for url in [
            "report/a:b.html",
            "//x.test/a",
            "/logout",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java&#10;script:alert(1)",
            "&#x6A;avascript:alert(1)",
            "javascript&colon;alert(1)",
            "<\u{1}javascript:alert(1)>",
            "<java\tscript:alert(1)>",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
        ] {
            for markdown in [
                format!("[a]({url})"),
                format!("![a]({url})"),
                format!("[a]\n\n[a]: {url}"),
                format!("<{url}>"),
                format!("[![a]({url})]({url})"),
            ] {
                let html = body(&markdown);
                assert!(
                    !html.contains("<a ") && !html.contains("<img"),
                    "{markdown}: {html}"
                );
            }
        }
        let mixed = body("[![a](data:x)](https://x.test) ![[b](data:y)](cid:z)");
        assert_eq!(
            mixed,
            "<p><a href=\"https://x.test\">a</a> <img src=\"cid:z\" alt=\"b\" /></p>\n"
        );
    }

    #[test]
    fn neither_depth_nor_length_costs_more_than_it_has() {
        let start = Instant::now();
        for piece in [
            ">",
            "[",
            "![",
            "*",
            "* ",
            "1. ",
            "[a](",
            "**a ",
            "`a",
            "<",
            "|",
            "a|b\n-|-\n",
        ] {
            let markdown = piece.repeat(20_000);
            let html = to_html(&markdown);
            assert!(html.len() < 40 * markdown.len(), "{piece}");
        }
        assert!(start.elapsed() < Duration::from_secs(60));
    }

    proptest! {
        #[test]
        fn no_tag_comes_out_that_is_not_ours(
            markdown in "(<script>|<a href='javascript:x'>|<img onerror=x>|\\[|\\]|\\(javascript:a\\)|\\(data:a \"b\"\\)|!|\\*|`|> |- |\n|a|\"|<|&lt;|\\||-){0,30}"
        ) {
            let html = body(&markdown);
            let tags = html.split('<').skip(1).map(|tag| tag.split('>').next().unwrap());
            for tag in tags {
                let tag = tag.trim_start_matches('/');
                let name: String = tag.chars().take_while(char::is_ascii_alphanumeric).collect();
                let ours = "p em strong a img code pre ul ol li blockquote hr h1 h2 h3 h4 h5 h6 br del table thead tbody tr th td";
                prop_assert!(ours.split(' ').any(|other| other == name), "{html}");
                prop_assert!(!tag.contains(" onerror") && !tag.contains("=\"javascript:") && !tag.contains("=\"data:"), "{html}");
            }
        }
    }
}
