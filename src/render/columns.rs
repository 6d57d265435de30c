//! Rows of cells -> lines whose columns stand one below the other, by how wide a terminal shows them. Pure.

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

use super::style::paint;
use super::web::linked;

/// What stands in a column
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    text: String,
    style: Style,
    page: Option<String>,
}

impl Cell {
    pub(super) fn new(text: String, style: Style) -> Self {
        Self { text, style, page: None }
    }

    pub(super) fn plain(text: String) -> Self {
        Self::new(text, Style::new())
    }

    /// The same, which leads to `page`
    pub(super) fn linked(self, page: Option<String>) -> Self {
        Self { page, ..self }
    }

    fn shown(&self) -> String {
        let text = paint(self.style, &self.text);
        self.page.as_ref().map_or_else(|| text.clone(), |page| linked(&text, page))
    }
}

/// How many columns of a terminal `text` takes
pub(super) fn width(text: &str) -> usize {
    // What is printable ASCII takes a column each, which need not be looked up.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) { text.len() } else { text.width() }
}

/// `text` and as many spaces as it lacks
pub(super) fn padded(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(width(text))))
}

/// Between two columns
pub(super) const GAP: usize = 2;

/// How wide a column is that begins at `at`: as its widest cell, of those that a terminal has room for, with what stands `beside` each.
/// The others would push all rows of the column apart, and stand out by themselves
pub(super) fn widest<T>(
    at: usize,
    cells: impl IntoIterator<Item = T>,
    own: impl Fn(&T) -> usize,
    beside: impl Fn(&T) -> usize,
    room: Option<usize>,
) -> usize {
    let fits = |cell: &T| room.is_none_or(|room| at + own(cell) + GAP + beside(cell) <= room);
    cells.into_iter().filter(fits).map(|cell| own(&cell)).max().unwrap_or_default()
}

/// The lines, each begun by `margin`; a column that has nothing in it takes no room
pub(super) fn columns(margin: &str, rows: &[Vec<Cell>], room: Option<usize>) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    let (mut at, mut widths) = (width(margin), Vec::new());
    for column in 0..count {
        let own = |row: &&Vec<Cell>| row.get(column).map_or(0, |cell| width(&cell.text));
        let beside = |row: &&Vec<Cell>| row.get(column + 1).map_or(0, |cell| width(&cell.text));
        let is_shown = rows.iter().any(|row| own(&row) > 0);
        widths.push(is_shown.then(|| widest(at, rows, own, beside, room)));
        at += widths[column].map_or(0, |width| width + GAP);
    }
    rows.iter().map(|row| line(margin, row, &widths)).collect()
}

fn line(margin: &str, row: &[Cell], widths: &[Option<usize>]) -> String {
    let shown: Vec<(&Cell, usize)> =
        row.iter().zip(widths).filter_map(|(cell, width)| Some((cell, (*width)?))).collect();
    let last = shown.iter().rposition(|(cell, _)| !cell.text.is_empty()).map_or(0, |last| last + 1);
    let cells = shown.iter().take(last).enumerate().map(|(at, (cell, to))| {
        let room = if at + 1 == last { 0 } else { to.saturating_sub(width(&cell.text)) };
        cell.shown() + &" ".repeat(room)
    });
    format!("{margin}{}\n", cells.collect::<Vec<_>>().join(&" ".repeat(GAP)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_one_below_the_other_however_wide_their_letters_are() {
        let rows = [["a", "", "1"], ["鍵鍵", "", "2"], ["é", "", ""]];
        let rows = rows.map(|row| row.map(|text| Cell::plain(text.to_owned())).to_vec());
        assert_eq!(columns("", &rows, None), "a     1\n鍵鍵  2\né\n");
    }

    #[test]
    fn what_a_terminal_has_no_room_for_stands_out_and_pushes_nothing_else() {
        let rows = [["a", "1", "x"], ["bb", "22", "y"], ["c-much-too-long", "3", "z"]];
        let rows = rows.map(|row| row.map(|text| Cell::plain(text.to_owned())).to_vec());
        let apart = "  a   1   x\n  bb  22  y\n  c-much-too-long  3   z\n";
        assert_eq!(columns("  ", &rows, Some(19)), apart);
        let aligned = "  a                1   x\n  bb               22  y\n  c-much-too-long  3   z\n";
        assert_eq!(columns("  ", &rows, None), aligned);
        assert_eq!(columns("  ", &rows, Some(24)), aligned);
        let narrow = "  a  1  x\n  bb  22  y\n  c-much-too-long  3  z\n";
        assert_eq!(columns("  ", &rows, Some(1)), narrow);
    }
}
