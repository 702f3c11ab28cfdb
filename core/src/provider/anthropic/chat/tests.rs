use serde_json::{Value, json};

use crate::provider::Framing;
use crate::provider::testing::{Subject, calls, said, server_event};
use crate::types::{Content, ErrorKind, FinishReason, Place};

fn claude() -> Subject {
    Subject::new("anthropic", "claude-opus-4-7")
}

#[test]
fn a_conversation_is_encoded() {
    let body = claude().encode(json!({"max_tokens": 9, "temperature": 0.5, "stop": "x", "messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [
            {"type": "text", "text": "t", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}},
            {"type": "image_url", "image_url": {"url": "https://a.test/x.png"}},
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,QQ==", "filename": "a.pdf"}},
            {"type": "file", "file": {"file_data": "data:text/plain;base64,aGk="}},
            {"type": "file", "file": {"file_id": "f"}}]},
        {"role": "assistant", "content": "", "thinking_blocks": [{"type": "thinking", "thinking": "h", "signature": "s"}, {"type": "reasoning.text"}],
         "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{\"x\": 1}"}}, {"id": "b", "function": {"name": "g", "arguments": ""}}]},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "2"}]},
        {"role": "user", "content": "go on"}]}));
    assert_eq!(
        body,
        json!({"model": "claude-opus-4-7", "max_tokens": 9, "temperature": 0.5, "stop_sequences": ["x"],
        "system": [{"type": "text", "text": "s"}],
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "t", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QQ=="}},
                {"type": "image", "source": {"type": "url", "url": "https://a.test/x.png"}},
                {"type": "document", "title": "a.pdf", "source": {"type": "base64", "media_type": "application/pdf", "data": "QQ=="}},
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hi"}},
                {"type": "document", "source": {"type": "file", "file_id": "f"}}]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "h", "signature": "s"},
                {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
                {"type": "tool_use", "id": "b", "name": "g", "input": {}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "1"},
                {"type": "tool_result", "tool_use_id": "b", "content": [{"type": "text", "text": "2"}]}]},
            {"role": "user", "content": "go on"}]})
    );
}

#[test]
fn tools_and_forms_of_output_are_encoded() {
    let tools = json!([{"type": "function", "function": {"name": "f", "description": "d", "strict": true, "parameters": {"type": "object"}},
        "cache_control": {"type": "ephemeral"}}, {"type": "function", "function": {"name": "g"}}]);
    let body = claude().encode_fields(json!({"tools": tools, "tool_choice": "required", "parallel_tool_calls": false, "reasoning_effort": "high",
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "properties": {}}}}}));
    assert_eq!(
        body["tools"],
        json!([
        {"name": "f", "input_schema": {"type": "object"}, "description": "d", "strict": true, "cache_control": {"type": "ephemeral"}},
        {"name": "g", "input_schema": {"type": "object"}}])
    );
    assert_eq!(body["tool_choice"], json!({"type": "any", "disable_parallel_tool_use": true}));
    assert_eq!(body["thinking"], json!({"type": "adaptive"}));
    assert_eq!(
        body["output_config"],
        json!({"format": {"type": "json_schema", "schema": {"type": "object", "properties": {}}}, "effort": "high"})
    );
    assert_eq!(body["max_tokens"], 32_000);
    let choice =
        |choice: Value| claude().encode_fields(json!({"tools": tools, "tool_choice": choice}))["tool_choice"].clone();
    assert_eq!(choice(json!("none")), json!({"type": "none"}));
    assert_eq!(choice(json!({"type": "function", "function": {"name": "f"}})), json!({"type": "tool", "name": "f"}));
}

#[test]
fn the_amount_of_reasoning_fits_the_model() {
    let thinking = |limit: u64, effort: &str| {
        let fields = json!({"max_tokens": limit, "reasoning_effort": effort});
        Subject::new("anthropic", "claude-haiku-4-5").encode_fields(fields)["thinking"].clone()
    };
    assert_eq!(thinking(64_000, "high"), json!({"type": "enabled", "budget_tokens": 16_384}));
    assert_eq!(thinking(4_000, "high"), json!({"type": "enabled", "budget_tokens": 2_000}));
    assert_eq!(thinking(9, "none"), json!({"type": "disabled"}));
    let haiku = Subject::new("anthropic", "claude-haiku-4-5");
    haiku.refuses(json!({"max_tokens": 1024, "reasoning_effort": "low"}), "max_tokens above 1024");
    let effort = |effort: &str| claude().encode_fields(json!({"reasoning_effort": effort}))["output_config"].clone();
    assert_eq!(effort("minimal"), effort("low"));
    claude().refuses(json!({"reasoning_effort": "boundless"}), "`reasoning_effort`");
}

