use serde_json::{Value, json};

use crate::provider::Framing;
use crate::provider::Work;
use crate::provider::testing::{Subject, calls, said, server_event};
use crate::types::{Content, ErrorKind, FinishReason};

fn openai() -> Subject {
    Subject::new("openai", "gpt")
}

#[test]
fn a_request_goes_out_in_the_words_of_each_provider() {
    let fields = json!({"max_tokens": 9, "seed": 3, "reasoning_effort": "none", "extra_field": {"a": 1}});
    let body = openai().encode_fields(fields.clone());
    assert_eq!(
        body,
        json!({"model": "gpt", "messages": [{"role": "user", "content": "hi"}], "max_completion_tokens": 9, "seed": 3,
            "reasoning_effort": "none", "extra_field": {"a": 1}})
    );
    let body = Subject::new("mistral", "m").encode_fields(fields.clone());
    assert_eq!((&body["max_tokens"], &body["random_seed"], body.get("seed")), (&json!(9), &json!(3), None));
    let tier = |provider, tier: &str| {
        let body = Subject::new(provider, "m").encode_fields(json!({"service_tier": tier}));
        body.get("service_tier").cloned()
    };
    assert_eq!((tier("groq", "on_demand"), tier("openai", "on_demand")), (Some(json!("on_demand")), None));
    assert_eq!(tier("openai", "flex"), Some(json!("flex")));
    let body = Subject::new("dashscope", "q").encode_fields(fields.clone());
    assert_eq!(body["enable_thinking"], false);
    let body = Subject::new("zai", "g").encode_fields(fields.clone());
    assert_eq!(body["thinking"], json!({"type": "disabled"}));
    let azure =
        Subject::new("azure", "d").at("https://r.test/openai/v1").with(json!({"max_tokens_field": "max_tokens"}));
    assert_eq!(azure.encode_fields(fields)["max_tokens"], 9);
}

#[test]
fn usage_is_asked_for_only_in_streams_and_where_it_must_be() {
    let options = |provider, framing| {
        let request = Subject::new(provider, "m").try_encode(json!({"messages": []}), framing).unwrap();
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        (body.get("stream").cloned(), body.get("stream_options").cloned())
    };
    assert_eq!(options("openai", Framing::Json), (None, None));
    assert_eq!(options("openai", Framing::EventStream), (Some(json!(true)), Some(json!({"include_usage": true}))));
    assert_eq!(options("mistral", Framing::EventStream), (Some(json!(true)), None));
}

#[test]
fn addresses_keep_their_query_and_their_endpoint() {
    for (base_url, url) in [
        ("https://r.test/v1/", "https://r.test/v1/chat/completions"),
        (
            "https://r.test/openai/deployments/x?api-version=1",
            "https://r.test/openai/deployments/x/chat/completions?api-version=1",
        ),
        ("https://r.test/chat/completions?a=b", "https://r.test/chat/completions?a=b"),
    ] {
        assert_eq!(Subject::new("azure", "x").at(base_url).url(Framing::Json), url);
    }
    assert_eq!(openai().url(Framing::EventStream), "https://api.openai.com/v1/chat/completions");
}

#[test]
fn a_provider_without_an_address_is_refused() {
    for provider in ["azure", "my-gateway"] {
        Subject::new(provider, "m").refuses(json!({}), "set base_url");
    }
    Subject::new("deepseek", "m").with(json!({"wire_format": "anthropic_messages"})).refuses(json!({}), "set base_url");
    openai().at("file:///etc/passwd").refuses(json!({}), "https://");
}

#[test]
fn the_key_goes_into_the_header_of_the_provider() {
    assert_eq!(openai().secret(), ("authorization", "Bearer sk-key".to_owned()));
    let azure = || Subject::new("azure", "m").at("https://r.test/v1");
    assert_eq!(azure().secret(), ("api-key", "sk-key".to_owned()));
    assert_eq!(azure().with(json!({"auth_header": "bearer"})).secret().0, "authorization");
}

