//! Answers with too many values to be read: what is short in them is, such as their usage and their errors.

use crate::provider::{
    ChatAdapter, DecodedChat, Flaw, ResponseHead, ServerEvent, StreamDecoder, Target, Work, has_more_values, outline,
};
use crate::types::Delta;

/// How many bytes are read at once without care for what else the thread has to do.
const LONG: usize = 256 << 10;

/// Does work on so many bytes; on many, other tasks of the thread go on elsewhere.
pub(super) fn long_work<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    let is_elsewhere =
        || Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if bytes > LONG && is_elsewhere() { tokio::task::block_in_place(work) } else { work() }
}

/// Decodes a whole answer, if it has no more JSON values than a number. Of any other, what is short is read.
pub(super) fn decode(
    adapter: &dyn ChatAdapter,
    target: &Target<'_>,
    head: &ResponseHead,
    body: &[u8],
    most_values: usize,
) -> Result<DecodedChat, Flaw> {
    long_work(body.len(), || {
        if !has_more_values(body, most_values) {
            return adapter.decode(target, head, body);
        }
        let unreadable = Flaw::unreadable(target, head, &problem(most_values));
        let read = outline(body).map(|outline| adapter.decode(target, head, &outline));
        Err(match read {
            Some(Ok(decoded)) => Flaw { usage: decoded.usage.map(Box::new), ..unreadable },
            Some(Err(flaw)) if flaw.work == Work::None => flaw,
            Some(Err(flaw)) => Flaw { usage: flaw.usage, ..unreadable },
            None => unreadable,
        })
    })
}

/// Decodes an event as [`decode`] does a whole answer. What its usage says is kept by the decoder.
pub(super) fn decode_event(
    decoder: &mut dyn StreamDecoder,
    target: &Target<'_>,
    status: u16,
    event: &ServerEvent,
    most_values: usize,
    deltas: &mut Vec<Delta>,
) -> Result<(), Flaw> {
    long_work(event.data.len(), || {
        if !has_more_values(event.data.as_bytes(), most_values) {
            return decoder.decode_event(event, deltas);
        }
        let data = outline(event.data.as_bytes()).and_then(|outline| String::from_utf8(outline).ok());
        let read = data.map(|data| {
            let event = ServerEvent { event: event.event.clone(), data };
            decoder.decode_event(&event, &mut Vec::new())
        });
        let head = ResponseHead { status, ..ResponseHead::default() };
        Err(match read {
            Some(Err(flaw)) if flaw.work == Work::None => flaw,
            _ => Flaw::unreadable(target, &head, &problem(most_values)),
        })
    })
}

fn problem(most_values: usize) -> String {
    format!("it has more than {most_values} JSON values, and was read no further")
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;
    use crate::provider::chat_adapter;

    const MOST: usize = 1_000;

    fn with_target<T>(format: &str, read: impl FnOnce(&dyn ChatAdapter, &Target<'_>) -> T) -> T {
        let params = Map::from_iter([("wire_format".to_owned(), format.into())]);
        let target = Target {
            vendor: crate::provider::vendor("house"),
            provider: "house",
            model: "m",
            base_url: Some("http://127.0.0.1:9"),
            api_key: None,
            params: &params,
        };
        read(chat_adapter(&target).unwrap(), &target)
    }

    #[test]
    fn usage_is_read_of_an_answer_with_too_many_values() {
        let many = "{},".repeat(MOST);
        for (format, body) in [
            (
                "openai_chat",
                format!(r#"{{"choices":[{many}{{}}],"usage":{{"prompt_tokens":7,"completion_tokens":9}}}}"#),
            ),
            (
                "anthropic_messages",
                format!(r#"{{"content":[{many}{{}}],"usage":{{"input_tokens":7,"output_tokens":9}}}}"#),
            ),
            (
                "gemini_generate_content",
                format!(
                    r#"{{"candidates":[{many}{{}}],"usageMetadata":{{"promptTokenCount":7,"candidatesTokenCount":9}}}}"#
                ),
            ),
        ] {
            with_target(format, |adapter, target| {
                let head = ResponseHead { status: 200, ..ResponseHead::default() };
                let flaw = decode(adapter, target, &head, body.as_bytes(), MOST).unwrap_err();
                assert_eq!(flaw.work, Work::Possible, "{format}");
                assert!(flaw.error.detail().contains("more than 1000 JSON values"), "{}", flaw.error);
                let usage = flaw.usage.unwrap();
                assert_eq!((usage.input, usage.output), (Some(7), Some(9)), "{format}");
                let mut decoder = adapter.decode_stream(target, &head);
                let event = ServerEvent { event: String::new(), data: body };
                let mut deltas = Vec::new();
                let flaw = decode_event(&mut *decoder, target, 200, &event, MOST, &mut deltas).unwrap_err();
                assert_eq!((flaw.work, deltas.len()), (Work::Possible, 0), "{format}");
            });
        }
    }

    #[test]
    fn an_error_is_read_of_an_answer_with_too_many_values() {
        let body = json!({"choices": vec![0; MOST], "error": {"message": "no", "code": 500}}).to_string();
        with_target("openai_chat", |adapter, target| {
            let head = ResponseHead { status: 200, ..ResponseHead::default() };
            let flaw = decode(adapter, target, &head, body.as_bytes(), MOST).unwrap_err();
            assert_eq!(flaw.work, Work::None);
        });
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn other_calls_run_while_a_long_answer_is_read() {
        let other = tokio::sync::oneshot::channel::<()>();
        let (told, mut heard) = other;
        let long = tokio_util::task::TaskTracker::new().spawn(async move {
            let other = tokio_util::task::TaskTracker::new().spawn(async move { drop(told) });
            let ended = long_work(LONG + 1, || {
                (0..200).any(|_| {
                    std::thread::sleep(std::time::Duration::from_millis(10));
                    heard.try_recv() == Err(tokio::sync::oneshot::error::TryRecvError::Closed)
                })
            });
            other.await.unwrap();
            ended
        });
        assert!(long.await.unwrap(), "the other task waited for the long work");
    }
}