#[test]
fn hints_that_promise_nothing_are_left_out() {
    let image = json!([{"type": "image_url", "image_url": {"url": "https://a.test/x", "detail": "low"}}]);
    let body = claude().encode_fields(json!({"seed": 7, "safe_prompt": false, "service_tier": "on_demand",
        "messages": [{"role": "user", "name": "ann", "content": "hi"}, {"role": "user", "content": image}]}));
    assert_eq!(
        body["messages"],
        json!([{"role": "user", "content": "hi"},
            {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "https://a.test/x"}}]}])
    );
    assert_eq!((body.get("seed"), body.get("safe_prompt")), (None, None));
    assert_eq!(body["service_tier"], "standard_only");
    claude().refuses(json!({"safe_prompt": true}), "`safe_prompt`");
}

#[test]
fn json_without_a_schema_is_asked_for_in_words() {
    let body = claude().encode_fields(json!({"response_format": {"type": "json_object"},
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}]}));
    let said = body["system"][1]["text"].as_str().unwrap();
    assert!(said.contains("JSON object") && said.len() <= 128, "{said}");
    assert_eq!((&body["system"][0]["text"], body.get("output_config")), (&json!("be brief"), None));
}

#[test]
fn fields_that_the_format_lacks_are_refused_by_name() {
    for (fields, said) in [
        (json!({"n": 2}), "`n`"),
        (json!({"presence_penalty": 1}), "`presence_penalty`"),
        (json!({"frequency_penalty": 1}), "`frequency_penalty`"),
        (json!({"logprobs": true}), "`logprobs`"),
        (json!({"service_tier": "flex"}), "`service_tier`"),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}]}]}),
            "`input_audio`",
        ),
    ] {
        claude().refuses(fields, said);
    }
    let body = claude().encode_fields(json!({"top_k": 5, "user": "u", "speed": "fast", "stream": false, "n": 1}));
    assert_eq!(
        (&body["top_k"], &body["metadata"], &body["speed"]),
        (&json!(5), &json!({"user_id": "u"}), &json!("fast"))
    );
    assert_eq!(body.get("stream"), None);
}

#[test]
fn addresses_and_headers_follow_the_format() {
    assert_eq!(claude().url(Framing::Json), "https://api.anthropic.com/v1/messages");
    for (base_url, url) in [
        ("http://127.0.0.1:9", "http://127.0.0.1:9/v1/messages"),
        ("https://r.test/anthropic/", "https://r.test/anthropic/v1/messages"),
        ("https://r.test/v1/messages?beta=true", "https://r.test/v1/messages?beta=true"),
    ] {
        assert_eq!(claude().at(base_url).url(Framing::EventStream), url);
    }
    assert_eq!(claude().secret(), ("x-api-key", "sk-key".to_owned()));
    let request = claude().try_encode(json!({"messages": []}), Framing::EventStream).unwrap();
    assert!(request.headers.contains(&("anthropic-version".to_owned(), "2023-06-01".to_owned())));
    let azure =
        Subject::new("azure", "m").at("https://r.test/anthropic").with(json!({"wire_format": "anthropic_messages"}));
    assert_eq!(
        (azure.url(Framing::Json).as_str(), azure.secret().0),
        ("https://r.test/anthropic/v1/messages", "api-key")
    );
}