#[test]
fn the_parameters_of_a_config_stand_below_the_request() {
    let subject =
        openai().with(json!({"headers": {"X-Team": "t", "Accept": "a/b"}, "body": {"store": false, "temperature": 1}}));
    let request = subject.try_encode(json!({"messages": [], "temperature": 0.5}), Framing::Json).unwrap();
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!((&body["store"], &body["temperature"]), (&json!(false), &json!(0.5)));
    assert!(request.headers.contains(&("x-team".to_owned(), "t".to_owned())));
    assert_eq!(request.headers.iter().filter(|(name, _)| name == "accept").count(), 1);
}

#[test]
fn fields_that_would_be_lost_are_refused_by_name() {
    let cached = json!({"messages": [{"role": "user", "content": [
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]}]});
    openai().refuses(cached.clone(), "`cache_control`");
    let body = Subject::new("openrouter", "m").encode_fields(cached);
    assert_eq!(body["messages"][0]["content"][0]["cache_control"], json!({"type": "ephemeral"}));
    openai().refuses(json!({"modalities": ["text", "audio"]}), "`modalities`");
    openai().refuses(json!({"audio": {"voice": "alloy"}}), "`audio`");
    openai().refuses(json!({"stream": true}), "`stream`");
    openai().refuses(json!({"stream_options": {}}), "`stream_options`");
}

#[test]
fn earlier_turns_go_back_in_the_words_of_each_provider() {
    let turns = json!({"messages": [
        {"role": "assistant", "reasoning_content": "hm", "thinking_blocks": [{"type": "reasoning.text", "text": "hm"}, {"type": "thinking"}],
         "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": {"x": 1}}]},
        {"role": "tool", "tool_call_id": "c", "name": "f", "content": "1"},
    ]});
    let call = json!([{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]);
    let result = json!({"role": "tool", "tool_call_id": "c", "content": "1"});
    let messages = |provider| Subject::new(provider, "m").encode_fields(turns.clone())["messages"].clone();
    assert_eq!(messages("openai"), json!([{"role": "assistant", "tool_calls": call, "content": null}, result]));
    assert_eq!(messages("deepseek")[0]["reasoning_content"], "hm");
    assert_eq!(messages("openrouter")[0]["reasoning_details"], json!([{"type": "reasoning.text", "text": "hm"}]));
}

