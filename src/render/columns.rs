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

/// The lines, each begun by `margin`; a column that has nothing in it takes no room
pub(super) fn columns(margin: &str, rows: &[Vec<Cell>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widest =
        |column| rows.iter().filter_map(|row| row.get(column)).map(|cell: &Cell| width(&cell.text)).max();
    let widths: Vec<usize> = (0..count).map(|column| widest(column).unwrap_or_default()).collect();
    rows.iter().map(|row| line(margin, row, &widths)).collect()
}

fn line(margin: &str, row: &[Cell], widths: &[usize]) -> String {
    let shown: Vec<(&Cell, usize)> =
        row.iter().zip(widths.iter().copied()).filter(|(_, width)| *width > 0).collect();
    let last = shown.iter().rposition(|(cell, _)| !cell.text.is_empty()).map_or(0, |last| last + 1);
    let cells = shown.iter().take(last).enumerate().map(|(at, (cell, to))| {
        let room = if at + 1 == last { 0 } else { to.saturating_sub(width(&cell.text)) };
        cell.shown() + &" ".repeat(room)
    });
    format!("{margin}{}\n", cells.collect::<Vec<_>>().join("  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_one_below_the_other_however_wide_their_letters_are() {
        let rows = [["a", "", "1"], ["鍵鍵", "", "2"], ["é", "", ""]];
        let rows = rows.map(|row| row.map(|text| Cell::plain(text.to_owned())).to_vec());
        assert_eq!(columns("", &rows), "a     1\n鍵鍵  2\né\n");
    }
}
