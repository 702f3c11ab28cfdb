//! How the server starts and stops, in process and as a program.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::support::{connect, post, read, wait_until};
use mock_provider::MockProvider;
use serde_json::json;

/// How often a server is started and dropped, until nobody has its port.
const TRIES: u32 = 50;

#[test]
fn dropping_the_server_closes_its_port_and_connections() {
    // Whoever asks for a free port may be given this one as soon as it is free, but not every time.
    let port_was_free = (0..TRIES).any(|_| {
        let server = MockProvider::start_blocking(0, 2).unwrap();
        let address = server.address();
        let open = TcpStream::connect(address).unwrap();
        assert_eq!(post(&server, "/v1/chat/completions", &json!({"messages": []})).status, Some(200));
        drop(server);
        assert_eq!(read(open).status, None);
        TcpStream::connect(address).is_err()
    });
    assert!(port_was_free);
}

#[test]
fn a_taken_port_is_an_error() {
    let server = crate::support::server();
    let error = MockProvider::start_blocking(server.address().port(), 1).err().unwrap();
    assert!(error.to_string().contains("cannot be listened on"), "{error}");
}

#[test]
fn it_starts_inside_a_runtime_too() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let server = runtime.block_on(MockProvider::start()).unwrap();
    assert_eq!(server.script_url("x"), format!("{}/s/x", server.base_url()));
    assert_eq!(post(&server, "/v1/chat/completions", &json!({"messages": []})).status, Some(200));
}

#[test]
fn the_program_prints_its_address_and_ends_with_its_input() {
    let mut program =
        Command::new(env!("CARGO_BIN_EXE_mock-provider")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap().parse().unwrap();
    let answer = read(connect(address, "POST", "/v1/chat/completions", r#"{"messages": []}"#));
    assert_eq!(answer.status, Some(200));
    drop(program.stdin.take());
    let program = std::cell::RefCell::new(program);
    wait_until("the program ends", || program.borrow_mut().try_wait().unwrap().is_some());
    assert!(program.borrow_mut().wait().unwrap().success());
}

#[test]
fn wrong_arguments_are_refused() {
    for arguments in [&["--port", "x"][..], &["--port"], &["--threads", "0"], &["--fast"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_mock-provider")).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8(output.stderr).unwrap().contains("usage: mock-provider"));
    }
    let help = Command::new(env!("CARGO_BIN_EXE_mock-provider")).arg("--help").output().unwrap();
    assert!(help.status.success() && help.stdout.starts_with(b"usage: "));
}
