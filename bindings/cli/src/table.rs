//! Tables as text.

use std::io::{Result, Write};

use tollway::types::printable;

/// Which side of its column a cell is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// Rows of cells under headings, of which columns without any text are left out.
pub(crate) struct Table<const COLUMNS: usize> {
    sides: [Side; COLUMNS],
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// Makes a table of headings and the sides of their columns.
    pub(crate) fn new(columns: [(&str, Side); COLUMNS]) -> Self {
        Self { sides: columns.map(|(_, side)| side), rows: vec![columns.map(|(heading, _)| heading.to_owned())] }
    }

    /// Adds a row. What a terminal would obey in its cells is escaped.
    pub(crate) fn push(&mut self, row: [String; COLUMNS]) {
        self.rows.push(row.map(|cell| printable(&cell).into_owned()));
    }

    /// Writes the table, each line without spaces at its end.
    pub(crate) fn write(&self, output: &mut impl Write) -> Result<()> {
        let width = |column: usize| {
            let used = self.rows[1..].iter().any(|row| !row[column].is_empty());
            used.then(|| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default())
        };
        let widths: [Option<usize>; COLUMNS] = std::array::from_fn(width);
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, width), side) in row.iter().zip(widths).zip(self.sides) {
                let Some(width) = width else { continue };
                if !line.is_empty() {
                    line.push_str("  ");
                }
                let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
                match side {
                    Side::Left => line.extend([cell.as_str(), padding.as_str()]),
                    Side::Right => line.extend([padding.as_str(), cell.as_str()]),
                }
            }
            writeln!(output, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_empty_ones_left_out() {
        let mut table = Table::new([("name", Side::Left), ("nothing", Side::Left), ("count", Side::Right)]);
        table.push(["duck".to_owned(), String::new(), "7".to_owned()]);
        table.push(["é".to_owned(), String::new(), "1234567".to_owned()]);
        let mut text = Vec::new();
        table.write(&mut text).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "name    count\nduck        7\né     1234567\n");
    }

    #[test]
    fn a_cell_is_one_line_and_moves_no_cursor() {
        let mut table = Table::new([("name", Side::Left)]);
        table.push(["\u{1b}[2Jgone\nnext".to_owned()]);
        let mut text = Vec::new();
        table.write(&mut text).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "name\n\\u{1b}[2Jgone\\nnext\n");
    }
}
