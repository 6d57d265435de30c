//! Two texts -> the unified diff between them, as `diff -u` writes it

use std::fmt::Write as _;

use similar::algorithms::{Capture, Compact, Replace, myers};
use similar::udiff::UnifiedHunkHeader;
use similar::{ChangeTag, group_diff_ops};

/// Lines that are alike around those that are not
const CONTEXT: usize = 3;

/// The diff from `before` to `after`, which are called `from` and `to` in its head; nothing where they are equal
///
/// It calls its algorithm by name: `similar::TextDiff` has six of them compiled, which is 0.7 MB of the program.
pub fn unified(before: &str, after: &str, from: &str, to: &str) -> String {
    let [before, after] = [before, after].map(|text| text.split_inclusive('\n').collect::<Vec<_>>());
    let (old, new) = (before.as_slice(), after.as_slice());
    let mut found = Compact::new(Replace::new(Capture::new()), old, new);
    let Ok(()) = myers::diff(&mut found, old, 0..old.len(), new, 0..new.len());
    let hunks = group_diff_ops(found.into_inner().into_inner().into_ops(), CONTEXT);
    let mut text = String::new();
    for hunk in hunks.iter().filter(|hunk| !hunk.is_empty()) {
        if text.is_empty() {
            text = format!("--- {from}\n+++ {to}\n");
        }
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", UnifiedHunkHeader::new(hunk));
        for change in hunk.iter().flat_map(|op| op.iter_changes(old, new)) {
            text.push(match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            });
            text += change.value();
            if !change.value().ends_with('\n') {
                text += "\n\\ No newline at end of file\n";
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_that_are_near_share_a_hunk_and_the_others_have_their_own() {
        let lines = |marked: &[usize]| {
            let line = |n: usize| if marked.contains(&n) { format!("{n} new\n") } else { format!("{n}\n") };
            (1..=20).map(line).collect::<String>()
        };
        assert_eq!(unified(&lines(&[]), &lines(&[]), "a", "b"), "");
        assert_eq!(
            unified(&lines(&[]), &lines(&[2, 4, 16]), "a", "b"),
            "--- a\n+++ b\n@@ -1,7 +1,7 @@\n 1\n-2\n+2 new\n 3\n-4\n+4 new\n 5\n 6\n 7\n\
            @@ -13,7 +13,7 @@\n 13\n 14\n 15\n-16\n+16 new\n 17\n 18\n 19\n"
        );
    }

    #[test]
    fn ends_without_a_new_line_are_told_as_diff_does() {
        let told = "--- a\n+++ b\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+x\n";
        assert_eq!(unified("x", "x\n", "a", "b"), told);
        assert_eq!(unified("", "x\n", "a", "b"), "--- a\n+++ b\n@@ -0,0 +1 @@\n+x\n");
    }

    #[test]
    fn it_is_what_the_library_writes_of_all_kinds_of_texts() {
        use proptest::prelude::*;
        let lines = || proptest::collection::vec("[abc]{0,1}", 0..30).prop_map(|lines| lines.join("\n"));
        proptest!(|(before in lines(), after in lines())| {
            let whole = similar::TextDiff::from_lines(&before, &after);
            let theirs = whole.unified_diff().header("a", "b").to_string();
            prop_assert_eq!(unified(&before, &after, "a", "b"), theirs);
        });
    }
}
