//! Law: whatever a provider sends, the process of the app lives, its memory and time stay bounded, a call ends within its time,
//! what was answered is billed, no cap is passed, and no key goes anywhere else.
//!
//! Each call is made in a process of its own, whose memory and processor time are those of the call.

#[path = "hostile/check.rs"]
mod check;
#[path = "hostile/server.rs"]
mod server;
#[path = "hostile/words.rs"]
mod words;

use std::time::Duration;

use serde_json::json;

use check::Case;
use server::{Hostile, Wire};
use words::{FORMATS, Format, HEAD, STREAM, answer, bomb, event};

const MEGABYTE: usize = 1 << 20;

/// What the output limit of 8 tokens allows, with what is on its way.
const FEW_BYTES: u64 = 4 << 20;

#[test]
fn a_whole_answer_ends_at_what_its_limit_allows() {
    for format in FORMATS {
        let endless = move |wire: &mut Wire| {
            wire.put(HEAD)?;
            wire.put(format.list_of("", 0).split_once('[').unwrap().0)?;
            wire.put("[\"")?;
            wire.endless("x".repeat(MEGABYTE))
        };
        let outcome = Case::new("an endless text", format, "whole", endless).run();
        outcome.ends("provider_unavailable", "maximum_answer_bytes").billed_by("estimate");
        let outcome = Case::new("an endless text", format, "fetch_whole", endless).run();
        outcome.tells("maximum_answer_bytes");
    }
    let blanks = |wire: &mut Wire| {
        wire.put(HEAD)?;
        wire.endless(" ".repeat(MEGABYTE))
    };
    let outcome = Case::new("endless blanks", Format::OpenAi, "whole", blanks).with(json!({})).run();
    outcome.ends("provider_unavailable", "longer than 33554432 bytes");
}

#[test]
fn a_stream_ends_at_what_its_limit_allows() {
    for format in FORMATS {
        let endless = move |wire: &mut Wire| {
            wire.put(STREAM)?;
            wire.endless(format.text(&"x".repeat(100)).repeat(1_000))
        };
        let outcome = Case::new("endless pieces", format, "stream", endless).run();
        outcome.ends("provider_unavailable", "maximum_answer_bytes").billed_by("estimate");
        assert!((1..FEW_BYTES).contains(&outcome.bytes()));
        let outcome = Case::new("endless pieces", format, "fetch_stream", endless).run();
        outcome.tells("maximum_answer_bytes");
    }
    let great = |wire: &mut Wire| {
        wire.put(STREAM)?;
        wire.endless(Format::OpenAi.text(&"x".repeat(4 * MEGABYTE)))
    };
    let outcome = Case::new("endless great pieces", Format::OpenAi, "stream", great).with(json!({})).run();
    outcome.ends("provider_unavailable", "longer than 33554432 bytes");
    let line = |wire: &mut Wire| {
        wire.put(STREAM)?;
        wire.put("data: ")?;
        wire.endless("x".repeat(MEGABYTE))
    };
    Case::new("an endless line", Format::OpenAi, "stream", line).with(json!({})).run().ends("provider_unavailable", "");
    let comments = |wire: &mut Wire| {
        wire.put(STREAM)?;
        wire.endless(": ping\n\n".repeat(10_000))
    };
    Case::new("endless comments", Format::Anthropic, "stream", comments).run().ends("provider_unavailable", "");
}

