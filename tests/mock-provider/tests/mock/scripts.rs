//! Scripted replies, their faults, counts and recordings.

use std::io::{ErrorKind, Read as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::{Answer, call, connect, post, read, server, wait_until};
use mock_provider::{Counts, Fault, Framing, MockProvider, Reply, Script, Then};
use serde_json::{Value, json};

fn play(server: &MockProvider, reply: Reply) -> Answer {
    server.script("s", reply).unwrap();
    post(server, "/s/s/v1/chat/completions", &chat(false))
}

fn chat(stream: bool) -> Value {
    json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "hello there"}]})
}

fn ten_bytes() -> Reply {
    Reply { body: Some(json!("0123456789")), ..Reply::default() }
}

#[test]
fn replies_come_in_order_and_then_as_the_script_says() {
    let server = server();
    let statuses = |then: Then| -> Vec<u16> {
        let replies = [Reply::rate_limited(2), Reply::overloaded_529(), Reply::server_error()];
        server.script("order", Script::new(replies).then(then)).unwrap();
        (0..5).map(|_| post(&server, "/s/order/v1/messages", &json!({"messages": []})).status.unwrap()).collect()
    };
    assert_eq!(statuses(Then::RepeatLast), [429, 529, 500, 500, 500]);
    assert_eq!(statuses(Then::Cycle), [429, 529, 500, 429, 529]);
    assert_eq!(statuses(Then::Automatic), [429, 529, 500, 200, 200]);
}

#[test]
fn errors_are_written_in_the_format_of_the_path() {
    let server = server();
    let reply = play(&server, Reply::rate_limited(7));
    assert_eq!((reply.status, reply.header("retry-after")), (Some(429), Some("7")));
    assert_eq!(reply.json()["error"]["code"], "rate_limit_exceeded");
    server.script("s", Reply::overloaded_529()).unwrap();
    assert_eq!(post(&server, "/s/s/v1/messages", &json!({})).json()["error"]["type"], "overloaded_error");
    let gemini = post(&server, "/s/s/v1beta/models/g:generateContent", &json!({})).json();
    assert_eq!((&gemini["error"]["status"], &gemini["error"]["code"]), (&json!("UNAVAILABLE"), &json!(529)));
}

#[test]
fn helpers_make_the_usual_replies() {
    let server = server();
    assert_eq!(play(&server, Reply::unauthorized()).json()["error"]["code"], "invalid_api_key");
    assert_eq!(play(&server, Reply::insufficient_quota()).json()["error"]["code"], "insufficient_quota");
    assert_eq!(play(&server, Reply::context_length_exceeded()).status, Some(400));
    let broken = play(&server, Reply::malformed_json());
    assert!(broken.status == Some(200) && serde_json::from_str::<Value>(&broken.text()).is_err());
    let silent = play(&server, Reply::without_usage()).json();
    assert!(silent.get("usage").is_none() && silent["choices"][0]["message"]["content"] == "You said: hello there");
    let stated = play(&server, Reply::text("fixed words").usage(json!({"prompt_tokens": 7}))).json();
    assert_eq!(stated["usage"], json!({"prompt_tokens": 7}));
    assert_eq!(stated["choices"][0]["message"]["content"], "fixed words");
    assert_eq!(play(&server, Reply::json(json!("text"))).text(), "\"text\"");
    assert_eq!(play(&server, Reply::json(json!({"a": 1})).status(201)).status, Some(201));
}

