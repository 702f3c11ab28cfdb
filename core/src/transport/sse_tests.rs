use futures_util::stream;
use proptest::prelude::*;

use super::*;
use crate::types::ErrorKind;

fn event(event: &str, data: &str) -> ServerEvent {
    ServerEvent { event: event.to_owned(), data: data.to_owned() }
}

/// Reads a body that comes in pieces of a size.
fn read(body: &[u8], size: usize) -> Vec<ServerEvent> {
    let pieces: Vec<Result<Bytes>> = body.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut reader = EventReader::new(stream::iter(pieces));
        let mut events = Vec::new();
        while let Some(event) = reader.next().await {
            events.push(event.unwrap());
        }
        events
    })
}

fn assert_read(body: &str, events: &[ServerEvent]) {
    for size in 1..=body.len().max(1) {
        assert_eq!(read(body.as_bytes(), size), events, "{body:?} in pieces of {size}");
    }
}

#[test]
fn every_line_end_is_understood_wherever_it_is_split() {
    let events = [event("", "a"), event("x", "b")];
    for end in ["\n", "\r\n", "\r"] {
        assert_read(&"data: a||event: x|data:b||".replace('|', end), &events);
    }
}

#[test]
fn comments_blank_lines_and_unknown_fields_are_passed_over() {
    let body = ": OPENROUTER PROCESSING\n\n\n:HTTP_STATUS/200\nid: 7\nretry: 5\ndata:{\"a\": 1}\n\nevent: ping\n\n";
    assert_read(body, &[event("", "{\"a\": 1}")]);
}

#[test]
fn data_lines_are_joined_and_only_one_blank_is_taken_off() {
    assert_read("data: a\ndata:  b\ndata\n\n", &[event("", "a\n b\n")]);
}

#[test]
fn multi_byte_characters_may_be_split() {
    assert_read("data: 费用 €😀\n\n", &[event("", "费用 €😀")]);
}

#[test]
fn a_byte_order_mark_is_skipped() {
    assert_read("\u{feff}data: a\n\n", &[event("", "a")]);
    assert_read("\u{feff}{\"a\":1}", &[event("", "{\"a\":1}")]);
    assert_read(": alive\n\n\u{feff}data: a\n\n", &[event("", "a")]);
}

#[test]
fn the_last_event_is_read_without_a_blank_line() {
    for tail in ["", "\n", "\r", "\r\n", "\n\n"] {
        assert_read(&format!("data: a\n\ndata: b{tail}"), &[event("", "a"), event("", "b")]);
    }
}

#[test]
fn a_json_document_is_understood() {
    assert_read("\n [{\"a\": 1}\n,\r\n{\"b\": [2]}] ", &[event("", "{\"a\": 1}"), event("", "{\"b\": [2]}")]);
    assert_read("{\"a\": 1}\n", &[event("", "{\"a\": 1}")]);
    assert_read("[{\"a\": 1}, {\"b\"", &[event("", "{\"a\": 1}"), event("", "{\"b\"")]);
    assert_read("{\"a\": 1}\n{\"b\": 2}\n", &[event("", "{\"a\": 1}"), event("", "{\"b\": 2}")]);
    assert_read("", &[]);
    assert_read(" \n", &[]);
}

#[test]
fn events_are_told_apart_without_a_blank_line_between_them() {
    let events = [event("", "{\"a\": [\"}\"]}"), event("", "{\"b\": 2}"), event("", "[DONE]")];
    assert_read("data: {\"a\": [\"}\"]}\ndata: {\"b\": 2}\ndata: [DONE]\n", &events);
    let named = "event: x\ndata: {\"a\": 1}\nevent: y\ndata: {\"b\": 2}\n";
    assert_read(named, &[event("x", "{\"a\": 1}"), event("y", "{\"b\": 2}")]);
    let bare = ": alive\n{\"a\": 1}\n{\"b\": 2}\n";
    assert_read(bare, &[event("", "{\"a\": 1}"), event("", "{\"b\": 2}")]);
    // One document over several lines stays one.
    assert_read("data: {\"a\":\ndata: {\"b\": 2}\ndata: }\n\n", &[event("", "{\"a\":\n{\"b\": 2}\n}")]);
}

#[test]
fn a_line_that_is_an_error_is_an_event() {
    let body = "data: {\"a\": 1}\n\nerror: {\"code\": 500}\n\n";
    assert_read(body, &[event("", "{\"a\": 1}"), event("error", "{\"code\": 500}")]);
}

#[tokio::test]
async fn no_blank_line_is_waited_for_where_none_comes() {
    for body in ["data: [DONE]\n", "data: {\"a\": 1}\ndata: {\"b\": 2}\n", "data: {\"a\": 1}\n\ndata: [DONE]\r\n"] {
        let chunks = stream::iter([Ok(Bytes::from(body))]).chain(stream::pending());
        let mut reader = EventReader::new(chunks);
        for _ in 0..body.matches("data").count() {
            assert!(futures_util::FutureExt::now_or_never(reader.next()).is_some(), "{body:?}");
        }
    }
}