#[test]
fn a_reader_who_stalls_holds_little_up() {
    for (format, size) in [(Format::OpenAi, 4 * MEGABYTE), (Format::Gemini, 4 * MEGABYTE), (Format::Anthropic, 100)] {
        let endless = move |wire: &mut Wire| {
            wire.put(STREAM)?;
            wire.endless(format.text(&"x".repeat(size)).repeat(4 * MEGABYTE / size))
        };
        let outcome = Case::new("pieces that nobody reads", format, "stalled", endless).with(json!({})).run();
        assert!(outcome.said["peak"].as_u64().unwrap_or_default() < 120 << 20, "{}", outcome.said);
    }
    // Its time runs out while it waits for its reader.
    let endless = |wire: &mut Wire| {
        wire.put(STREAM)?;
        wire.endless(Format::OpenAi.text(&"x".repeat(MEGABYTE)))
    };
    let short = json!({"timeout": 1.0});
    let outcome = Case::new("pieces that are read too late", Format::OpenAi, "stalled", endless).with(short).run();
    assert_eq!(outcome.said["records"][0]["error_code"], "timeout", "{}", outcome.said);
    let endless = |wire: &mut Wire| {
        wire.put(HEAD)?;
        wire.endless("x".repeat(MEGABYTE))
    };
    let outcome = Case::new("a body that nobody reads", Format::OpenAi, "passed_stalled", endless).run();
    assert!(outcome.said["peak"].as_u64().unwrap_or_default() < 120 << 20, "{}", outcome.said);
}

#[test]
fn an_answer_of_millions_of_values_is_refused() {
    for format in FORMATS {
        let body = move |count: usize| format.list_of("{}", count);
        let whole = move |wire: &mut Wire| wire.put(answer("200 OK", "", body(8 * MEGABYTE)));
        let outcome = Case::new("millions of empty objects", format, "whole", whole).with(json!({})).run();
        outcome.ends("provider_unavailable", "more than 200000 JSON values").billed_by("provider_usage");
        let event = move |wire: &mut Wire| {
            wire.put(STREAM)?;
            wire.put(format!("data: {}\n\n", body(4 * MEGABYTE)))
        };
        let outcome = Case::new("an event of millions of empty objects", format, "stream", event).with(json!({})).run();
        outcome.ends("provider_unavailable", "more than 200000 JSON values");
    }
    let refusal = |wire: &mut Wire| wire.put(answer("500 No", "", Format::OpenAi.list_of("{}", 8 * MEGABYTE)));
    Case::new("a refusal of millions of empty objects", Format::OpenAi, "whole", refusal).free().run();
    let list = |wire: &mut Wire| {
        wire.put(STREAM)?;
        wire.put("[")?;
        wire.endless("0,".repeat(MEGABYTE))
    };
    Case::new("a list of zeros", Format::Gemini, "stream", list).run().ends("provider_unavailable", "");
    // Each of these events is small enough.
    let kept = |wire: &mut Wire| {
        wire.put(STREAM)?;
        let annotations = vec!["{}"; 10_000].join(",");
        wire.endless(format!("data: {{\"choices\":[{{\"delta\":{{\"annotations\":[{annotations}]}}}}]}}\n\n"))
    };
    let outcome = Case::new("annotations without end", Format::OpenAi, "stream", kept).with(json!({})).run();
    outcome.ends("provider_unavailable", "more than 200000 JSON values");
}

#[test]
fn calls_and_choices_are_counted_and_cost_no_more_than_their_bytes() {
    for format in FORMATS {
        let whole = move |wire: &mut Wire| wire.put(answer("200 OK", "", format.calls(5_000)));
        let outcome = Case::new("5,000 calls", format, "whole", whole).run();
        outcome.ends("provider_unavailable", "more than 4096 tool calls").billed_by("provider_usage");
        let begun = move |wire: &mut Wire| {
            wire.put(STREAM)?;
            wire.put(format.begun_calls(if format == Format::Anthropic { 15_000 } else { 60_000 }))?;
            wire.put(format.end())
        };
        for mode in ["stream", "fetch_stream"] {
            let outcome = Case::new("calls that begin", format, mode, begun).run();
            let detail = outcome.detail().to_owned() + outcome.said["body"].as_str().unwrap_or_default();
            assert!(detail.contains("more than 4096"), "{}", outcome.said);
        }
    }
    let choices = |wire: &mut Wire| {
        wire.put(STREAM)?;
        (0..100_000)
            .try_for_each(|index| wire.put(event(&json!({"choices": [{"index": index, "delta": {"content": "x"}}]}))))
    };
    let outcome = Case::new("choices without end", Format::OpenAi, "stream", choices).run();
    outcome.ends("provider_unavailable", "more than 256 choices").billed_by("estimate");
}

