//! What hostile providers say, in each format.

use serde_json::{Value, json};

/// The head of a whole answer whose end is that of the connection.
pub const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";

/// The head of a streamed answer.
pub const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

/// A wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    OpenAi,
    Anthropic,
    Gemini,
}

pub const FORMATS: [Format; 3] = [Format::OpenAi, Format::Anthropic, Format::Gemini];

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai_chat",
            Self::Anthropic => "anthropic_messages",
            Self::Gemini => "gemini_generate_content",
        }
    }

    /// Returns the event of a piece of text.
    pub fn text(self, text: &str) -> String {
        event(&match self {
            Self::OpenAi => json!({"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": text}}]}),
            Self::Anthropic => {
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})
            }
            Self::Gemini => json!({"candidates": [{"content": {"parts": [{"text": text}]}}]}),
        })
    }

    /// Returns the event of a piece of reasoning.
    pub fn thought(self, text: &str) -> String {
        event(&match self {
            Self::OpenAi => json!({"choices": [{"index": 0, "delta": {"reasoning_content": text}}]}),
            Self::Anthropic => {
                json!({"type": "content_block_delta", "index": 1, "delta": {"type": "thinking_delta", "thinking": text}})
            }
            Self::Gemini => json!({"candidates": [{"content": {"parts": [{"text": text, "thought": true}]}}]}),
        })
    }

    /// Returns the events that end a stream, with its usage.
    pub fn end(self) -> String {
        match self {
            Self::OpenAi => {
                let usage = json!({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 7}});
                let stop = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
                format!("{}{}data: [DONE]\n\n", event(&stop), event(&usage))
            }
            Self::Anthropic => {
                let stop = json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
                    "usage": {"input_tokens": 5, "output_tokens": 7}});
                format!("{}{}", event(&stop), event(&json!({"type": "message_stop"})))
            }
            Self::Gemini => event(&json!({"candidates": [{"content": {"parts": []}, "finishReason": "STOP"}],
                "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 7, "totalTokenCount": 12}})),
        }
    }

    /// Returns a whole answer: the field that has its answers, or its blocks, is a list of these items.
    pub fn list_of(self, item: &str, count: usize) -> String {
        let items = vec![item; count].join(",");
        match self {
            Self::OpenAi => {
                format!(r#"{{"id":"c","choices":[{items}],"usage":{{"prompt_tokens":5,"completion_tokens":7}}}}"#)
            }
            Self::Anthropic => format!(
                r#"{{"type":"message","content":[{items}],"stop_reason":"end_turn","usage":{{"input_tokens":5,"output_tokens":7}}}}"#
            ),
            Self::Gemini => format!(
                r#"{{"candidates":[{items}],"usageMetadata":{{"promptTokenCount":5,"candidatesTokenCount":7,"totalTokenCount":12}}}}"#
            ),
        }
    }

    /// Returns a whole answer of so many tool calls.
    pub fn calls(self, count: usize) -> String {
        match self {
            Self::OpenAi => {
                let calls = vec![r#"{"id":"a","function":{"name":"f","arguments":"{}"}}"#; count].join(",");
                self.list_of(&format!(r#"{{"message":{{"tool_calls":[{calls}]}},"finish_reason":"tool_calls"}}"#), 1)
            }
            Self::Anthropic => self.list_of(r#"{"type":"tool_use","id":"a","name":"f","input":{}}"#, count),
            Self::Gemini => {
                let calls = vec![r#"{"functionCall":{"name":"f"}}"#; count].join(",");
                self.list_of(&format!(r#"{{"content":{{"parts":[{calls}]}},"finishReason":"STOP"}}"#), 1)
            }
        }
    }

    /// Returns the events of so many tool calls that begin and do not end: in one event where the format can.
    pub fn begun_calls(self, count: usize) -> String {
        match self {
            Self::OpenAi => {
                let calls: Vec<String> = (0..count).map(|number| format!(r#"{{"index":{number}}}"#)).collect();
                format!("data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{}]}}}}]}}\n\n", calls.join(","))
            }
            Self::Anthropic => {
                let begin = |index: usize| json!({"type": "content_block_start", "index": index, "content_block": {"type": "tool_use"}});
                (0..count).map(|number| event(&begin(number))).collect()
            }
            Self::Gemini => {
                let calls = vec![r#"{"functionCall":{}}"#; count].join(",");
                format!("data: {{\"candidates\":[{{\"content\":{{\"parts\":[{calls}]}}}}]}}\n\n")
            }
        }
    }
}

/// Returns a server-sent event.
pub fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// Returns an answer of a status with a length.
pub fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Returns 256 MB of zeros behind a beginning, compressed.
pub fn bomb(beginning: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(beginning.as_bytes()).unwrap();
    let zeros = vec![b'0'; 1 << 20];
    (0..256).for_each(|_| encoder.write_all(&zeros).unwrap());
    encoder.finish().unwrap()
}
