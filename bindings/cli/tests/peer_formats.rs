//! The table of what price lists can say is the one that its program writes.

#[path = "../examples/peer_formats/rows.rs"]
mod rows;
#[path = "../examples/peer_formats/table.rs"]
mod table;

#[test]
fn the_table_is_up_to_date() {
    let written = std::fs::read_to_string(table::PATH).unwrap();
    assert_eq!(
        written,
        table::markdown(),
        "docs/peer-formats.md is out of date; run `cargo run -p tollway-cli --example peer_formats`"
    );
}

#[test]
fn tollways_own_form_says_everything_in_the_table() {
    for row in table::markdown().lines().filter(|line| line.starts_with("| ")).skip(1) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.last(), Some(&"billed"), "{row}");
    }
}
