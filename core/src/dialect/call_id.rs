//! Ids of calls that carry what the provider wants back with the call.
//!
//! Libraries leave fields out that they do not know, and some providers refuse a conversation whose calls come back without
//! theirs (Google's thought signatures). An id comes back through every library, so that it carries a copy.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::types::Message;

/// What stands between a provider's id and what the id carries.
const SEPARATOR: &str = "~tollway~";

/// Returns the id of a call as apps get it.
pub(super) fn encode(id: &str, extra: Option<&Value>) -> String {
    match extra {
        Some(extra) => format!("{id}{SEPARATOR}{}", URL_SAFE_NO_PAD.encode(extra.to_string())),
        None => id.to_owned(),
    }
}

/// Takes what the ids of a conversation carry back into its calls; a call that came with its own keeps it.
pub(super) fn restore(messages: &mut [Message]) {
    for message in messages {
        match message {
            Message::Assistant(message) => {
                for call in &mut message.tool_calls {
                    let carried = take(&mut call.id);
                    call.extra_content = call.extra_content.take().or(carried);
                }
            }
            Message::Tool(message) => drop(take(&mut message.tool_call_id)),
            Message::System(_) | Message::User(_) => {}
        }
    }
}

fn take(id: &mut String) -> Option<Value> {
    let (own, carried) = id.split_once(SEPARATOR)?;
    let carried = URL_SAFE_NO_PAD.decode(carried).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok())?;
    *id = own.to_owned();
    Some(carried)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn extra_content_travels_in_the_call_id_and_comes_back() {
        let extra = json!({"google": {"thought_signature": "s+/="}});
        let id = encode("call_0", Some(&extra));
        assert!(id.bytes().all(|byte| byte.is_ascii_graphic()), "{id}");
        let mut messages: Vec<Message> = serde_json::from_value(json!([
            {"role": "assistant", "tool_calls": [
                {"id": id, "function": {"name": "f", "arguments": "{}"}},
                {"id": id, "function": {"name": "f", "arguments": "{}"}, "extra_content": {"own": 1}},
                {"id": "call_1~tollway~?", "function": {"name": "g", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": id, "content": "1"}]))
        .unwrap();
        restore(&mut messages);
        let written = serde_json::to_value(&messages).unwrap();
        let calls = &written[0]["tool_calls"];
        assert_eq!((&calls[0]["id"], &calls[0]["extra_content"]), (&json!("call_0"), &extra));
        assert_eq!(calls[1]["extra_content"], json!({"own": 1}));
        assert_eq!((&calls[2]["id"], calls[2].get("extra_content")), (&json!("call_1~tollway~?"), None));
        assert_eq!(written[1]["tool_call_id"], "call_0");
        assert_eq!(encode("call_0", None), "call_0");
    }
}
