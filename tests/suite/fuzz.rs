//! The fuzzers' harness on a stable compiler: the corpus as it is, and cut up, spliced, doubled and turned around. `PROPTEST_CASES`
//! says how often; what a change of bytes finds that comes near to the good ones, pure chance does not.

#[path = "../../fuzz/harness.rs"]
mod harness;

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;

/// What has a meaning somewhere, and what has none anywhere
const WORDS: [&str; 70] = [
    "alias/other/x",
    "\n",
    " ",
    "\t",
    ":",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "\\",
    ",",
    ", ,",
    "&a ",
    "*a",
    "*key",
    "<<: ",
    "!!str ",
    "|\n",
    "---\n",
    "#",
    "@",
    "null",
    "~",
    "yes",
    "0",
    "-1",
    "12",
    "1e999",
    "9223372036854775808",
    "alias/",
    "alias/app/x",
    "alias/aws/",
    "absent",
    "protect: []\n",
    "targets: {}\n",
    "aliases:\n",
    "\"kms:RequestAlias\"",
    "${aws:username}",
    "*",
    "**",
    "?",
    "? ",
    "%",
    "%7",
    "%C3",
    "### ListAliases 200\n",
    "### DescribeKey 500\n",
    " 204\n",
    "\"__type\":",
    "[[[[",
    "true",
    "\"\"",
    "&#27;",
    "<a>",
    "</",
    "\\ud800",
    "\r\n",
    "\u{0}",
    "\u{1b}[2J",
    "\u{85}",
    "\u{2028}",
    "\u{202e}",
    "\u{feff}",
    "é",
    "\u{1F511}",
    "\\u001b[2J",
];

/// One change of some bytes; places are parts of whatever length they have by then
#[derive(Clone, Debug)]
enum Edit {
    Flip(Index, u8),
    Cut(Index, Index),
    Truncate(Index),
    Insert(Index, Vec<u8>),
    /// A piece of another file
    Splice(Index, Index, Index, usize),
    /// A word becomes another wherever it stands, so that what belongs together stays so
    Rename(Index, Vec<u8>),
    /// A line comes again elsewhere
    Repeat(Index, Index, usize),
}

/// One of those, or any bytes
pub fn word() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::sample::select(WORDS.map(|word| word.as_bytes().to_vec()).to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..8),
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    prop_oneof![
        3 => (at(), any::<u8>()).prop_map(|(at, bits)| Edit::Flip(at, bits)),
        2 => (at(), at()).prop_map(|(from, to)| Edit::Cut(from, to)),
        1 => at().prop_map(Edit::Truncate),
        3 => (at(), word()).prop_map(|(at, word)| Edit::Rename(at, word)),
        6 => (at(), word()).prop_map(|(at, word)| Edit::Insert(at, word)),
        4 => (at(), at(), at(), 1..200_usize).prop_map(|(at, file, from, length)| Edit::Splice(at, file, from, length)),
        3 => (at(), at(), 1..4_usize).prop_map(|(line, to, times)| Edit::Repeat(line, to, times)),
    ]
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let place = |index: &Index, bytes: &[u8]| index.index(bytes.len() + 1);
        match self {
            Self::Flip(at, bits) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] ^= bits;
            }
            Self::Flip(..) => {}
            Self::Cut(from, length) => {
                let from = place(from, bytes);
                bytes.drain(from..from + length.index(40.min(bytes.len() - from) + 1));
            }
            Self::Truncate(at) => bytes.truncate(place(at, bytes)),
            Self::Insert(at, word) => insert(bytes, place(at, bytes), word),
            Self::Splice(at, file, from, length) => {
                let other = &corpus[file.index(corpus.len())];
                let from = place(from, other);
                insert(bytes, place(at, bytes), &other[from..other.len().min(from + length)]);
            }
            Self::Rename(at, other) => {
                let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"/_-.".contains(byte);
                let words: Vec<_> =
                    bytes.split(|byte| !is_word(byte)).filter(|word| !word.is_empty()).collect();
                if let Some(word) = words.get(at.index(words.len().max(1))).map(|word| word.to_vec()) {
                    *bytes = replaced(bytes, &word, other);
                }
            }
            Self::Repeat(line, to, times) => {
                let lines: Vec<_> =
                    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                if let Some(line) = lines.get(line.index(lines.len().max(1))) {
                    let starts: Vec<usize> = lines
                        .iter()
                        .scan(0, |at, line| {
                            *at += line.len();
                            Some(*at)
                        })
                        .collect();
                    insert(bytes, starts[to.index(starts.len())], &line.repeat(*times));
                }
            }
        }
    }
}

fn replaced(bytes: &[u8], word: &[u8], other: &[u8]) -> Vec<u8> {
    let (mut all, mut rest) = (Vec::new(), bytes);
    while let Some(at) = rest.windows(word.len()).position(|window| window == word) {
        all.extend([&rest[..at], other].concat());
        rest = &rest[at + word.len()..];
    }
    [&all, rest].concat()
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    bytes.splice(at..at, piece.iter().copied());
}

/// Every file of these directories, and these files, in order
fn corpus(paths: &[&str]) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for path in paths.iter().map(Path::new) {
        match path.is_dir() {
            true => files.extend(
                fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()),
            ),
            false => files.push(path.to_owned()),
        }
    }
    files.sort();
    files
        .iter()
        .filter(|path| path.extension().is_none_or(|e| e != "txt"))
        .map(|path| fs::read(path).unwrap())
        .collect()
}

/// Drives `harness` with the corpus, and with what edits make of it
fn fuzz(paths: &[&str], harness: fn(&[u8])) {
    let corpus = corpus(paths);
    assert!(!corpus.is_empty());
    corpus.iter().for_each(|bytes| harness(bytes));
    // What is found goes into the corpus instead.
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let edits = prop::collection::vec(edit(), 1..12);
    proptest!(config, |(file in any::<Index>(), edits in edits)| {
        let mut bytes = corpus[file.index(corpus.len())].clone();
        edits.iter().for_each(|edit| edit.apply(&mut bytes, &corpus));
        harness(&bytes);
    });
}

#[test]
fn whatever_a_manifest_is_it_is_loaded_or_explained() {
    fuzz(&["tests/manifests", "examples", "aliases.yaml"], harness::manifest);
}

#[test]
fn whatever_another_tool_says_of_its_aliases_it_is_told_or_refused() {
    fuzz(&["tests/suite/foreign"], harness::claims);
}

#[test]
fn whatever_a_receipt_is_it_cannot_take_back_what_is_not_ours() {
    fuzz(&["tests/suite/receipts", "fuzz/corpus/receipt"], harness::receipt);
}

#[test]
fn whatever_a_saved_plan_is_it_asks_for_no_more_than_the_manifest() {
    fuzz(&["fuzz/corpus/plan"], harness::plan);
}

#[test]
fn whatever_a_policy_is_it_is_told_or_unknown() {
    fuzz(&["fuzz/corpus/policies"], harness::policies);
}

#[test]
fn whatever_an_event_is_nothing_is_blamed_that_does_not_lead_to_what_is_live() {
    fuzz(&["fuzz/corpus/events"], harness::events);
}

#[test]
fn whatever_the_service_answers_a_listing_is_whole_or_an_error() {
    fuzz(&["fuzz/corpus/answers"], harness::answers);
}

#[test]
fn whatever_an_endpoint_answers_it_is_read_whole_or_told_and_never_taken_for_a_write() {
    fuzz(&["fuzz/corpus/bodies"], harness::bodies::bodies);
}