#[test]
fn a_whole_answer_is_read() {
    let body = json!({"id": "m", "model": "c", "type": "message", "stop_reason": "tool_use", "content": [
        {"type": "thinking", "thinking": "h", "signature": "s"}, {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": "a"}, {"type": "server_tool_use", "name": "web_search"}, {"type": "text", "text": "b"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"z": 1, "a": [2]}}],
        "usage": {"input_tokens": 4, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 3,
            "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 2},
            "output_tokens": 7, "output_tokens_details": {"thinking_tokens": 5}, "service_tier": "standard",
            "iterations": [{"type": "message", "input_tokens": 4, "output_tokens": 7},
                {"type": "advisor_message", "model": "big", "input_tokens": 9, "output_tokens": 1}]}});
    let decoded = claude().decode(&body.to_string()).unwrap();
    let choice = &decoded.completion.choices[0];
    assert_eq!(choice.message.content, Some(Content::Text("ab".to_owned())));
    assert_eq!(choice.message.reasoning_content.as_deref(), Some("h"));
    let kept: Vec<_> = choice.message.thinking_blocks.iter().map(|block| block["type"].as_str().unwrap()).collect();
    assert_eq!(kept, ["thinking", "redacted_thinking", "server_tool_use"]);
    assert_eq!(choice.message.tool_calls[0].function.arguments, r#"{"z":1,"a":[2]}"#);
    assert_eq!(
        (choice.finish_reason, choice.provider_finish_reason.as_deref()),
        (Some(FinishReason::ToolCalls), Some("tool_use"))
    );
    assert_eq!(decoded.completion.service_tier.as_deref(), Some("standard"));
    let usage = decoded.usage.unwrap();
    assert_eq!((usage.input, usage.cached_input, usage.cache_write), (Some(4), Some(10), Some(3)));
    assert_eq!((usage.cache_write_5m, usage.cache_write_1h, usage.reasoning), (Some(1), Some(2), Some(5)));
    assert_eq!((usage.cached_place, usage.cache_write_place), (Place::Outside, Place::Outside));
    assert_eq!(usage.reasoning_place, Place::Inside);
    assert_eq!(usage.iterations.len(), 1);
    assert_eq!(
        (usage.iterations[0].kind.as_str(), usage.iterations[0].model.as_deref()),
        ("advisor_message", Some("big"))
    );
    assert_eq!(usage.iterations[0].usage.input, Some(9));
}

#[test]
fn a_body_that_is_no_answer_is_the_providers_failure() {
    for body in ["", "oops", "{}", r#"{"content":[{"#] {
        assert_eq!(claude().decode(body).unwrap_err().kind(), ErrorKind::ProviderUnavailable, "{body}");
    }
    let error = claude().decode(r#"{"type":"error","error":{"type":"rate_limit_error","message":"m"}}"#).unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::RateLimited, Some(429)));
}

fn start() -> Value {
    json!({"type": "message_start", "message": {"id": "m", "model": "c", "content": [],
        "usage": {"input_tokens": 4, "cache_read_input_tokens": 9, "output_tokens": 1, "service_tier": "standard"}}})
}

#[test]
fn a_stream_is_read() {
    let block =
        |index: u64, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let piece = |index: u64, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let stop = |index: u64| json!({"type": "content_block_stop", "index": index});
    let (deltas, decoder) = claude().decode_stream(&[
        start(),
        block(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
        json!({"type": "ping"}),
        piece(0, json!({"type": "thinking_delta", "thinking": "h"})),
        piece(0, json!({"type": "thinking_delta", "thinking": "m"})),
        piece(0, json!({"type": "signature_delta", "signature": "sig"})),
        stop(0),
        block(1, json!({"type": "text", "text": ""})),
        piece(1, json!({"type": "text_delta", "text": "a"})),
        stop(1),
        block(2, json!({"type": "tool_use", "id": "t", "name": "f", "input": {}})),
        piece(2, json!({"type": "input_json_delta", "partial_json": ""})),
        piece(2, json!({"type": "input_json_delta", "partial_json": "{\"x\": 1}"})),
        stop(2),
        block(3, json!({"type": "tool_use", "id": "u", "name": "g", "input": {}})),
        stop(3),
        block(4, json!({"type": "server_tool_use", "id": "v", "name": "web_search", "input": {}})),
        piece(4, json!({"type": "input_json_delta", "partial_json": "{\"que"})),
        piece(4, json!({"type": "input_json_delta", "partial_json": "ry\": \"x\"}"})),
        stop(4),
        block(5, json!({"type": "web_search_tool_result", "tool_use_id": "v", "content": [{"url": "https://a.test"}]})),
        stop(5),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 20, "input_tokens": null}}),
        json!({"type": "message_stop"}),
        json!({"type": "something_new"}),
    ]);
    assert_eq!(said(&deltas), ("a".to_owned(), "hm".to_owned()));
    let blocks: Vec<Value> = deltas.iter().filter_map(|delta| delta.thinking_block.clone()).collect();
    assert_eq!(
        blocks,
        [
            json!({"type": "thinking", "thinking": "hm", "signature": "sig"}),
            json!({"type": "server_tool_use", "id": "v", "name": "web_search", "input": {"query": "x"}}),
            json!({"type": "web_search_tool_result", "tool_use_id": "v", "content": [{"url": "https://a.test"}]}),
        ]
    );
    let calls = calls(&deltas);
    let pieces: Vec<_> = calls.iter().map(|call| (call.index, call.id.as_deref(), call.arguments.as_str())).collect();
    assert_eq!(pieces, [(0, Some("t"), ""), (0, None, "{\"x\": 1}"), (1, Some("u"), ""), (1, None, "{}")]);
    assert_eq!(deltas.last().unwrap().finish_reason, Some(FinishReason::ToolCalls));
    assert!(decoder.is_complete());
    let usage = decoder.usage().unwrap();
    assert_eq!((usage.input, usage.cached_input, usage.output), (Some(4), Some(9), Some(20)));
    assert_eq!(decoder.summary().service_tier.as_deref(), Some("standard"));
}

#[test]
fn the_placeholder_of_a_broken_stream_is_not_final() {
    let (_, decoder) = claude().decode_stream(&[start()]);
    assert!(!decoder.is_complete());
    assert_eq!(decoder.usage(), None);
    assert_eq!(decoder.provisional_usage().unwrap().input, Some(4));
    assert_eq!(claude().decode_stream(&[]).1.provisional_usage(), None);
}

#[test]
fn an_error_in_a_stream_is_an_error() {
    let mut decoder = claude().stream();
    let event = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let error = decoder.decode_event(&server_event(&event), &mut Vec::new()).unwrap_err().error;
    assert_eq!(
        (error.kind(), error.status(), error.provider_code()),
        (ErrorKind::ProviderUnavailable, Some(529), Some("overloaded_error"))
    );
    assert!(error.is_retryable());
}

#[test]
fn a_whole_answer_to_a_streamed_call_is_read() {
    let (deltas, decoder) = claude().decode_stream(&[json!({"type": "message", "id": "m", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "a"}, {"type": "tool_use", "id": "t", "name": "f", "input": {}}],
        "usage": {"input_tokens": 1, "output_tokens": 2}})]);
    assert_eq!((said(&deltas).0.as_str(), calls(&deltas)[0].arguments.as_str()), ("a", "{}"));
    assert!(decoder.is_complete());
    assert_eq!(decoder.usage().unwrap().output, Some(2));
}

