//! What goes into the messages: of everything some, the same in every run.

/// Words of many scripts: with joiners, combining marks, characters of four octets, from right to left.
const WORDS: [&str; 16] = [
    "report",
    "Gr\u{fc}\u{df}e",
    "\u{65e5}\u{672c}\u{8a9e}",
    "\u{ff8a}\u{ff9f}\u{ff9d}\u{30fb}\u{5bd2}\u{3044}",
    "\u{627}\u{644}\u{639}\u{631}\u{628}\u{64a}\u{629}",
    "\u{5e2}\u{5d1}\u{5e8}\u{5d9}\u{5ea}",
    "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{200d}\u{1f466}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e007f}",
    "e\u{301}a\u{308}n\u{303}",
    "\u{928}\u{92e}\u{938}\u{94d}\u{924}\u{947}",
    "\u{d55c}\u{ad6d}\u{c5b4}",
    "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}",
    "\u{1d54f}\u{20bb7}",
    "it's",
    "100%25",
    "a=b?c",
];
/// Names of files that were broken on the way before.
const NAMES: [&str; 18] = [
    "report.pdf",
    "two words.txt",
    "a\"quote\".txt",
    "semi;colon; name=x.csv",
    "back\\slash.txt",
    "it's utf-8''x.txt",
    "50%25 off.html",
    "=?utf-8?b?YQ==?=.txt",
    " leading and trailing ",
    "no-extension",
    ".hidden",
    "a,b<c>@d(e).json",
    "\u{202e}fdp.exe",
    "line\u{2028}separator\u{85}.txt",
    "\u{feff}mark.md",
    "caf\u{e9}.svg",
    "cafe\u{301}.svg",
    "\u{1f469}\u{200d}\u{1f52c}.eml",
];
/// Texts and files that were broken on the way before.
const OCTETS: [&[u8]; 14] = [
    b"",
    b"\0",
    b"\n",
    b"\r",
    b"a",
    b"a\r\nb\nc\rd\n\re",
    b"From here\n.\n..\nFrom there\n",
    b"--\n-- \n--=_\n",
    b"\xff\xfea\0\n\0",
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    b"Subject: x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n",
    b"PK\x03\x04\0\0",
    b"gr\xfcn\n",
    b"no end of line",
];

/// Picks, the same in every run.
pub(super) struct Pick(u64);

impl Pick {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        // Knuth's MMIX.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// Words with a space between them.
    fn words(&mut self, count: usize) -> String {
        let words: Vec<&str> = (0..count).map(|_| self.of(&WORDS)).collect();
        words.join(" ")
    }

    /// Up to a length that no line has.
    pub(super) fn subject(&mut self) -> String {
        match self.below(4) {
            0 => self.of(&WORDS).repeat(2000).chars().take(2000).collect(),
            1 => {
                let words = self.words(600);
                let long: String = words.chars().take(2000).collect();
                long.trim().to_owned()
            }
            _ => {
                let count = 1 + self.below(12);
                self.words(count)
            }
        }
    }

    /// A display name.
    pub(super) fn phrase(&mut self) -> String {
        let count = 1 + self.below(6);
        self.words(count)
    }

    pub(super) fn text(&mut self) -> String {
        let lines: Vec<String> = (0..self.below(8))
            .map(|_| {
                let count = self.below(30);
                self.words(count)
            })
            .collect();
        lines.join("\n")
    }

    /// So many files: their names and what they hold.
    pub(super) fn files(&mut self, count: usize) -> Vec<(String, Vec<u8>)> {
        (0..count).map(|_| (self.name(), self.octets())).collect()
    }

    /// At most 255 octets, what file systems take.
    fn name(&mut self) -> String {
        if self.below(3) > 0 {
            return self.of(&NAMES).replace('\u{85}', "");
        }
        let mut name = self.of(&WORDS).repeat(255);
        while name.len() > 255 {
            name.pop();
        }
        name
    }

    fn octets(&mut self) -> Vec<u8> {
        match self.below(3) {
            0 => {
                let count = self.below(3000);
                (0..count)
                    .map(|_| u8::try_from(self.below(256)).unwrap())
                    .collect()
            }
            1 => self.text().into_bytes(),
            _ => self.of(&OCTETS).to_vec(),
        }
    }
}
