//! The writing of server-sent events.

use serde_json::Value;

/// Appends an event without a name.
pub(super) fn put_data(events: &mut Vec<u8>, data: &Value) {
    put_text(events, &data.to_string());
}

/// Appends an event whose data is a text of one line.
pub(super) fn put_text(events: &mut Vec<u8>, data: &str) {
    events.extend_from_slice(b"data: ");
    events.extend_from_slice(data.as_bytes());
    events.extend_from_slice(b"\n\n");
}

/// Appends an event with a name.
pub(super) fn put_event(events: &mut Vec<u8>, name: &str, data: &Value) {
    events.extend_from_slice(b"event: ");
    events.extend_from_slice(name.as_bytes());
    events.push(b'\n');
    put_data(events, data);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_ends_with_an_empty_line_and_has_none_inside() {
        let mut events = Vec::new();
        put_event(&mut events, "message", &json!({"text": "a\n\nb\r"}));
        put_data(&mut events, &json!(1));
        put_text(&mut events, "[DONE]");
        let expected = "event: message\ndata: {\"text\":\"a\\n\\nb\\r\"}\n\ndata: 1\n\ndata: [DONE]\n\n";
        assert_eq!(String::from_utf8(events).unwrap(), expected);
    }
}