#[test]
fn the_output_is_bounded_by_the_request_or_else_by_the_config() {
    let subject = claude().with(json!({"max_output_tokens": 70}));
    assert_eq!(subject.encode_fields(json!({}))["max_tokens"], 70);
    assert_eq!(subject.encode_fields(json!({"max_tokens": 60}))["max_tokens"], 60);
}

#[test]
fn thinking_in_the_formats_own_fields_wins_over_the_effort() {
    let own = json!({"thinking": {"type": "enabled", "budget_tokens": 2048}, "cache_control": {"type": "ephemeral"}});
    let body = claude().encode_fields(json!({"max_tokens": 4096, "reasoning_effort": "high", "anthropic": own}));
    assert_eq!((&body["thinking"], &body["cache_control"]), (&own["thinking"], &own["cache_control"]));
    assert_eq!((body.get("output_config"), body.get("anthropic")), (None, None));
    let body = claude().encode_fields(json!({"reasoning_effort": "high", "anthropic": {}}));
    assert_eq!(body["output_config"], json!({"effort": "high"}));
    claude().refuses(json!({"anthropic": {"max_tokens": 9}}), "`anthropic.max_tokens`");
    claude().refuses(json!({"anthropic": 1}), "`anthropic`");
}

#[test]
fn documents_by_address_and_failed_results_are_encoded() {
    let cached = json!({"type": "ephemeral"});
    let body = claude().encode(json!({"messages": [
        {"role": "user", "content": [{"type": "file", "file": {"file_data": "https://a.test/x.pdf"}, "cache_control": cached}]},
        {"role": "tool", "tool_call_id": "a", "is_error": true, "content": [{"type": "text", "text": "no", "cache_control": cached}]}]}));
    assert_eq!(
        body["messages"],
        json!([
        {"role": "user", "content": [{"type": "document", "source": {"type": "url", "url": "https://a.test/x.pdf"}, "cache_control": cached}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "is_error": true, "cache_control": cached,
            "content": [{"type": "text", "text": "no"}]}]}])
    );
    let wrong =
        json!({"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_data": "ftp://a.test"}}]}]});
    claude().refuses(wrong, "file_data");
}

