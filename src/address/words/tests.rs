//! That what is encoded comes back: read by a decoder of RFC 2047 that knows nothing of how it was made.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use proptest::prelude::*;

fn written(text: &str, charset: Charset) -> String {
    let mut value = String::new();
    let mut writer = EmailWriter::new(&mut value, 9, 0, false);
    unstructured(text, charset, &mut writer).unwrap();
    drop(writer);
    value
}

#[test]
fn only_the_words_that_need_it_are_encoded() {
    for (text, value) in [
        ("plain text", "plain text"),
        ("two  spaces", "two  spaces"),
        ("a größer b", "a =?utf-8?b?Z3LDtsOfZXI=?= b"),
        ("=?utf-8?q?=C3=BC?= x", "=?utf-8?q?=C3=BC?= x"),
        ("", ""),
    ] {
        assert_eq!(written(text, Charset::Utf8), value);
    }
}

#[test]
fn no_text_makes_a_long_or_an_empty_line() {
    for text in [
        "x".repeat(5000),
        " ".repeat(3000),
        format!("a{}b", " ".repeat(3000)),
        "ü".repeat(2000),
        "\u{1f600}".repeat(2000),
        "word ".repeat(1000),
        format!("{} ", "w".repeat(100)),
    ] {
        let value = written(&text, Charset::Utf8);
        for line in value.split("\r\n") {
            assert!(line.len() <= 78 || !line.trim().contains(' '), "{line}");
            assert!(line.len() <= 300 && !line.trim().is_empty(), "{line:?}");
        }
    }
}

#[test]
fn octets_of_no_charset_come_back_the_same() {
    let octets_in: Vec<u8> = (0x20..=0xff).collect();
    let text = undecoded(&octets_in);
    assert_eq!(octets(&text, Charset::Unknown8bit), octets_in);
    assert_eq!(
        written(&undecoded(b"a J\xf6rg"), Charset::Unknown8bit),
        "a =?unknown-8bit?b?SvZyZw==?="
    );
}

/// What an encoded word alone says, if this is one.
fn decoded_word(word: &str) -> Option<String> {
    let inner = word.strip_prefix("=?utf-8?b?")?.strip_suffix("?=")?;
    assert!(word.len() <= 75, "{word}");
    Some(String::from_utf8(STANDARD.decode(inner).unwrap()).expect(word))
}

/// What a reader shows of a field (RFC 2047 §6.2).
fn decoded(value: &str) -> String {
    let value = value.replace("\r\n", "");
    let (mut text, mut gap, mut after_encoded) = (String::new(), String::new(), false);
    for part in value.split_inclusive(' ') {
        let word = part.trim_end_matches(' ');
        if !word.is_empty() {
            let encoded = decoded_word(word);
            if !(after_encoded && encoded.is_some()) {
                text.push_str(&gap);
            }
            after_encoded = encoded.is_some();
            text.push_str(encoded.as_deref().unwrap_or(word));
            gap.clear();
        }
        gap.push_str(&part[word.len()..]);
    }
    text + &gap
}

/// Checks the lines of a field, and that its text comes back.
#[track_caller]
fn comes_back(text: &str) {
    let value = written(text, Charset::Utf8);
    assert_eq!(decoded(&value), text, "{value}");
    for (index, line) in value.split("\r\n").enumerate() {
        let before = if index == 0 { "Subject: ".len() } else { 0 };
        let could_be_shorter = line.trim().contains(' ') || line.contains("=?");
        assert!(before + line.len() <= 78 || !could_be_shorter, "{line}");
        assert!(
            before + line.len() <= 998 && !line.trim().is_empty(),
            "{line:?}"
        );
    }
}

/// What readers see as one character each: more than one code point in all of them.
const WHOLE: [&str; 9] = [
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{200d}\u{1f466}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "\u{1f1e9}\u{1f1ea}",
    "\u{1f44d}\u{1f3fd}",
    "e\u{301}",
    "a\u{308}\u{323}",
    "\u{915}\u{94d}\u{937}\u{93f}",
    "\u{1112}\u{1161}\u{11ab}",
    "\u{627}\u{64e}\u{651}",
];

#[test]
fn no_encoded_word_ends_inside_what_a_reader_sees_as_a_character() {
    for whole in WHOLE {
        for text in [
            whole.repeat(2000 / whole.chars().count()),
            format!("x{}", whole.repeat(50)),
        ] {
            comes_back(&text);
            for word in written(&text, Charset::Utf8).split_ascii_whitespace() {
                let word = decoded_word(word).unwrap();
                assert_eq!(
                    word.trim_start_matches('x').replace(whole, ""),
                    "",
                    "{word}"
                );
            }
        }
    }
}

#[test]
fn a_character_with_marks_without_end_is_cut_between_them() {
    comes_back(&format!("a{}", "\u{301}".repeat(20_000)));
    comes_back(&"\u{1f468}\u{200d}".repeat(1000));
}

#[test]
fn texts_of_all_scripts_come_back() {
    for text in [
        "漢字".repeat(1000),
        "العربية بدون مسافات ".repeat(100),
        "größer ".repeat(300),
        "  zwei  Leerzeichen  überall  ".into(),
        " leading".into(),
        "trailing ".into(),
        "   ".into(),
        format!("ü{}ü", " ".repeat(3000)),
        format!("{} ü", "plain ".repeat(500)),
        format!("{}ü", "p".repeat(899)),
        "a\tb".into(),
        "ü".into(),
    ] {
        comes_back(&text);
    }
}

#[test]
fn white_space_beside_words_that_came_encoded_is_kept() {
    let came = "=?utf-8?b?w7w=?=";
    for (text, shown) in [
        (format!("{came} ö"), "ü ö"),
        (format!("ö {came}"), "ö ü"),
        (format!("ö  {came}  ä x"), "ö  ü  ä x"),
        (format!("x {came} y"), "x ü y"),
    ] {
        assert_eq!(decoded(&written(&text, Charset::Utf8)), shown, "{text}");
    }
}

proptest! {
    #[test]
    fn every_text_comes_back(text in "([a-z]{0,9}|[ ]{1,20}|\\PC{0,30}|[漢é\u{301}\u{200d}\u{1f468}]{0,60}){0,40}") {
        prop_assume!(!text.is_empty() && !text.contains("=?"));
        comes_back(&text);
    }

    #[test]
    fn every_name_comes_back(text in "([a-z]{0,9}|[ ]{1,3}|\\PC{0,30}){1,9}") {
        prop_assume!(!text.contains("=?"));
        let text = format!("ü{text}");
        let mut value = String::new();
        let mut writer = EmailWriter::new(&mut value, 6, 0, false);
        phrase(&text, Charset::Utf8, &mut writer).unwrap();
        drop(writer);
        prop_assert_eq!(decoded(&value), text);
    }
}
