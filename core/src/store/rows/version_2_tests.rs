//! Rows that version 2 wrote, byte by byte, are read for ever.

use crate::store::codec::{decode, encode};
use crate::store::rows::*;
use crate::types::*;

const RESERVATION: &str = "02090000000000000003000000000000007265710200000005000000000000007569642d31010500000000000000616c\
    696365010000000000000001000000000000006b010000000000000076070000000000000006000000000000006f7065\
    6e6169030000000000000067707404000000000000007465787401000002007d00000000000000000000000300000000\
    0000005553446400000000000000010400000000000000686f6c6440420f000000000040548900000000000100000000\
    000000030000000000000001fbffffffffffffff00000100190000000000000000000000010300000000000000555344\
    0100";

/// The bytes of the number of tokens in that row.
const HUNDRED_TOKENS: &str = "6400000000000000010400000000000000686f6c64";

fn bytes(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|place| u8::from_str_radix(&text[place..place + 2], 16).unwrap()).collect()
}

fn tokens_of(row: &str) -> Option<u64> {
    let row: ReservationRow = decode(&bytes(row)).unwrap();
    row.reservation(5).unwrap().request.worst_case_tokens
}

#[test]
fn a_reservation_knows_its_tokens_unless_it_had_written_a_number_that_means_unknown() {
    assert_eq!(tokens_of(RESERVATION), Some(100));
    for unknown in ["0000000000000000", "ffffffffffffffff"] {
        let known = RESERVATION.replace(HUNDRED_TOKENS, &format!("{unknown}{}", &HUNDRED_TOKENS[16..]));
        assert_ne!(known, RESERVATION);
        assert_eq!(tokens_of(&known), None, "{unknown}");
    }
}

#[test]
fn a_reservation_keeps_all_else_and_is_written_in_the_next_version() {
    let row: ReservationRow = decode(&bytes(RESERVATION)).unwrap();
    assert_eq!(encode(&row).unwrap()[0], 4);
    let reservation = row.reservation(5).unwrap();
    assert_eq!((reservation.session, reservation.request.record_uid.as_str()), (9, "uid-1"));
    assert_eq!(reservation.request.on_unpriced, Some(UnpricedPolicy::Hold));
    assert_eq!((reservation.holds.len(), reservation.holds[0].exchange), (1, None));
}

#[test]
fn a_row_of_version_2_that_was_cut_is_damage() {
    let whole = bytes(RESERVATION);
    for cut in 1..whole.len() {
        let error = decode::<ReservationRow>(&whole[..cut]).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CorruptedFile, "cut at {cut}");
    }
}
