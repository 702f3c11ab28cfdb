use std::sync::mpsc;

use tollway::types::Error;

use super::*;

fn engine() -> Engine {
    let folder = tempfile::tempdir().unwrap();
    Engine::new(&folder.path().join("app.tollway"), r#"{"master_key": "a passphrase"}"#, None).unwrap()
}

fn refusal(options: &str) -> ErrorInfo {
    Engine::new(Path::new("unused.tollway"), options, None).err().unwrap()
}

#[test]
fn options_are_strict_and_touch_no_file() {
    let error = refusal(r#"{"master_key": "k", "settings": {"durabilty": "strict"}}"#);
    assert_eq!(error.code, "invalid_request");
    assert!(error.detail.contains("durabilty") && error.detail.contains("durability"), "{}", error.detail);
    assert!(refusal("{}").detail.contains("master_key is missing"));
    assert!(refusal(r#"{"master_key": ""}"#).detail.contains("empty"));
    assert!(refusal(r#"{"master_key": "env:TOLLWAY_NO_SUCH_VARIABLE"}"#).detail.contains("TOLLWAY_NO_SUCH_VARIABLE"));
    assert!(!Path::new("unused.tollway").exists());
}

#[test]
fn a_callback_gives_the_key_once() {
    let callback: MasterKeyCallback = Arc::new(|| Ok(SecretString::from("from a function")));
    assert!(Engine::new(Path::new("unused.tollway"), "{}", Some(&callback)).is_ok());
    let both = Engine::new(Path::new("unused.tollway"), r#"{"master_key": "k"}"#, Some(&callback));
    assert_eq!(both.err().unwrap().code, "invalid_request");
    let failing: MasterKeyCallback = Arc::new(|| Err(Error::new(ErrorKind::WrongMasterKey, "no key")));
    assert_eq!(Engine::new(Path::new("unused.tollway"), "{}", Some(&failing)).err().unwrap().code, "wrong_master_key");
}

#[test]
fn a_closed_handle_says_so() {
    let engine = engine();
    assert_eq!(futures_executor::block_on(engine.call("close", r#"{"timeout": 1}"#)).unwrap(), "true");
    assert_eq!(futures_executor::block_on(engine.call("models.list", "{}")).unwrap_err().code, "closed");
    let stream = engine.stream(r#"{"request": {"messages": "Hi"}}"#);
    assert_eq!(futures_executor::block_on(stream.next_batch(1)).unwrap_err().code, "closed");
}

#[test]
fn wrong_arguments_never_reach_the_file() {
    let engine = engine();
    let error = futures_executor::block_on(engine.call("close", r#"{"timeout": -1}"#)).unwrap_err();
    assert_eq!(error.code, "invalid_request");
    let stream = engine.stream(r#"{"request": {"messages": []}}"#);
    assert_eq!(futures_executor::block_on(stream.next_batch(1)).unwrap_err().code, "invalid_request");
}

#[test]
fn an_outcome_is_delivered_once_also_when_the_call_is_given_up() {
    let (sender, receiver) = mpsc::channel();
    let outcomes = sender.clone();
    let delivery = Delivery(Some(move |outcome: Outcome| outcomes.send(outcome).unwrap()));
    drop(delivery);
    assert_eq!(receiver.try_recv().unwrap().unwrap_err().code, "cancelled");
    let engine = engine();
    let _started = engine.start("close", "{}", move |outcome| sender.send(outcome).unwrap());
    assert_eq!(receiver.recv_timeout(Duration::from_secs(5)).unwrap().unwrap(), "true");
    assert!(receiver.recv_timeout(Duration::from_millis(20)).is_err());
}