#[test]
fn fields_of_openais_that_change_nothing_are_left_out_and_the_others_are_refused() {
    let plain = claude().encode_fields(json!({}));
    let idle = json!({"store": true, "metadata": {"team": "a"}, "safety_identifier": "s", "prompt_cache_key": "k",
        "prompt_cache_retention": "24h", "logprobs": false, "top_logprobs": 0, "logit_bias": {}, "modalities": ["text"],
        "verbosity": "medium", "prediction": null, "presence_penalty": 0, "frequency_penalty": 0.0});
    assert_eq!(claude().encode_fields(idle), plain);
    for (fields, said) in [
        (json!({"logprobs": true}), "`logprobs`"),
        (json!({"top_logprobs": 2}), "`top_logprobs`"),
        (json!({"logit_bias": {"50256": -100}}), "`logit_bias`"),
        (json!({"modalities": ["text", "audio"]}), "`modalities`"),
        (json!({"verbosity": "low"}), "`verbosity`"),
        (json!({"web_search_options": {}}), "`web_search_options`"),
    ] {
        claude().refuses(fields, said);
    }
    let metadata = json!({"user_id": "u"});
    assert_eq!(claude().encode_fields(json!({"metadata": metadata}))["metadata"], metadata);
}

#[test]
fn paid_fields_are_found_among_the_formats_own_fields() {
    for (field, value) in [
        ("speed", json!("fast")),
        ("inference_geo", json!("us")),
        ("mcp_servers", json!([{"type": "url", "url": "https://a.test", "name": "a"}])),
        ("container", json!("c")),
        ("fallbacks", json!([{"model": "claude-opus-4-8"}])),
        ("max_tokens", json!(1_000_000)),
    ] {
        claude().refuses(json!({"anthropic": {field: value}}), &format!("`anthropic.{field}`"));
    }
}

#[test]
fn an_absent_output_limit_is_the_models_own() {
    for (model, limit) in [
        ("claude-3-haiku-20240307", 4_096),
        ("anthropic.claude-3-opus", 4_096),
        ("claude-3-5-sonnet-latest", 8_192),
        ("claude-3.5-haiku", 8_192),
        ("claude-3-7-sonnet", 32_000),
        ("claude-next", 32_000),
        ("house-model", 32_000),
    ] {
        assert_eq!(Subject::new("anthropic", model).encode_fields(json!({}))["max_tokens"], limit, "{model}");
    }
}

#[test]
fn the_vendors_own_tools_pass_as_they_are_and_others_tools_are_refused_by_name() {
    let tools = json!([
        {"type": "computer_20250124", "name": "computer", "display_width_px": 10, "display_height_px": 20},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 2, "allowed_domains": ["a.test"]},
        {"type": "function", "function": {"name": "f"}},
    ]);
    let sent = claude().encode_fields(json!({"tools": tools}));
    assert_eq!((&sent["tools"][0], &sent["tools"][1]), (&tools[0], &tools[1]));
    assert_eq!(sent["tools"][2]["name"], "f");
    claude().refuses(json!({"tools": [{"google_search": {}}]}), "google_search");
    claude().refuses(json!({"tools": [{"type": "openrouter:web_search"}]}), "openrouter:web_search");
    claude().refuses(json!({"tools": [{"type": "web_search_preview"}]}), "web_search_preview");
}

