//! Law 8: secrets stay secret, and a wrong key changes nothing.

use mock_provider::{MockProvider, Reply, Script};
use tollway::client::Tollway;
use tollway::settings::Settings;
use tollway::types::{ErrorKind, ModelUpdate};
use tollway::vault::MasterKey;
use tollway_system_tests::{MASTER_KEY, all_records, billed_to, house_model, master_key, open, request};

const SECRET: &str = "sk-live-4f9c2a7e-do-not-show";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_api_key_shows_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.tollway");
    let mock = MockProvider::start().await.unwrap();
    let echo = serde_json::json!({"error": {"message": format!("Incorrect API key provided: {SECRET}"), "code": "invalid_api_key"}});
    let script = Script::new([Reply::json(echo).status(401), Reply::automatic()]);
    let url = mock.script("echo", script).unwrap();
    let tollway = open(&path).await.unwrap();
    let mut model = house_model("openai/mock-words-8", &format!("{url}/v1"));
    model.api_key = Some(SECRET.into());
    let mut shown = vec![format!("{model:?}")];
    let config = tollway.add_model(model).await.unwrap();
    shown.push(format!("{config:?}{}", serde_json::to_string(&config).unwrap()));
    let refused = tollway.chat(request("hello", 16), billed_to("alice")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Authentication);
    shown.push(format!("{refused} {refused:?}"));
    let reply = tollway.chat(request("hello", 16), billed_to("alice")).await.unwrap();
    shown.push(format!("{reply:?}"));
    let sent = mock.requests(Some("echo"));
    assert_eq!(sent[0].header("authorization"), Some(format!("Bearer {SECRET}").as_str()), "it reaches the provider");
    let records = all_records(&tollway).await.unwrap();
    shown.push(format!("{records:?}{}", serde_json::to_string(&records).unwrap()));
    shown.push(format!("{:?}", tollway.model_configs().await.unwrap()));
    assert!(!shown.iter().any(|text| text.contains(SECRET)), "{shown:?}");
    assert!(!shown.iter().any(|text| text.contains(MASTER_KEY)));
    drop(tollway);
    let file = std::fs::read(&path).unwrap();
    let holds = |needle: &[u8]| file.windows(needle.len()).any(|window| window == needle);
    assert!(!holds(SECRET.as_bytes()) && !holds(MASTER_KEY.as_bytes()));
    assert!(holds(b"mock-words-8"), "what is no secret can be found, so the search works");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_master_key_is_a_clear_error_and_the_file_is_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.tollway");
    let tollway = open(&path).await.unwrap();
    tollway.add_model(house_model("openai/house", "http://127.0.0.1:9/v1")).await.unwrap();
    tollway.shutdown(std::time::Duration::from_secs(5)).await;
    drop(tollway);
    let before = std::fs::read(&path).unwrap();
    let wrong = MasterKey::Text("another passphrase altogether".into());
    let error = Tollway::open(&path, wrong, Settings::default()).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::WrongMasterKey);
    assert!(std::fs::read(&path).unwrap() == before, "bytes changed");
    for empty in ["", "short"] {
        let fresh = folder.path().join("fresh.tollway");
        let error = Tollway::open(&fresh, MasterKey::Text(empty.into()), Settings::default()).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(!fresh.exists(), "no file is left behind");
    }
    assert_eq!(open(&path).await.unwrap().model_configs().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_master_key_opens_the_file_and_the_old_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.tollway");
    let mock = MockProvider::start().await.unwrap();
    let url = mock.script("house", Script::new([Reply::automatic()])).unwrap();
    let tollway = open(&path).await.unwrap();
    let mut model = house_model("openai/mock-words-8", &format!("{url}/v1"));
    model.api_key = Some(SECRET.into());
    tollway.add_model(model).await.unwrap();
    let fresh = || MasterKey::Text("a longer passphrase, newly chosen".into());
    tollway.rotate_master_key(fresh()).await.unwrap();
    drop(tollway);
    let error = Tollway::open(&path, master_key(), Settings::default()).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::WrongMasterKey);
    let tollway = Tollway::open(&path, fresh(), Settings::default()).await.unwrap();
    tollway.chat(request("hello", 16), billed_to("alice")).await.unwrap();
    assert_eq!(mock.requests(Some("house"))[0].header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
    let model = "openai/mock-words-8".to_owned();
    let update = ModelUpdate { model, api_key: Some("sk-replaced-key".into()), ..ModelUpdate::default() };
    tollway.update_model(update).await.unwrap();
    tollway.chat(request("hello", 16), billed_to("alice")).await.unwrap();
    assert_eq!(mock.requests(Some("house"))[1].header("authorization"), Some("Bearer sk-replaced-key"));
}
