//! Links in HTML, as text.
//!
//! Owns which of them are told: those that lead out of the message and are not in the text already.

/// A link whose end has not come.
pub(super) struct Link {
    url: String,
    /// As much of its text as tells whether it is the URL, without white space.
    text: String,
}

impl Link {
    /// A link to `href`, when it leads anywhere.
    pub(super) fn to(href: &str) -> Option<Self> {
        let url: String = href.trim().chars().filter(|c| !c.is_control()).collect();
        let leads_nowhere = ["javascript:", "data:", "cid:"].iter().any(|scheme| {
            let start = url.get(..scheme.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        });
        if url.is_empty() || url.starts_with('#') || leads_nowhere {
            return None;
        }
        let url = url
            .replace(' ', "%20")
            .replace('<', "%3C")
            .replace('>', "%3E");
        Some(Self {
            url,
            text: String::new(),
        })
    }

    /// Hears a piece of its text.
    pub(super) fn heard(&mut self, text: &str) {
        for c in text.chars().filter(|c| !c.is_whitespace()) {
            if self.text.len() > self.url.len() {
                break;
            }
            self.text.push(c);
        }
    }

    /// Where it leads, unless its text says so.
    pub(super) fn url(self) -> Option<String> {
        let url = self.url.strip_prefix("mailto:").unwrap_or(&self.url);
        let plain = ["https://", "http://", "tel:"]
            .iter()
            .find_map(|start| url.strip_prefix(start));
        let said = [Some(url), plain].into_iter().flatten().any(|url| {
            let same = |text: &str| text.trim_end_matches('/').to_lowercase();
            same(url) == same(&self.text)
        });
        (!said).then(|| url.to_owned())
    }
}