#[test]
fn work_grows_with_the_bytes_alone() {
    let halves = |wire: &mut Wire| {
        let texts = r#""\ud83d","#.repeat(60_000);
        wire.put(STREAM)?;
        (0..2).try_for_each(|_| wire.put(format!("data: {{\"n\":{{\"choices\":[{texts}0]}}}}\n\n")))?;
        wire.put(Format::OpenAi.text("a"))?;
        wire.put(Format::OpenAi.end())
    };
    Case::new("halves of pairs", Format::OpenAi, "stream", halves).run().ends("none", "");
    let usage = |wire: &mut Wire| {
        wire.put(STREAM)?;
        wire.put(Format::OpenAi.text("a"))?;
        wire.put(event(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})))?;
        (0..10_000)
            .try_for_each(|number| wire.put(event(&json!({"choices": [], "usage": {format!("k{number}"): 1}}))))?;
        wire.put(Format::OpenAi.end())
    };
    Case::new("fields of usage without end", Format::OpenAi, "stream", usage).run().ends("none", "");
    let turns = |wire: &mut Wire| {
        wire.put(STREAM)?;
        let turn = Format::Gemini.thought("a") + &Format::Gemini.text("b");
        wire.put(turn.repeat(7_000))?;
        wire.put(Format::Gemini.end())
    };
    let outcome = Case::new("thoughts and words by turns", Format::Gemini, "fetch_stream", turns).run();
    outcome.tells("more than 4096 blocks");
    let pieces = |wire: &mut Wire| {
        let piece = |index: u32, name: &str, arguments: &str| {
            event(&json!({"choices": [{"delta": {"tool_calls": [{"index": index, "id": format!("i{index}"),
                "function": {"name": name, "arguments": arguments}}]}}]}))
        };
        wire.put(STREAM)?;
        wire.put(piece(0, "f", &format!("{{\"a\":[{}", "{},".repeat(100_000))))?;
        wire.put(piece(1, "g", "{"))?;
        wire.put(piece(0, "f", "{},").repeat(8_000))?;
        wire.put(Format::OpenAi.end())
    };
    Case::new("arguments in small pieces", Format::OpenAi, "fetch_stream", pieces).run();
    for (format, name, body) in [
        (
            Format::Anthropic,
            "a usage of many iterations",
            format!(
                r#"{{"type":"message","content":[{{"type":"text","text":"a"}}],"usage":{{"input_tokens":5,"output_tokens":7,"iterations":[{}]}}}}"#,
                vec![r#"{"type":"message","input_tokens":1,"output_tokens":1}"#; 30_000].join(",")
            ),
        ),
        (
            Format::OpenAi,
            "a usage of many fields",
            format!(
                r#"{{"id":"c","choices":[{{"message":{{"content":"a"}}}}],"usage":{{{}"prompt_tokens":5,"completion_tokens":7}}}}"#,
                (0..100_000).map(|number| format!("\"k{number}\":1,")).collect::<Vec<_>>().concat()
            ),
        ),
        (
            Format::Gemini,
            "a usage of many modalities",
            format!(
                r#"{{"candidates":[{{"content":{{"parts":[{{"text":"a"}}]}},"finishReason":"STOP"}}],"usageMetadata":{{"promptTokensDetails":[{}],"promptTokenCount":5,"candidatesTokenCount":7,"totalTokenCount":12}}}}"#,
                vec![r#"{"modality":"TEXT","tokenCount":1}"#; 60_000].join(",")
            ),
        ),
    ] {
        let whole = move |wire: &mut Wire| wire.put(answer("200 OK", "", &body));
        Case::new(name, format, "whole", whole).run();
    }
    let dots = |wire: &mut Wire| {
        wire.put("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")?;
        wire.put("1\r\n \r\n".repeat(100_000))?;
        let end = Format::OpenAi.text("a") + &Format::OpenAi.end();
        wire.put(format!("{:x}\r\n{end}\r\n0\r\n\r\n", end.len()))
    };
    Case::new("blanks one by one", Format::OpenAi, "stream", dots).run().ends("none", "");
    for (name, body) in [
        ("deep lists", Format::OpenAi.list_of(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)), 1)),
        ("numbers beyond all", Format::OpenAi.list_of(r#"{"message":{"content":"a","x":1e999}}"#, 1)),
        ("bytes that are no text", Format::OpenAi.list_of(r#"{"message":{"content":"BYTE"}}"#, 1)),
    ] {
        let body = body.into_bytes();
        let whole = move |wire: &mut Wire| {
            let place = body.windows(4).position(|window| window == b"BYTE");
            let mut body = body.clone();
            if let Some(place) = place {
                body[place] = 0xff;
            }
            wire.put(answer("200 OK", "", body))
        };
        Case::new(name, Format::OpenAi, "whole", whole).run().ends("none", "").billed_by("provider_usage");
    }
}

#[test]
fn a_call_ends_within_its_time() {
    let second = Duration::from_millis(200);
    let timed = json!({"max_tokens": 8, "timeout": 2.0});
    for (name, mode, head, piece) in [
        ("a slow head", "whole", "HTTP/1.1 200 OK\r\n", "x"),
        ("a slow body", "whole", HEAD, " "),
        ("a slow refusal", "whole", "HTTP/1.1 500 No\r\nconnection: close\r\n\r\n", "{"),
        ("slow signs of life", "stream", STREAM, ": ping\n\n"),
        ("slow empty pieces", "fetch_stream", STREAM, "data: {\"choices\":[{\"delta\":{}}]}\n\n"),
    ] {
        let slow = move |wire: &mut Wire| {
            wire.put(head)?;
            wire.slowly(piece, second)
        };
        let case = Case::new(name, Format::OpenAi, mode, slow).with(timed.clone());
        let outcome = if name == "a slow refusal" { case.free().run() } else { case.run() };
        let code = outcome.code().to_owned() + outcome.said["body"].as_str().unwrap_or_default();
        assert!(code.contains("timeout"), "{}", outcome.said);
    }
    let hints = |wire: &mut Wire| {
        let hints = "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n".repeat(500);
        // The HTTP library passes over what is in its buffer at once, for which it takes seconds without optimizations.
        if cfg!(debug_assertions) { wire.slowly(hints, Duration::from_millis(20)) } else { wire.endless(hints) }
    };
    Case::new("endless hints", Format::OpenAi, "whole", hints).with(timed.clone()).run().ends("timeout", "");
    let headers = |wire: &mut Wire| {
        wire.put("HTTP/1.1 200 OK\r\n")?;
        wire.endless("x-a: b\r\n".repeat(10_000))
    };
    Case::new("endless headers", Format::OpenAi, "whole", headers).with(timed.clone()).run();
    let header = |wire: &mut Wire| {
        wire.put("HTTP/1.1 200 OK\r\nx-a: ")?;
        wire.endless("x".repeat(MEGABYTE))
    };
    Case::new("an endless header", Format::OpenAi, "whole", header).with(timed).run();
}

#[test]
fn a_compressed_answer_is_bounded_by_its_decompressed_length() {
    let compressed = |head: &'static str, beginning: &'static str| {
        move |wire: &mut Wire| {
            wire.put(head)?;
            wire.put(bomb(beginning))
        }
    };
    let whole =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n";
    let stream =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n";
    // Of the bytes that are sent, each becomes a thousand.
    for (mode, head, beginning) in [("whole", whole, "{\"id\":\""), ("stream", stream, "data: ")] {
        let outcome = Case::new("a bomb", Format::OpenAi, mode, compressed(head, beginning)).run();
        outcome.ends("provider_unavailable", "maximum_answer_bytes");
    }
    let unread = compressed(whole, "{\"id\":\"");
    let outcome = Case::new("a bomb that nobody reads", Format::OpenAi, "passed_stalled", unread).run();
    assert!(outcome.said["peak"].as_u64().unwrap_or_default() < 120 << 20, "{}", outcome.said);
}

#[test]
fn large_answers_of_honest_providers_are_read() {
    let great = 20 * MEGABYTE;
    for (format, mode) in [
        (Format::OpenAi, "whole"),
        (Format::Anthropic, "stream"),
        (Format::Gemini, "stream"),
        (Format::OpenAi, "fetch_stream"),
        (Format::Gemini, "fetch_whole"),
    ] {
        // A picture in base64, say.
        let picture = move |wire: &mut Wire| {
            let text = "x".repeat(great);
            if mode.ends_with("stream") {
                wire.put(STREAM)?;
                wire.put(format.text(&text))?;
                return wire.put(format.end());
            }
            let item = match format {
                Format::OpenAi => format!(r#"{{"message":{{"content":"{text}"}},"finish_reason":"stop"}}"#),
                Format::Anthropic => format!(r#"{{"type":"text","text":"{text}"}}"#),
                Format::Gemini => format!(r#"{{"content":{{"parts":[{{"text":"{text}"}}]}},"finishReason":"STOP"}}"#),
            };
            wire.put(answer("200 OK", "", format.list_of(&item, 1)))
        };
        let call = json!({"max_tokens": 4_000});
        let outcome = Case::new("a picture", format, mode, picture).with(call).run();
        outcome.ends("none", "").billed_by("provider_usage");
        assert!(outcome.bytes() >= great as u64, "{}", outcome.about);
    }
    // The 20 likeliest tokens for each of 4,000.
    let token = r#"{"token":"a","logprob":-0.5,"bytes":[97]}"#;
    let likeliest = vec![token; 20].join(",");
    let token = format!(r#"{{"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":[{likeliest}]}}"#);
    let item = format!(
        r#"{{"message":{{"content":"a"}},"logprobs":{{"content":[{}]}},"finish_reason":"stop"}}"#,
        vec![token; 4_000].join(",")
    );
    let body = Format::OpenAi.list_of(&item, 1);
    let probabilities = move |wire: &mut Wire| wire.put(answer("200 OK", "", &body));
    let call = json!({"max_tokens": 4_000, "fields": {"logprobs": true, "top_logprobs": 20}});
    let outcome = Case::new("probabilities", Format::OpenAi, "whole", probabilities).with(call).run();
    outcome.ends("none", "").billed_by("provider_usage");
}

#[test]
fn other_calls_go_on_beside_a_hostile_answer() {
    // Long events, one after another, in a process whose calls share one thread.
    let hostile = |wire: &mut Wire| {
        wire.put(STREAM)?;
        wire.endless(format!("data: {{\"id\":\"c\",\"choices\":[],\"x\":\"{}\"}}\n\n", "\\u0061".repeat(MEGABYTE)))
    };
    let outcome = Case::new("long events", Format::OpenAi, "beside", hostile).with(json!({})).run();
    let longest = outcome.said["beside"].as_f64().unwrap();
    println!("the longest wait of other work was {longest} s");
    assert!((0.005..2.0).contains(&longest), "{}", outcome.said);
}

#[test]
fn a_refusal_is_read_as_far_as_it_says_anything() {
    let endless = |wire: &mut Wire| {
        wire.put("HTTP/1.1 500 No\r\nconnection: close\r\n\r\n")?;
        wire.endless("x".repeat(MEGABYTE))
    };
    for (format, mode) in [(Format::OpenAi, "whole"), (Format::Anthropic, "stream"), (Format::Gemini, "fetch_whole")] {
        let outcome = Case::new("an endless refusal", format, mode, endless).free().run();
        assert!(outcome.said["peak"].as_u64().unwrap_or_default() < 80 << 20, "{}", outcome.said);
    }
}

#[test]
fn a_key_goes_nowhere_else() {
    let elsewhere = Hostile::start(Box::new(|wire| wire.put(answer("200 OK", "", "{}"))));
    for (format, mode) in [
        (Format::OpenAi, "whole"),
        (Format::Anthropic, "stream"),
        (Format::Gemini, "fetch_whole"),
        (Format::OpenAi, "passed"),
    ] {
        let location = format!("location: {}\r\n", elsewhere.url);
        let redirect = move |wire: &mut Wire| wire.put(answer("307 Moved", &location, "{}"));
        Case::new("a redirect", format, mode, redirect).free().run();
    }
    assert!(!elsewhere.was_given_key());
}