#[test]
fn a_whole_answer_is_read() {
    let body = r#" {"id":"x","model":"gpt-1","service_tier":"flex","choices":[
        {"index":0,"finish_reason":"tool_calls","message":{"content":null,"reasoning":"r","reasoning_content":"r","refusal":"no",
          "tool_calls":[{"id":"c","function":{"name":"f","arguments":"{\"a\": 1.0}"}},{"function":{"name":"g","arguments":{"b":2}}}]}},
        {"index":1,"finish_reason":"sensitive","message":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"t"}]},{"type":"text","text":"b"}]}}],
        "usage":{"prompt_tokens":10,"completion_tokens":4,"total_tokens":14,"prompt_tokens_details":{"cached_tokens":6,"cache_write_tokens":2}}}"#;
    let decoded = openai().decode(body).unwrap();
    assert_eq!(decoded.completion.service_tier.as_deref(), Some("flex"));
    let [first, second] = &decoded.completion.choices[..] else { panic!("two choices") };
    assert_eq!(first.finish_reason, Some(FinishReason::ToolCalls));
    assert_eq!(first.message.reasoning_content.as_deref(), Some("r"));
    assert_eq!(first.message.refusal.as_deref(), Some("no"));
    assert_eq!(first.message.tool_calls[0].function.arguments, r#"{"a": 1.0}"#);
    assert_eq!(
        (first.message.tool_calls[1].id.as_str(), first.message.tool_calls[1].function.arguments.as_str()),
        ("call_1", r#"{"b":2}"#)
    );
    assert_eq!(second.message.content, Some(Content::Text("b".to_owned())));
    assert_eq!(second.message.reasoning_content.as_deref(), Some("t"));
    assert_eq!(second.finish_reason, Some(FinishReason::ContentFilter));
    assert_eq!(second.provider_finish_reason.as_deref(), Some("sensitive"));
    let usage = decoded.usage.unwrap();
    assert_eq!(
        (usage.input, usage.cached_input, usage.cache_write, usage.reasoning),
        (Some(10), Some(6), Some(2), None)
    );
}

#[test]
fn a_body_that_cannot_be_read_is_the_providers_failure_and_may_have_been_work() {
    for body in ["", r#"{"choices":[{"message""#, r#"{"id":"x","choices":null}"#, r#"{"object":"chat.completion"}"#] {
        let flaw = openai().flawed(body);
        assert_eq!((flaw.error.kind(), flaw.work), (ErrorKind::ProviderUnavailable, Work::Possible), "{body}");
        assert!(flaw.error.is_retryable() && flaw.error.detail().contains("cannot be read"), "{}", flaw.error);
    }
}

#[test]
fn a_body_of_something_else_names_the_address_and_was_no_work() {
    for body in ["<html>", " <!doctype html>", "It works!", r#"{"ok":true}"#, "[]", "null", r#"{"status":"UP"}"#] {
        let flaw = openai().flawed(body);
        assert_eq!((flaw.error.kind(), flaw.work), (ErrorKind::ProviderUnavailable, Work::None), "{body}");
        assert!(!flaw.error.is_retryable() && flaw.error.detail().contains("base_url"), "{}", flaw.error);
    }
}

#[test]
fn an_answer_without_choices_keeps_its_usage() {
    for body in [r#""choices":null"#, r#""choices":[]"#, r#""object":"chat.completion""#] {
        let body = format!(r#"{{"id":"x",{body},"usage":{{"prompt_tokens":1000,"completion_tokens":500}}}}"#);
        let decoded = openai().decode(&body).unwrap();
        assert_eq!((decoded.completion.choices.len(), decoded.usage.unwrap().input), (0, Some(1000)));
    }
    let stated = openai().flawed(r#"{"error":{"message":"gone"},"usage":{"prompt_tokens":7}}"#);
    assert_eq!((stated.work, stated.usage.unwrap().input), (Work::None, Some(7)));
}

#[test]
fn an_error_of_status_200_is_an_error() {
    for (body, kind) in [
        (r#"{"error":{"message":"slow","code":429}}"#, ErrorKind::RateLimited),
        (r#"{"error":{"message":"m","code":"content_filter","status":400}}"#, ErrorKind::ContentFiltered),
        (r#"{"choices":[{"error":{"message":"up","code":502}}]}"#, ErrorKind::ProviderUnavailable),
        (r#"{"code":"InvalidApiKey","message":"m","request_id":"r"}"#, ErrorKind::Authentication),
        (r#"{"code":"x","error":"text"}"#, ErrorKind::ProviderUnavailable),
    ] {
        assert_eq!(openai().decode(body).unwrap_err().kind(), kind, "{body}");
    }
}

#[test]
fn every_shape_of_error_is_read() {
    for (body, detail, code) in [
        (r#"{"error":{"message":"m","type":"t","code":null}}"#, "m", Some("t")),
        (r#"{"error":{"code":"1113","message":"m"}}"#, "m", Some("1113")),
        (r#"{"code":"c","error":"text"}"#, "text", Some("c")),
        (r#"{"detail":"d"}"#, "d", None),
        (r#"{"object":"error","message":"m","type":"t"}"#, "m", Some("t")),
        (r#"{"detail":[{"msg":"x"}]}"#, r#"[{"msg":"x"}]"#, None),
        (
            r#"{"error":{"message":"Provider returned error","code":403,"metadata":{"raw":"{\"error\":\"why\"}"}}}"#,
            "Provider returned error: why",
            Some("403"),
        ),
        ("Bad gateway", "Bad gateway", None),
        ("", "openai answered with status 400 and no message", None),
    ] {
        let error = openai().fails(400, body);
        assert_eq!((error.detail(), error.provider_code()), (detail, code), "{body}");
        assert_eq!(error.status(), Some(400));
    }
}

#[test]
fn money_is_read_with_the_digits_of_the_wire() {
    let cost = |provider, usage: &str| {
        let body = format!(r#"{{"choices":[],"usage":{{"prompt_tokens":1,{usage}}}}}"#);
        Subject::new(provider, "m").decode(&body).unwrap().usage.unwrap().cost.map(|cost| cost.to_string())
    };
    assert_eq!(cost("openrouter", r#""cost":3.6e-06"#).as_deref(), Some("0.0000036"));
    assert_eq!(cost("openrouter", r#""cost":0.12345678901234567890"#).as_deref(), Some("0.1234567890123456789"));
    assert_eq!(
        cost("openrouter", r#""cost":0.1,"is_byok":true,"cost_details":{"upstream_inference_cost":2e-1}"#).as_deref(),
        Some("0.3")
    );
    assert_eq!(cost("openrouter", r#""cost":0,"is_byok":true,"cost_details":{"upstream_inference_cost":null}"#), None);
    assert_eq!(cost("openrouter", r#""cost":-1"#), None);
    assert_eq!(cost("xai", r#""cost_in_usd_ticks":1087500"#).as_deref(), Some("0.00010875"));
    assert_eq!(cost("perplexity", r#""cost":{"total_cost":0.00502}"#).as_deref(), Some("0.00502"));
    assert_eq!(cost("openai", r#""cost":1"#), None);
}

#[test]
fn a_stream_is_read_to_its_last_usage() {
    let chunk = |delta, reason: Option<&str>| json!({"id": "x", "model": "gpt-1", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], "usage": null});
    let (deltas, decoder) = openai().decode_stream(&[
        json!({"id": "", "choices": [], "prompt_filter_results": []}),
        chunk(json!({"role": "assistant", "content": "", "reasoning_content": "r"}), None),
        chunk(json!({"content": "a"}), None),
        chunk(json!({"content": "b"}), Some("stop")),
        json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}),
        json!("[DONE]"),
    ]);
    assert_eq!(said(&deltas), ("ab".to_owned(), "r".to_owned()));
    assert_eq!(deltas.last().unwrap().finish_reason, Some(FinishReason::Stop));
    assert!(decoder.is_complete());
    assert_eq!(decoder.usage().unwrap().total, Some(5));
    assert_eq!((decoder.summary().id.as_deref(), decoder.summary().model.as_deref()), (Some("x"), Some("gpt-1")));
}

#[test]
fn usage_before_the_end_is_provisional() {
    let usage = |completion: u64| json!({"choices": [{"delta": {"content": "a"}}], "usage": {"prompt_tokens": 3, "completion_tokens": completion}});
    let (_, decoder) = Subject::new("perplexity", "m").decode_stream(&[usage(1), usage(2)]);
    assert!(!decoder.is_complete());
    assert_eq!(decoder.usage(), None);
    assert_eq!(decoder.provisional_usage().unwrap().output, Some(2));
}

#[test]
fn usage_may_stand_on_groqs_object_or_on_a_choice() {
    for chunk in [
        json!({"choices": [{"delta": {}, "finish_reason": "stop"}], "x_groq": {"usage": {"prompt_tokens": 3}}}),
        json!({"choices": [{"delta": {}, "finish_reason": "stop", "usage": {"prompt_tokens": 3}}]}),
    ] {
        let (_, decoder) = Subject::new("groq", "m").decode_stream(&[chunk]);
        assert_eq!(decoder.usage().unwrap().input, Some(3));
    }
}

#[test]
fn calls_are_told_apart_however_they_are_numbered() {
    let chunk = |calls| json!({"choices": [{"index": 0, "delta": {"tool_calls": calls}}]});
    let (deltas, _) = openai().decode_stream(&[
        chunk(json!([{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}}])),
        chunk(json!([{"index": 0, "id": "", "function": {"name": "", "arguments": "}"}}])),
        chunk(json!([{"index": 0, "id": "b", "function": {"name": "g", "arguments": "{}"}}])),
        chunk(json!([{"id": "c", "function": {"name": "h"}}])),
        chunk(json!([{"function": {"arguments": "{}"}}])),
    ]);
    let calls = calls(&deltas);
    let ids: Vec<_> = calls.iter().map(|call| (call.index, call.id.as_deref(), call.name.as_deref())).collect();
    assert_eq!(ids, [(0, Some("a"), Some("f")), (0, None, None), (1, Some("b"), Some("g")), (2, Some("c"), Some("h"))]);
}

#[test]
fn a_function_call_of_the_old_form_is_a_tool_call() {
    let chunk = |call| json!({"choices": [{"index": 0, "delta": {"function_call": call}}]});
    let (deltas, _) = openai().decode_stream(&[
        chunk(json!({"name": "f", "arguments": ""})),
        chunk(json!({"arguments": "{}"})),
        chunk(json!({"name": "", "arguments": ""})),
    ]);
    let calls = calls(&deltas);
    assert_eq!(calls.iter().map(|call| call.arguments.as_str()).collect::<String>(), "{}");
    assert_eq!((calls.len(), calls[0].id.as_deref(), calls[0].name.as_deref()), (1, Some("call_0"), Some("f")));
}

#[test]
fn reasoning_blocks_come_whole() {
    let chunk =
        |delta, reason: Option<&str>| json!({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]});
    let (deltas, _) = Subject::new("openrouter", "m").decode_stream(&[
        chunk(json!({"reasoning": "a", "reasoning_details": [{"type": "reasoning.text", "text": "a", "index": 0}]}), None),
        chunk(json!({"reasoning": "b", "reasoning_details": [{"type": "reasoning.text", "text": "b", "index": 0, "signature": "s"}]}), None),
        chunk(json!({"content": "x"}), Some("stop")),
    ]);
    let blocks: Vec<_> = deltas.iter().filter_map(|delta| delta.thinking_block.clone()).collect();
    assert_eq!(blocks, [json!({"type": "reasoning.text", "text": "ab", "index": 0, "signature": "s"})]);
}

#[test]
fn an_error_in_a_stream_is_an_error_and_its_usage_is_kept() {
    let mut decoder = Subject::new("openrouter", "m").stream();
    let chunk =
        json!({"choices": [], "error": {"code": 502, "message": "gone"}, "usage": {"prompt_tokens": 3, "cost": 0.1}});
    let error = decoder.decode_event(&server_event(&chunk), &mut Vec::new()).unwrap_err().error;
    assert_eq!((error.kind(), error.status()), (ErrorKind::ProviderUnavailable, Some(502)));
    assert_eq!(decoder.usage().unwrap().cost, Some("0.1".parse().unwrap()));
    let error =
        openai().stream().decode_event(&server_event(&json!("{\"choices\"")), &mut Vec::new()).unwrap_err().error;
    assert!(error.detail().contains("no complete JSON"));
}

#[test]
fn a_whole_answer_to_a_streamed_call_is_read() {
    let (deltas, decoder) = openai().decode_stream(&[json!({"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "a"}}], "usage": {"prompt_tokens": 1}})]);
    assert_eq!(said(&deltas).0, "a");
    assert!(decoder.is_complete() && decoder.usage().is_some());
}

#[test]
fn the_output_is_bounded_by_the_request_or_else_by_the_config() {
    let subject = openai().with(json!({"max_output_tokens": 70}));
    assert_eq!(subject.encode_fields(json!({}))["max_completion_tokens"], 70);
    assert_eq!(subject.encode_fields(json!({"max_tokens": 60}))["max_completion_tokens"], 60);
}

#[test]
fn probabilities_and_citations_are_kept() {
    let logprobs = json!({"content": [{"token": "a", "logprob": -0.5}]});
    let citations = json!([{"type": "url_citation", "url_citation": {"url": "https://a.test"}}]);
    let message = json!({"content": "a", "annotations": citations});
    let body = json!({"choices": [{"index": 0, "finish_reason": "stop", "logprobs": logprobs, "message": message}]});
    let decoded = openai().decode(&body.to_string()).unwrap();
    let choice = &decoded.completion.choices[0];
    assert_eq!((&choice.logprobs, json!(choice.message.annotations)), (&Some(logprobs.clone()), citations.clone()));
    let (deltas, _) =
        openai().decode_stream(&[json!({"choices": [{"index": 0, "logprobs": logprobs, "delta": message}]})]);
    assert_eq!((&deltas[0].logprobs, json!(deltas[0].annotations)), (&Some(logprobs), citations.clone()));
    let turns = json!({"messages": [{"role": "assistant", "content": "a", "annotations": citations}]});
    assert_eq!(openai().encode(turns)["messages"], json!([{"role": "assistant", "content": "a"}]));
}

#[test]
fn fields_that_only_anthropics_format_has_are_left_out() {
    let cached = json!({"type": "ephemeral"});
    let fields = json!({"anthropic": {"thinking": {"type": "adaptive"}}, "messages": [
        {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": cached}]},
        {"role": "tool", "tool_call_id": "a", "content": "no", "is_error": true},
        {"role": "tool", "tool_call_id": "b", "is_error": true, "content": [{"type": "image_url", "image_url": {"url": "https://a.test"}}]}]});
    let body = openai().encode(fields.clone());
    assert_eq!(
        body,
        json!({"model": body["model"], "messages": [
            {"role": "user", "content": [{"type": "text", "text": "a"}]},
            {"role": "tool", "tool_call_id": "a", "content": "Error: no"},
            {"role": "tool", "tool_call_id": "b", "content": [
                {"type": "text", "text": "Error:"}, {"type": "image_url", "image_url": {"url": "https://a.test"}}]}]})
    );
    let body = Subject::new("openrouter", "m").encode(fields);
    assert_eq!(body["messages"][0]["content"][0]["cache_control"], cached);
}

#[test]
fn tools_of_other_vendors_are_refused_by_name_and_ones_own_pass() {
    let tool = json!({"type": "openrouter:web_search", "parameters": {"max_uses": 1}});
    for provider in ["openrouter", "house"] {
        let subject = Subject::new(provider, "m").at("https://a.test/v1");
        assert_eq!(subject.encode_fields(json!({"tools": [tool]}))["tools"], json!([tool]), "{provider}");
    }
    openai().refuses(json!({"tools": [tool]}), "openrouter:web_search");
    openai().refuses(json!({"tools": [{"type": "memory_20250818", "name": "memory"}]}), "memory_20250818");
    openai().refuses(json!({"tools": [{"google_search": {}}]}), "google_search");
    let kimi = json!({"type": "builtin_function", "function": {"name": "$web_search"}});
    assert_eq!(Subject::new("moonshot", "m").encode_fields(json!({"tools": [kimi]}))["tools"], json!([kimi]));
    openai().refuses(json!({"tools": [kimi]}), "$web_search");
}

#[test]
fn no_field_passes_the_bounds_in_the_words_of_another_server() {
    for field in
        ["max_tokens_to_sample", "n_predict", "num_predict", "candidate_count", "num_beams", "generation_config"]
    {
        openai().refuses(json!({field: 9}), field);
    }
}

#[test]
fn ids_of_calls_are_those_that_the_provider_takes() {
    let sent = |provider: &'static str, id: &str| {
        let messages = json!([{"role": "user", "content": "go"},
            {"role": "assistant", "tool_calls": [{"id": id, "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": id, "content": "r"}]);
        let sent = Subject::new(provider, "m").at("https://a.test/v1").encode(json!({"messages": messages}));
        let id = sent["messages"][1]["tool_calls"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(sent["messages"][2]["tool_call_id"], id);
        id
    };
    let long = "x".repeat(64);
    for (provider, id, length) in [
        ("mistral", "call_0fypS1hVXabcdefghijklmn", Some(9)),
        ("mistral", "call_0", Some(9)),
        ("mistral", "D681PevKs", None),
        ("openai", &long, Some(29)),
        ("azure", &long, Some(29)),
        ("openai", "functions.f:0", None),
        ("house", &long, None),
        ("house", "", Some(29)),
    ] {
        let found = sent(provider, id);
        assert_eq!(length.unwrap_or(id.len()), found.len(), "{provider} {id}: {found}");
        assert_eq!(length.is_none(), found == id, "{provider} {id}: {found}");
    }
}

#[test]
fn reasoning_goes_back_to_those_that_want_it() {
    let field = |provider: &'static str, model: &'static str, base_url: Option<&'static str>| {
        let subject = Subject::new(provider, model);
        let subject = base_url.map_or(Subject::new(provider, model), |base_url| subject.at(base_url));
        let messages =
            json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "reasoning_content": "r"}]);
        let sent = subject.encode(json!({"messages": messages}));
        ["reasoning_content", "reasoning"].into_iter().find(|field| sent["messages"][1].get(*field).is_some())
    };
    let own = Some("https://a.test/v1");
    for (provider, model, base_url, expected) in [
        ("house", "m", own, Some("reasoning_content")),
        ("huggingface", "m", None, Some("reasoning_content")),
        ("deepseek", "deepseek-v4", None, Some("reasoning_content")),
        ("groq", "m", None, Some("reasoning")),
        ("azure", "DeepSeek-V4", own, Some("reasoning_content")),
        ("openai", "deepseek-v4", own, Some("reasoning_content")),
        ("openai", "house-model", own, Some("reasoning_content")),
        ("openai", "gpt-5", own, None),
        ("openai", "gpt-5", None, None),
        ("azure", "my-deployment", own, None),
        ("mistral", "m", None, None),
    ] {
        assert_eq!(field(provider, model, base_url), expected, "{provider} {model}");
    }
}

#[test]
fn a_message_that_says_nothing_is_left_out_where_it_is_refused() {
    let messages = json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": ""}, {"role": "user", "content": "b"}]);
    let sent = |provider: &'static str| {
        Subject::new(provider, "m").at("https://a.test/v1").encode(json!({"messages": messages}))
    };
    assert_eq!(sent("mistral")["messages"].as_array().unwrap().len(), 2);
    assert_eq!(sent("house")["messages"], messages);
}

#[test]
fn content_and_arguments_of_earlier_turns_are_what_every_host_takes() {
    let call = |arguments: &str| json!({"id": "call_1", "function": {"name": "f", "arguments": arguments}});
    let messages = json!([
        {"role": "user", "content": []},
        {"role": "assistant", "content": null},
        {"role": "assistant", "content": []},
        {"role": "assistant", "content": null, "tool_calls": [call("{\"a\": 1}"), call(""), call("{\"a\""), call("[1]")]},
        {"role": "tool", "tool_call_id": "call_1", "content": []},
        {"role": "assistant", "refusal": "No."},
        {"role": "user", "content": "go"},
    ]);
    let written = openai().encode(json!({"messages": messages.clone()}))["messages"].clone();
    let contents: Vec<&Value> = written.as_array().unwrap().iter().map(|message| &message["content"]).collect();
    assert_eq!(contents, [&json!(""), &json!(""), &json!(""), &json!(null), &json!(""), &json!(null), &json!("go")]);
    let arguments = |place: usize| written[3]["tool_calls"][place]["function"]["arguments"].as_str().unwrap();
    assert_eq!(arguments(0), "{\"a\": 1}");
    assert_eq!(arguments(1), "{}");
    for (place, text) in [(2, "{\"a\""), (3, "[1]")] {
        let mended: Value = serde_json::from_str(arguments(place)).unwrap();
        assert_eq!(mended, json!({"INVALID_JSON": text}));
    }
    let mistral = Subject::new("mistral", "m").encode(json!({"messages": messages}))["messages"].clone();
    let refused = mistral.as_array().unwrap().iter().find(|message| message["content"] == "No.").unwrap();
    assert_eq!(refused, &json!({"role": "assistant", "content": "No."}));
}
