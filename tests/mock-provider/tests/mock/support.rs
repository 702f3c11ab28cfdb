//! A client that shows what is on the wire: it decodes nothing that it is not asked to.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use mock_provider::MockProvider;
use serde_json::Value;

/// What came back, up to the end of the connection or to the client's patience.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: Option<u16>,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// How the connection ended: nothing for an orderly end, `WouldBlock` for a silence.
    pub(crate) end: Option<ErrorKind>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().filter_map(|line| line.split_once(": ")).find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    pub(crate) fn chunked(&self) -> bool {
        self.header("transfer-encoding") == Some("chunked")
    }

    /// Decodes chunks; also returns whether the last chunk came.
    pub(crate) fn chunks(&self) -> (Vec<String>, bool) {
        let mut chunks = Vec::new();
        let mut rest = self.body.as_slice();
        while let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
            let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
            if size == 0 {
                return (chunks, true);
            }
            chunks.push(String::from_utf8(rest[end + 2..end + 2 + size].to_vec()).unwrap());
            rest = &rest[end + 2 + size + 2..];
        }
        (chunks, false)
    }

    pub(crate) fn text(&self) -> String {
        if self.chunked() { self.chunks().0.concat() } else { String::from_utf8(self.body.clone()).unwrap() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// Returns the data of server-sent events.
    pub(crate) fn data(&self) -> Vec<String> {
        self.text()
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(|data| data.trim_end().to_owned())
            .collect()
    }
}

pub(crate) fn connect(address: SocketAddr, method: &str, path: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: mock\r\nx-test: yes\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    stream
}

pub(crate) fn read(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let end = loop {
        match stream.read(&mut buffer) {
            Ok(0) => break None,
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
            Err(error) => break Some(error.kind()),
        }
    };
    let split = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let head = split.map_or_else(String::new, |at| String::from_utf8(bytes[..at].to_vec()).unwrap());
    let body = split.map_or_else(Vec::new, |at| bytes[at + 4..].to_vec());
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Answer { status, head, body, end }
}

pub(crate) fn call(server: &MockProvider, method: &str, path: &str, body: &str) -> Answer {
    read(connect(server.address(), method, path, body))
}

pub(crate) fn post(server: &MockProvider, path: &str, body: &Value) -> Answer {
    call(server, "POST", path, &body.to_string())
}

/// Waits until a condition holds, at most five seconds.
#[expect(clippy::disallowed_methods, reason = "a test of real connections waits in real time")]
pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(5), "it never came to be: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn server() -> MockProvider {
    MockProvider::start_blocking(0, 1).unwrap()
}
