use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::SecretString;
use serde_json::json;

use super::super::vendor;
use super::*;

const KEY: &str = "sk-Live_9aZ/4kQ+77hTpWmX-0123.bcdEFG=";
const HEADER: &str = "portkey~secret-value_1";

fn redactor_of(key: &str, params: &serde_json::Value) -> Redactor {
    let key = SecretString::from(key.to_owned());
    let params = params.as_object().unwrap();
    let target =
        Target { vendor: vendor("house"), provider: "house", model: "m", base_url: None, api_key: Some(&key), params };
    Redactor::of(&target)
}

fn redactor() -> Redactor {
    redactor_of(KEY, &json!({"headers": {"X-Portkey-Api-Key": HEADER, "anthropic-beta": "context-1m-2025-08-07"}}))
}

/// Asserts that no eight characters in a row of the secret are told.
fn assert_untold(told: &str, secret: &str) {
    let told = told.to_lowercase();
    let secret = secret.to_lowercase();
    for start in 0..=secret.len() - WINDOW {
        assert!(!told.contains(&secret[start..start + WINDOW]), "{told}");
    }
}

#[test]
fn a_secret_is_hidden_whole_and_in_every_part() {
    let redactor = redactor();
    assert_eq!(redactor.message(&format!("key {KEY}, header {HEADER}.")), "key [api key], header [secret].");
    for start in 0..KEY.len() {
        for end in start + WINDOW..=KEY.len() {
            assert_eq!(redactor.message(&format!("got <{}>", &KEY[start..end])), "got <[api key]>", "{start}..{end}");
        }
    }
    for short in [&KEY[..WINDOW - 1], &KEY[KEY.len() - 4..]] {
        assert_eq!(redactor.message(short), short);
    }
    assert_eq!(redactor.message("the beta context-1m-2025-08-07 is over"), "the beta context-1m-2025-08-07 is over");
}

#[test]
fn a_secret_is_hidden_in_the_codes_of_the_web() {
    let redactor = redactor();
    let each = |write: &dyn Fn(u8) -> String| KEY.bytes().map(write).collect::<String>();
    let percent = each(&|byte| format!("%{byte:02x}"));
    let forms = [
        KEY.to_uppercase(),
        KEY.to_lowercase(),
        percent.clone(),
        percent.replace('%', "%25"),
        percent.replace('%', "\\u0025"),
        each(&|byte| format!("\\u{byte:04X}")),
        each(&|byte| format!("\\\\u{byte:04x}")),
        each(&|byte| format!("\\x{byte:02x}")),
        each(&|byte| format!("&#{byte};")),
        each(&|byte| format!("&#x{byte:X};")),
        KEY.replace('/', "\\/"),
        hex::encode(KEY),
        hex::encode_upper(KEY),
        STANDARD.encode(KEY),
        URL_SAFE_NO_PAD.encode(format!("Bearer {KEY}")),
        STANDARD.encode(format!("u:{KEY} and more")),
        KEY.replace('k', "k\r\n"),
    ];
    for form in forms {
        let told = redactor.message(&format!("got {form} there"));
        // The characters of base64 at either end hold bits of other bytes too, and say less than a window.
        assert!(told.contains("[api key]"), "{form}: {told}");
        assert!(told.len() < 40, "{form}: {told}");
        assert_untold(&told, KEY);
    }
}

#[test]
fn a_secret_at_the_cut_of_a_long_message_is_hidden() {
    let redactor = redactor();
    for room in 0..=KEY.len() {
        let text = format!("{}{KEY}", "é".repeat(LONGEST_MESSAGE - room));
        let told = redactor.message(&text);
        assert_untold(&told, KEY);
        assert!(told.chars().count() <= LONGEST_MESSAGE + 1);
        let at_look = format!("{}{KEY}", "x".repeat(LONGEST_LOOK - room));
        assert_untold(&redactor.message(&at_look), KEY);
        assert_untold(&redactor.word(&format!("{}{KEY}", "x".repeat(LONGEST_WORD - room))), KEY);
    }
    assert_eq!(redactor.word(&"é".repeat(300)), format!("{}…", "é".repeat(LONGEST_WORD)));
}

#[test]
fn control_characters_in_provider_messages_are_escaped() {
    let redactor = redactor();
    assert_eq!(redactor.message("a\u{1b}]0;title\u{7}\nb"), "a\\u{1b}]0;title\\u{7}\\nb");
    // Control characters between its parts hide no secret: what is told is what was searched.
    let parted = KEY.split_at(KEY.len() / 2);
    let told = redactor.message(&format!("{}\u{202e}{}", parted.0, parted.1));
    assert_eq!(told, "[api key]\\u{202e}[api key]");
}

#[test]
fn a_short_key_is_hidden_whole_but_not_in_parts() {
    let redactor = redactor_of("abcde", &json!({}));
    assert_eq!(redactor.message("no abcde, no abcd"), "no [api key], no abcd");
    assert_eq!(redactor.message("no %61bcde"), "no [api key]");
    let redactor = redactor_of("abc", &json!({}));
    assert_eq!(redactor.message("abc"), "abc");
    assert_eq!(redactor.message("\u{1b}"), "\\u{1b}");
}

#[test]
fn the_words_beside_an_answer_are_redacted_and_its_content_is_not() {
    let redactor = redactor();
    let mut completion = Completion {
        id: Some(KEY.to_owned()),
        model: Some(format!("gpt\u{1b}-{KEY}")),
        service_tier: Some("x".repeat(300)),
        choices: vec![crate::types::Choice::default()],
    };
    completion.choices[0].provider_finish_reason = Some(HEADER.to_owned());
    completion.choices[0].message.content = Some(crate::types::Content::Text(KEY.to_owned()));
    redactor.redact_completion(&mut completion);
    assert_eq!(completion.id.as_deref(), Some("[api key]"));
    assert_eq!(completion.model.as_deref(), Some("gpt\\u{1b}-[api key]"));
    assert_eq!(completion.service_tier.unwrap().chars().count(), LONGEST_WORD + 1);
    assert_eq!(completion.choices[0].provider_finish_reason.as_deref(), Some("[secret]"));
    assert_eq!(completion.choices[0].message.content, Some(crate::types::Content::Text(KEY.to_owned())));
}