#[test]
fn blocks_of_the_providers_tools_go_back_in_the_next_turn() {
    let blocks = json!([
        {"type": "server_tool_use", "id": "v", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "v", "content": [{"url": "https://a.test", "encrypted_content": "E"}]},
    ]);
    let sent = claude().encode(json!({"messages": [
        {"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "thinking_blocks": blocks}, {"role": "user", "content": "c"}]}));
    let content = sent["messages"][1]["content"].as_array().unwrap();
    assert_eq!((&content[..2], &content[2]["text"]), (blocks.as_array().unwrap().as_slice(), &json!("b")));
}

#[test]
fn blank_content_is_left_out_or_replaced_as_the_provider_demands() {
    let sent = |messages: Value| claude().encode(json!({"messages": messages}))["messages"].clone();
    let user = |text: &str| json!({"role": "user", "content": text});
    let call = json!([{"id": "c", "function": {"name": "f", "arguments": "{}"}}]);
    for blank in ["", " ", "\n\t"] {
        let said = sent(
            json!([user("a"), {"role": "assistant", "content": blank, "tool_calls": call}, {"role": "tool", "tool_call_id": "c", "content": "r"}]),
        );
        assert_eq!(said[1]["content"].as_array().unwrap().len(), 1, "{blank:?}");
        assert_eq!(
            sent(json!([user("a"), {"role": "assistant", "content": blank}, user("b")])),
            json!([user("a"), user("b")])
        );
        assert_eq!(sent(json!([user(blank), {"role": "assistant", "content": "yes?"}, user("b")]))[0], user("."));
        assert_eq!(sent(json!([user(blank)])), json!([user(".")]));
        let last = sent(json!([user("a"), {"role": "assistant", "content": "b"}, user(blank)]));
        assert_eq!(last[2], user("."));
        let parts = json!([{"type": "text", "text": blank}, {"type": "text", "text": "a"}]);
        assert_eq!(
            sent(json!([{"role": "user", "content": parts}])),
            json!([{"role": "user", "content": [{"type": "text", "text": "a"}]}])
        );
        let result = json!({"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": blank}]});
        let results = sent(json!([user("a"), {"role": "assistant", "tool_calls": call}, result]));
        assert_eq!(results[2]["content"], json!([{"type": "tool_result", "tool_use_id": "c"}]));
        let failed = json!({"role": "tool", "tool_call_id": "c", "content": blank, "is_error": true});
        let results = sent(json!([user("a"), {"role": "assistant", "tool_calls": call}, failed]));
        assert_eq!(results[2]["content"][0]["content"], "error");
        let system = claude().encode(json!({"messages": [{"role": "system", "content": blank}, user("a")]}));
        assert_eq!(system.get("system"), None);
    }
    let prefilled = sent(json!([user("a"), {"role": "assistant", "content": "b \n"}]));
    assert_eq!(prefilled[1]["content"][0]["text"], "b");
    assert_eq!(claude().encode_fields(json!({"stop": ["\n", "x"]}))["stop_sequences"], json!(["x"]));
    assert_eq!(claude().encode_fields(json!({"stop": "\n"})).get("stop_sequences"), None);
}

#[test]
fn calls_of_other_vendors_are_sent_as_the_provider_takes_them() {
    let messages = json!([{"role": "user", "content": "go"},
        {"role": "assistant", "tool_calls": [{"id": "functions.f:0", "function": {"name": "f", "arguments": "{\"a\": \"\\ud83d\"}"}}]},
        {"role": "tool", "tool_call_id": "functions.f:0", "content": "r"}]);
    let sent = claude().encode(json!({"messages": messages}))["messages"].clone();
    let call = &sent[1]["content"][0];
    assert_eq!((&call["id"], &call["input"]), (&sent[2]["content"][0]["tool_use_id"], &json!({"a": "\u{fffd}"})));
    assert!(call["id"].as_str().unwrap().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)));
}

#[test]
fn a_conversation_begins_with_the_user_and_has_no_thinking_that_nobody_signed() {
    let signed = json!({"type": "thinking", "thinking": "so", "signature": "s"});
    let said = json!([
        {"role": "assistant", "content": "Hello.", "thinking_blocks": [
            {"type": "thinking", "thinking": "hm"},
            {"type": "thinking", "thinking": "hm", "signature": ""},
            signed,
        ]},
        {"role": "user", "content": "Go on."},
    ]);
    let claude = Subject::new("anthropic", "claude-sonnet-4-5");
    let written = claude.encode(json!({"messages": said.clone()}))["messages"].clone();
    assert_eq!(written[0], json!({"role": "user", "content": "."}));
    assert_eq!(written[1]["content"], json!([signed, {"type": "text", "text": "Hello."}]));
    let only_system = claude.encode(json!({"messages": [{"role": "system", "content": "Be kind."}]}));
    assert_eq!(only_system["messages"], json!([{"role": "user", "content": "."}]));
    // A host that imitates the format signs nothing, and wants back what it said.
    let house = Subject::new("house", "m").at("http://127.0.0.1/v1").with(json!({"wire_format": "anthropic_messages"}));
    let written = house.encode(json!({"messages": said}))["messages"].clone();
    assert_eq!(written[1]["content"].as_array().unwrap().len(), 4);
}
