//! A misspelt word and the words there are -> the word that was meant. Pure.

/// The word of `words` nearest to `word`, if it is near enough to be meant
pub(crate) fn nearest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer words are never meant by anybody, and the table below grows with their square.
    if word.len() > 100 {
        return None;
    }
    let letters = word.chars().count();
    let allowed = (letters / 3).max(1);
    let alike = words.into_iter().filter(|other| other.chars().count().abs_diff(letters) <= allowed);
    let near = alike.map(|other| (distance(word, other), other));
    near.filter(|(distance, _)| *distance <= allowed).min().map(|(_, other)| other)
}

/// Letters inserted, deleted, replaced or swapped with a neighbour, case put aside
fn distance(a: &str, b: &str) -> usize {
    let [a, b] = [a, b].map(|text| text.to_lowercase().chars().collect::<Vec<_>>());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let differs = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + differs);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_meant_if_it_is_near_enough() {
        let words = ["aliases", "scope", "targets"];
        for (wrote, meant) in [
            ("alises", Some("aliases")),
            ("alaises", Some("aliases")),
            ("Scope", Some("scope")),
            ("scopes", Some("scope")),
            ("target", Some("targets")),
            ("xyz", None),
            ("", None),
        ] {
            assert_eq!(nearest(wrote, words), meant, "{wrote}");
        }
    }
}
