use std::io::{Read, Write};
use std::net::TcpListener;

use secrecy::SecretString;

use super::*;

fn request(url: String) -> EncodedRequest {
    EncodedRequest {
        method: "POST".to_owned(),
        url,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        secret_header: Some(("x-api-key", SecretString::from("sk-secret"))),
        body: b"{}".to_vec(),
    }
}

/// Answers one connection with fixed bytes and returns what was asked.
fn serve(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1?key=query-secret", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = Vec::new();
        let mut buffer = [0; 4096];
        while !asked.ends_with(b"{}") {
            let read = stream.read(&mut buffer).unwrap();
            asked.extend_from_slice(&buffer[..read]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(asked).unwrap()
    });
    (url, thread)
}

fn client() -> HttpClient {
    HttpClient::new(Arc::new(crate::environment::SystemEnvironment), Duration::from_secs(5), Proxies::default())
}

#[tokio::test]
async fn an_answer_of_any_status_comes_with_its_head_and_body() {
    let (url, asked) = serve("HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\ncontent-length: 2\r\n\r\nno");
    let response = client().send(request(url), &Progress::default()).await.unwrap();
    assert_eq!(response.head.status, 429);
    assert_eq!(response.head.header("retry-after"), Some("7"));
    assert_eq!(response.body().await.unwrap(), b"no");
    let asked = asked.join().unwrap();
    assert!(asked.starts_with("POST /v1?key=query-secret HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("x-api-key: sk-secret\r\n"), "{asked}");
}

#[tokio::test]
async fn how_far_a_request_came_is_known_whenever_its_caller_goes() {
    // The answer's head never ends.
    let (url, asked) = serve("HTTP/1.1 200 OK\r\n");
    let progress = Progress::default();
    let (client, request) = (client(), request(url));
    let sent = client.send(request, &progress);
    assert_eq!(progress.stage(), Stage::NotSent);
    assert!(tokio::time::timeout(Duration::from_secs(30), sent).await.unwrap().is_err());
    assert_eq!(progress.stage(), Stage::Sent);
    asked.join().unwrap();
    let (url, asked) = serve("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n");
    client.send(self::request(url), &progress).await.unwrap();
    assert_eq!(progress.stage(), Stage::Answered);
    assert!(asked.join().unwrap().contains("content-length: 2\r\n"));
}

#[tokio::test]
async fn a_request_that_meets_a_closed_connection_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").unwrap();
        // The next request comes over the same connection, which nobody reads any more.
        stream.peek(&mut buffer).unwrap();
    });
    let client = client();
    let first = client.send(request(url.clone()), &Progress::default()).await.unwrap();
    assert_eq!(first.body().await.unwrap(), b"{}");
    let progress = Progress::default();
    assert!(client.send(request(url), &progress).await.is_err());
    assert_eq!(progress.stage(), Stage::NotSent);
    server.join().unwrap();
}

#[tokio::test]
async fn an_object_ends_at_its_last_brace_whatever_the_length_says() {
    for (answer, body, is_whole) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n\n{\"a\": 1} more", "{\"a\": 1}", true),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n", "{}", true),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{\"a\": 1}", "{\"", false),
    ] {
        let (url, asked) = serve(answer);
        let mut response = client().send(request(url), &Progress::default()).await.unwrap();
        assert_eq!(response.first_byte(), None);
        assert!(response.read_ahead().await.unwrap());
        assert_eq!(response.first_byte(), Some(b'{'));
        let mut read = Vec::new();
        assert_eq!(response.read_object_to(&mut read).await.unwrap(), is_whole, "{answer}");
        assert_eq!(String::from_utf8(read).unwrap(), body);
        asked.join().unwrap();
    }
}

#[tokio::test]
async fn a_byte_order_mark_and_blanks_before_an_answer_are_skipped_however_they_are_split() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 4096];
        assert!(stream.read(&mut buffer).unwrap() > 0);
        let pieces: [&[u8]; 5] = [b" \n", b"\xef\xbb", b"\xbf\n", b" ", b"\t{\"a\": 1}"];
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
        for piece in pieces {
            stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).unwrap();
            stream.write_all(piece).unwrap();
            stream.write_all(b"\r\n").unwrap();
        }
    });
    let mut response = client().send(request(url), &Progress::default()).await.unwrap();
    while response.first_byte().is_none() {
        assert!(response.read_ahead().await.unwrap());
    }
    let mut read = Vec::new();
    assert!(response.read_object_to(&mut read).await.unwrap());
    assert_eq!(read, b"{\"a\": 1}");
    server.join().unwrap();
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (url, asked) = serve("HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(client().send(request(url), &Progress::default()).await.unwrap().head.status, 307);
    asked.join().unwrap();
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error_and_what_came_before_is_read() {
    let (url, asked) = serve("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\ndata: 1\n\ndata: 2");
    let mut events = client().send(request(url), &Progress::default()).await.unwrap().events();
    assert_eq!(events.next().await.unwrap().unwrap().data, "1");
    let error = events.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProviderUnavailable);
    assert!(events.next().await.is_none());
    asked.join().unwrap();
}

#[tokio::test]
async fn connection_errors_name_the_host_and_no_secret() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let progress = Progress::default();
    let Err(error) = client().send(request(format!("http://{address}/?key=query-secret")), &progress).await else {
        panic!("nobody listens there")
    };
    assert_eq!(progress.stage(), Stage::NotSent);
    assert_eq!(error.kind(), ErrorKind::ProviderUnavailable);
    assert!(error.is_retryable());
    assert!(error.detail().starts_with(&format!("{address} could not be reached")), "{error}");
    assert!(!error.detail().contains("secret"), "{error}");
    for url in ["not an address", "http://"] {
        let Err(error) = client().send(request(url.to_owned()), &progress).await else { panic!("{url} is no address") };
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    }
}