#[tokio::test]
async fn bytes_that_make_no_event_count_as_a_sign_of_life() {
    for quiet in [": keepalive\n\n", "\n", "event: ping\n\n", "data: {\"half", "id: 7\n"] {
        let chunks = vec![Ok(Bytes::from_static(b": x\n\n")), Ok(Bytes::copy_from_slice(quiet.as_bytes()))];
        let mut reader = EventReader::new(stream::iter(chunks).chain(stream::pending()));
        assert_eq!(reader.step().await.unwrap().unwrap(), Step::Life, "{quiet:?}");
        assert_eq!(reader.step().await.unwrap().unwrap(), Step::Life, "{quiet:?}");
        assert!(futures_util::FutureExt::now_or_never(reader.step()).is_none());
    }
}

#[tokio::test]
async fn dropping_a_pending_read_loses_no_event() {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel::<Result<Bytes>>();
    let chunks = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
    let mut reader = EventReader::new(chunks);
    sender.send(Ok(Bytes::from_static(b"data: a"))).unwrap();
    assert!(futures_util::FutureExt::now_or_never(reader.next()).is_none());
    sender.send(Ok(Bytes::from_static(b"b\n\n"))).unwrap();
    assert_eq!(reader.next().await.unwrap().unwrap(), event("", "ab"));
}

#[tokio::test]
async fn an_event_that_is_whole_is_read_where_the_body_breaks_off_behind_it() {
    for (tail, is_read) in [
        ("data: {\"b\": 2}", true),
        ("data: {\"b\": 2}\n", true),
        ("data: [DONE]", true),
        ("data: {\"b\": 2", false),
        ("data: {\"b\": {\"c\": 2}", false),
        ("dat", false),
        (": alive", false),
    ] {
        let chunks = vec![
            Ok(Bytes::from(format!("data: {{\"a\": 1}}\n\n{tail}"))),
            Err(Error::new(ErrorKind::ProviderUnavailable, "gone")),
        ];
        let mut reader = EventReader::new(stream::iter(chunks));
        assert_eq!(reader.next().await.unwrap().unwrap(), event("", "{\"a\": 1}"));
        if is_read {
            assert!(reader.next().await.unwrap().is_ok(), "{tail}");
        }
        assert!(reader.next().await.unwrap().is_err(), "{tail}");
        assert!(reader.next().await.is_none());
    }
}

#[test]
fn parsing_takes_time_linear_in_the_bytes() {
    // Each of these is a second of work at the most if no byte is looked at twice, and hours if all before it are.
    let blanks = Bytes::from_static(b" ");
    let mut parser = Parser::default();
    (0..400_000).for_each(|_| parser.push(&blanks));
    assert!(parser.line.is_empty());
    let mut parser = Parser::default();
    parser.push(format!("data: {}\n", " ".repeat(400_000)).as_bytes());
    (0..40_000).for_each(|_| parser.push(b"data: x\n"));
    assert!(parser.events.is_empty());
}

#[tokio::test]
async fn few_events_wait_whatever_comes_at_once() {
    let chunk = Bytes::from("data:\n\n".repeat(1 << 20));
    let mut reader = EventReader::new(stream::iter([Ok(chunk)]));
    let mut count = 0;
    while reader.next().await.is_some() {
        count += 1;
        assert!(reader.parser.events.len() <= PIECE / 7);
    }
    assert_eq!(count, 1 << 20);
}

#[tokio::test]
async fn a_body_that_ended_is_asked_for_no_more() {
    let once = stream::unfold(Some(Bytes::from_static(b"data: a\n\n")), |chunk| async { Some((Ok(chunk?), None)) });
    let mut reader = EventReader::new(once);
    while reader.next().await.is_some() {}
    // A stream like this one must not be polled behind its end.
    reader.discard().await;
}

#[tokio::test]
async fn no_event_follows_an_error() {
    let chunks = vec![
        Ok(Bytes::from_static(b"data: a\n\ndata: b")),
        Err(Error::new(ErrorKind::ProviderUnavailable, "gone")),
        Ok(Bytes::from_static(b"\n\n")),
    ];
    let mut reader = EventReader::new(stream::iter(chunks));
    assert_eq!(reader.next().await.unwrap().unwrap(), event("", "a"));
    assert!(reader.next().await.unwrap().is_err());
    assert!(reader.next().await.is_none());
}

proptest! {
    #[test]
    fn the_size_of_chunks_changes_no_event(body in "(data|event|:|: |x|[{]|€|\r|\n|\r\n){0,40}", size in 1_usize..9) {
        prop_assert_eq!(read(body.as_bytes(), size), read(body.as_bytes(), usize::MAX));
    }
}