#[test]
fn bodies_come_from_text_base64_and_files() {
    let server = server();
    let binary = play(&server, Reply { body_base64: Some("AP8Q".to_owned()), ..Reply::default() });
    assert_eq!((binary.body.as_slice(), binary.header("content-length")), (&[0, 255, 16][..], Some("3")));
    let path = std::env::temp_dir().join(format!("mock-provider-{}.json", server.address().port()));
    std::fs::write(&path, r#"{"kept": 1.50}"#).unwrap();
    let file = Reply { body_file: Some(path.clone()), ..Reply::default() }.header("content-type", "application/json");
    server.script("file", file.clone()).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(post(&server, "/s/file/any", &json!({})).text(), r#"{"kept": 1.50}"#, "read when it was registered");
    assert!(server.script("file", file).unwrap_err().to_string().contains("cannot be read"));
    assert_eq!(play(&server, Reply::default()).header("content-length"), Some("0"));
}

#[test]
fn events_are_framed_as_asked() {
    let server = server();
    let events = [json!({"delta": 1}), json!("[DONE]"), json!({"event": "done", "data": {"x": "y"}})];
    let reply = play(&server, Reply::events(events.clone()));
    assert_eq!(reply.header("content-type"), Some("text/event-stream"));
    assert_eq!(
        reply.chunks(),
        (
            vec![
                "data: {\"delta\":1}\n\n".to_owned(),
                "data: [DONE]\n\n".to_owned(),
                "event: done\ndata: {\"x\":\"y\"}\n\n".to_owned(),
            ],
            true
        )
    );
    let reply = play(&server, Reply { framing: Framing::Crlf, ..Reply::events(events) });
    assert!(reply.text().starts_with("data: {\"delta\":1}\r\n\r\ndata: [DONE]\r\n\r\nevent: done\r\ndata: "));
}

#[test]
fn a_body_is_split_into_pieces() {
    let reply = play(&server(), ten_bytes().chunk_bytes(4));
    assert_eq!(reply.chunks(), (vec!["0123".to_owned(), "4567".to_owned(), "89".to_owned()], true));
}

#[test]
fn a_stream_can_fail_in_its_middle() {
    let server = server();
    server.script("s", Reply::automatic().error_after_events(2)).unwrap();
    let chat_events = post(&server, "/s/s/v1/chat/completions", &chat(true)).data();
    assert_eq!(chat_events.len(), 3);
    assert!(chat_events[2].contains("server_error"));
    let messages = post(&server, "/s/s/v1/messages", &chat(true));
    assert!(messages.text().contains("event: error\ndata: "));
    assert!(messages.data()[2].contains("overloaded_error"));
    for count in [0, 2] {
        server.script("s", Reply::automatic().error_after_events(count)).unwrap();
        let body = json!({"contents": [{"parts": [{"text": "hello there"}]}]});
        let array = post(&server, "/s/s/v1beta/models/g:streamGenerateContent", &body).json();
        assert!(array.as_array().unwrap().len() == count + 1 && array[count]["error"]["code"] == 529);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test of real delays reads the real clock")]
fn delays_are_kept() {
    let server = server();
    let start = Instant::now();
    play(&server, ten_bytes().delay(Duration::from_millis(60)));
    assert!(start.elapsed() >= Duration::from_millis(60));
    let start = Instant::now();
    let paced = play(&server, ten_bytes().chunk_bytes(4).chunk_delay(Duration::from_millis(30)));
    assert_eq!(paced.text(), "0123456789");
    assert!(start.elapsed() >= Duration::from_millis(60), "two waits between three pieces");
}

#[test]
fn a_hang_ends_only_when_the_client_gives_up() {
    let server = server();
    for (fault, head, body) in
        [(Fault::Hang, false, ""), (Fault::HangAfterHead, true, ""), (Fault::HangAfterBytes(3), true, "012")]
    {
        server.reset();
        server.script("s", ten_bytes().fault(fault)).unwrap();
        let stream = connect(server.address(), "POST", "/s/s/v1/chat/completions", "{}");
        stream.set_read_timeout(Some(Duration::from_millis(150))).unwrap();
        let answer = read(stream);
        assert_eq!(answer.end, Some(ErrorKind::WouldBlock), "{fault:?}");
        assert_eq!((answer.status.is_some(), answer.text().as_str()), (head, body), "{fault:?}");
        wait_until("the client's end is counted", || server.script_counts("s").aborted == 1);
        assert_eq!(server.script_counts("s").under_way(), 0);
    }
}

#[test]
fn a_reset_reaches_the_client_before_the_head_or_in_the_body() {
    let server = server();
    let before = play(&server, ten_bytes().fault(Fault::Reset));
    assert_eq!((before.end, before.status), (Some(ErrorKind::ConnectionReset), None));
    let within = play(&server, ten_bytes().fault(Fault::ResetAfterBytes(4)));
    assert_eq!((within.end, within.text().as_str()), (Some(ErrorKind::ConnectionReset), "0123"));
    server.script("s", Reply::automatic().fault(Fault::ResetAfterBytes(300))).unwrap();
    let stream = post(&server, "/s/s/v1/chat/completions", &chat(true));
    assert_eq!((stream.end, stream.text().len()), (Some(ErrorKind::ConnectionReset), 300));
    assert_eq!(server.script_counts("s").faulted, 3);
}

#[test]
fn a_body_is_truncated_in_order_or_by_a_closed_connection() {
    let server = server();
    let clean = play(&server, ten_bytes().fault(Fault::TruncateAfterBytes(4)));
    assert_eq!((clean.end, clean.chunks()), (None, (vec!["0123".to_owned()], true)));
    let closed = play(&server, ten_bytes().fault(Fault::CloseAfterBytes(4)));
    assert_eq!((closed.end, closed.header("content-length"), closed.text().as_str()), (None, Some("10"), "0123"));
    let closed = play(&server, ten_bytes().chunk_bytes(3).fault(Fault::CloseAfterBytes(4)));
    assert_eq!((closed.end, closed.chunks()), (None, (vec!["012".to_owned(), "3".to_owned()], false)));
    let counts = server.script_counts("s");
    assert_eq!((counts.started, counts.completed, counts.faulted), (3, 1, 2));
}

#[test]
fn a_client_that_hangs_up_in_a_stream_is_counted() {
    let server = server();
    server.script("s", Reply::automatic().chunk_delay(Duration::from_millis(20))).unwrap();
    let mut stream: TcpStream = connect(server.address(), "POST", "/s/s/v1/chat/completions", &chat(true).to_string());
    stream.read_exact(&mut [0; 20]).unwrap();
    wait_until("the request is under way", || server.script_counts("s").under_way() == 1);
    drop(stream);
    wait_until("the hang-up is counted", || server.script_counts("s").aborted == 1);
    assert_eq!(server.script_counts("s").completed, 0);
}

#[test]
fn counts_are_kept_by_script_and_by_path() {
    let server = server();
    let sent = post(&server, "/v1/chat/completions", &chat(false)).body.len() as u64;
    let length = chat(false).to_string().len() as u64;
    play(&server, ten_bytes());
    let counts = server.counts();
    let one = |bytes_sent| Counts { started: 1, completed: 1, bytes_received: length, bytes_sent, ..Counts::default() };
    assert_eq!(counts.paths["/v1/chat/completions"], one(sent));
    assert_eq!(counts.scripts["s"], one(10));
    assert_eq!((counts.total.started, counts.connections), (2, 2));
    let over_http: Value = call(&server, "GET", "/_mock/counts", "").json();
    assert_eq!(over_http["scripts"], serde_json::to_value(&counts.scripts).unwrap());
    assert_eq!(call(&server, "POST", "/_mock/reset", "").status, Some(200));
    assert_eq!(server.counts().total, Counts::default());
}

#[test]
fn requests_are_recorded_for_scripts_and_on_demand() {
    let server = server();
    post(&server, "/v1/chat/completions", &chat(false));
    assert_eq!(server.requests(None), []);
    assert_eq!(call(&server, "PUT", "/_mock/recording", "true").status, Some(200));
    post(&server, "/v1/chat/completions?version=2", &chat(false));
    play(&server, ten_bytes());
    call(&server, "POST", "/s/s/raw", "plain text");
    let requests = server.requests(None);
    assert_eq!(requests.len(), 3);
    assert_eq!((requests[0].path.as_str(), &requests[0].body), ("/v1/chat/completions?version=2", &chat(false)));
    let listed = call(&server, "GET", "/_mock/requests?script=s&last=1", "").json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(
        (&listed[0]["path"], &listed[0]["body"], &listed[0]["script"]),
        (&json!("/raw"), &json!("plain text"), &json!("s"))
    );
    assert_eq!(server.requests(Some("s"))[1].header("x-test"), Some("yes"));
    for _ in 0..1001 {
        call(&server, "POST", "/s/s/more", "");
    }
    assert_eq!(server.requests(None).len(), 1000, "the oldest make room");
}

#[test]
fn scripts_are_registered_listed_and_removed_over_http() {
    let server = server();
    let script = json!({"replies": [
        {"status": 503, "fault": {"truncate_after_bytes": 2}, "body": {"a": 1}},
        {"automatic": true, "chunk_delay_ms": 1},
    ], "then": "cycle"});
    let put = call(&server, "PUT", "/_mock/scripts/flaky", &script.to_string());
    assert_eq!((put.status, put.json()), (Some(200), json!({})));
    let first = post(&server, "/s/flaky/v1/chat/completions", &chat(false));
    assert_eq!((first.status, first.text().as_str()), (Some(503), "{\""));
    assert_eq!(post(&server, "/s/flaky/v1/chat/completions", &chat(false)).status, Some(200));
    assert_eq!(call(&server, "GET", "/_mock/scripts", "").json()["flaky"]["then"], "cycle");
    assert_eq!(call(&server, "DELETE", "/_mock/scripts/flaky", "").status, Some(200));
    let gone = post(&server, "/s/flaky/v1/chat/completions", &chat(false));
    assert_eq!(gone.status, Some(404));
    assert!(gone.json()["error"]["message"].as_str().unwrap().contains("PUT /_mock/scripts/flaky"));
}

#[test]
fn wrong_scripts_are_refused_with_what_to_change() {
    let server = server();
    for (script, hint) in [
        (json!({"replies": []}), "add replies"),
        (json!({"replies": [{"boddy": 1}]}), "unknown field"),
        (json!({"replies": [{"body": "x", "automatic": true}]}), "keep one"),
        (json!({"replies": [{}, {"status": 99}]}), "reply 1"),
        (json!({"replies": [{"status": 100}]}), "200 to 599"),
        (json!({"replies": [{"text": "x"}]}), "set `automatic`"),
        (json!({"replies": [{"chunk_bytes": 0}]}), "1 or more"),
        (json!({"replies": [{"headers": {"bad name": "x"}}]}), "header name"),
        (json!({"replies": [{"body_base64": "*"}]}), "base64"),
    ] {
        let answer = call(&server, "PUT", "/_mock/scripts/wrong", &script.to_string());
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(answer.status == Some(400) && message.contains(hint), "{script}: {message}");
    }
    assert_eq!(call(&server, "PUT", "/_mock/scripts/a%20b", r#"{"replies": [{}]}"#).status, Some(400));
    assert_eq!(call(&server, "GET", "/_mock/nothing", "").status, Some(404));
    assert_eq!(call(&server, "GET", "/_mock/requests?last=x", "").status, Some(400));
    assert_eq!(call(&server, "PUT", "/_mock/recording", "maybe").status, Some(400));
}
