use std::time::Duration;

use serde_json::{Value, json};

use crate::provider::Framing;
use crate::provider::testing::{Subject, calls, said, server_event};
use crate::types::{Content, ErrorKind, FinishReason, Place};

fn gemini() -> Subject {
    Subject::new("gemini", "gemini-3-pro")
}

#[test]
fn a_conversation_is_encoded() {
    let body = gemini().encode(json!({"max_tokens": 9, "temperature": 0.5, "top_p": 1, "stop": ["x"], "n": 2, "seed": 3, "messages": [
        {"role": "developer", "content": "s"},
        {"role": "user", "content": [
            {"type": "text", "text": "t"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}},
            {"type": "image_url", "image_url": {"url": "https://a.test/x.JPG?w=1"}},
            {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}},
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,QQ==", "filename": "a.pdf"}},
            {"type": "file", "file": {"file_id": "https://g.test/files/1"}}]},
        {"role": "assistant", "content": "ok", "reasoning_content": "h", "tool_calls": [
            {"id": "call_0", "function": {"name": "f", "arguments": "{\"x\": 1}"}, "extra_content": {"google": {"thought_signature": "s"}}},
            {"id": "abc", "function": {"name": "g", "arguments": ""}}]},
        {"role": "tool", "tool_call_id": "call_0", "content": "{\"y\": 2}"},
        {"role": "tool", "tool_call_id": "abc", "content": [{"type": "text", "text": "no"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}}]}]}));
    assert_eq!(
        body,
        json!({
        "systemInstruction": {"parts": [{"text": "s"}]},
        "contents": [
            {"role": "user", "parts": [
                {"text": "t"},
                {"inlineData": {"mimeType": "image/png", "data": "QQ=="}},
                {"fileData": {"fileUri": "https://a.test/x.JPG?w=1", "mimeType": "image/jpeg"}},
                {"inlineData": {"mimeType": "audio/wav", "data": "QQ=="}},
                {"inlineData": {"mimeType": "application/pdf", "data": "QQ=="}},
                {"fileData": {"fileUri": "https://g.test/files/1"}}]},
            {"role": "model", "parts": [
                {"text": "ok"},
                {"functionCall": {"name": "f", "args": {"x": 1}}, "thoughtSignature": "s"},
                {"functionCall": {"name": "g", "args": {}, "id": "abc"}}]},
            {"role": "user", "parts": [
                {"functionResponse": {"name": "f", "response": {"y": 2}}},
                {"functionResponse": {"name": "g", "id": "abc", "response": {"result": "no"},
                    "parts": [{"inlineData": {"mimeType": "image/png", "data": "QQ=="}}]}}]}],
        "generationConfig": {"maxOutputTokens": 9, "temperature": 0.5, "topP": 1, "stopSequences": ["x"], "candidateCount": 2, "seed": 3}})
    );
}

#[test]
fn tools_and_forms_of_output_are_encoded() {
    let tools = |strict: bool| json!([{"type": "function", "function": {"name": "f", "description": "d", "strict": strict, "parameters": {"type": "object"}}}]);
    let body = gemini().encode_fields(json!({"tools": tools(false), "tool_choice": {"type": "function", "function": {"name": "f"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}, "reasoning_effort": "low",
        "top_k": 4, "safety_settings": [], "labels": {"a": "b"}, "service_tier": "flex"}));
    assert_eq!(
        body["tools"],
        json!([{"functionDeclarations": [{"name": "f", "description": "d", "parametersJsonSchema": {"type": "object"}}]}])
    );
    assert_eq!(body["toolConfig"], json!({"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}}));
    assert_eq!(
        body["generationConfig"],
        json!({"responseMimeType": "application/json", "responseJsonSchema": {"type": "object"},
        "thinkingConfig": {"thinkingLevel": "low"}, "topK": 4})
    );
    assert_eq!(
        (&body["safetySettings"], &body["labels"], &body["serviceTier"]),
        (&json!([]), &json!({"a": "b"}), &json!("flex"))
    );
    let mode = |fields: Value| gemini().encode_fields(fields)["toolConfig"]["functionCallingConfig"]["mode"].clone();
    assert_eq!(mode(json!({"tools": tools(true)})), "VALIDATED");
    assert_eq!(mode(json!({"tools": tools(false)})), Value::Null);
    assert_eq!(mode(json!({"tools": tools(true), "tool_choice": "none"})), "NONE");
    let earlier = Subject::new("gemini", "gemini-2.5-flash").encode_fields(json!({"reasoning_effort": "none"}));
    assert_eq!(earlier["generationConfig"]["thinkingConfig"], json!({"thinkingBudget": 0}));
}

#[test]
fn hints_that_promise_nothing_are_left_out() {
    let image = json!([{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "high"}}]);
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let body = gemini()
        .encode_fields(json!({"service_tier": "on_demand", "parallel_tool_calls": false, "tools": tools,
        "safe_prompt": false, "messages": [{"role": "user", "name": "ann", "content": image}]}));
    assert_eq!(
        body["contents"],
        json!([{"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": "AA=="}}]}])
    );
    assert_eq!((&body["serviceTier"], body.get("toolConfig")), (&json!("standard"), None));
}

#[test]
fn fields_that_the_format_lacks_are_refused_by_name() {
    for (fields, said) in [
        (json!({"logit_bias": {"1": 1}}), "`logit_bias`"),
        (json!({"response_modalities": ["IMAGE"]}), "`response_modalities`"),
        (json!({"reasoning_effort": "none"}), "`reasoning_effort`"),
        (json!({"service_tier": "scale"}), "`service_tier`"),
        (json!({"messages": [{"role": "tool", "tool_call_id": "zz", "content": "x"}]}), "zz"),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]}]}),
            "`cache_control`",
        ),
        (json!({"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]}), "file_id"),
    ] {
        gemini().refuses(fields, said);
    }
}

#[test]
fn addresses_and_headers_follow_the_format() {
    assert_eq!(
        gemini().url(Framing::Json),
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-3-pro:generateContent"
    );
    for (base_url, url) in [
        ("http://127.0.0.1:9", "http://127.0.0.1:9/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse"),
        ("https://r.test/v1?a=b", "https://r.test/v1/models/gemini-3-pro:streamGenerateContent?a=b&alt=sse"),
        (
            "https://r.test/v1/models/x:generateContent?alt=sse",
            "https://r.test/v1/models/x:streamGenerateContent?alt=sse",
        ),
    ] {
        assert_eq!(gemini().at(base_url).url(Framing::EventStream), url);
    }
    let tuned = Subject::new("google", "tunedModels/my model");
    assert!(tuned.url(Framing::Json).ends_with("/v1beta/tunedModels/my%20model:generateContent"));
    assert_eq!(gemini().secret(), ("x-goog-api-key", "sk-key".to_owned()));
}

#[test]
fn a_whole_answer_is_read() {
    let body = json!({"responseId": "r", "modelVersion": "g-1", "candidates": [{"index": 0, "finishReason": "STOP", "content": {"parts": [
        {"text": "h", "thought": true}, {"text": "a"}, {"functionCall": {"name": "f", "args": {"z": 1}}, "thoughtSignature": "s"},
        {"functionCall": {"name": "g", "id": "own"}}]}}],
        "usageMetadata": {"promptTokenCount": 10, "cachedContentTokenCount": 4, "toolUsePromptTokenCount": 2, "candidatesTokenCount": 5,
            "thoughtsTokenCount": 6, "totalTokenCount": 23, "serviceTier": "flex"}});
    let decoded = gemini().decode(&body.to_string()).unwrap();
    let choice = &decoded.completion.choices[0];
    assert_eq!(
        (choice.message.content.clone(), choice.message.reasoning_content.as_deref()),
        (Some(Content::Text("a".to_owned())), Some("h"))
    );
    let calls = &choice.message.tool_calls;
    assert_eq!((calls[0].id.as_str(), calls[0].function.arguments.as_str()), ("call_0", r#"{"z":1}"#));
    assert_eq!(calls[0].extra_content, Some(json!({"google": {"thought_signature": "s"}})));
    assert_eq!((calls[1].id.as_str(), calls[1].function.arguments.as_str()), ("own", "{}"));
    assert_eq!(
        (choice.finish_reason, choice.provider_finish_reason.as_deref()),
        (Some(FinishReason::ToolCalls), Some("STOP"))
    );
    let completion = &decoded.completion;
    assert_eq!(
        (completion.id.as_deref(), completion.model.as_deref(), completion.service_tier.as_deref()),
        (Some("r"), Some("g-1"), Some("flex"))
    );
    let usage = decoded.usage.unwrap();
    assert_eq!((usage.input, usage.cached_input, usage.input_outside), (Some(10), Some(4), Some(2)));
    assert_eq!((usage.output, usage.reasoning, usage.reasoning_place), (Some(5), Some(6), Place::Outside));
}

#[test]
fn finish_reasons_are_read_as_words_and_as_numbers() {
    for (raw, text, reason) in [
        (json!(1), "1", FinishReason::Stop),
        (json!(2), "2", FinishReason::Length),
        (json!("SAFETY"), "SAFETY", FinishReason::ContentFilter),
        (json!("MALFORMED_FUNCTION_CALL"), "MALFORMED_FUNCTION_CALL", FinishReason::Other),
        (json!(9), "9", FinishReason::Other),
    ] {
        let body = json!({"candidates": [{"finishReason": raw}]});
        let choice = gemini().decode(&body.to_string()).unwrap().completion.choices.remove(0);
        assert_eq!((choice.finish_reason, choice.provider_finish_reason.as_deref()), (Some(reason), Some(text)));
    }
}

#[test]
fn a_blocked_prompt_is_an_answer_that_is_billed() {
    let body = json!({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9}});
    let decoded = gemini().decode(&body.to_string()).unwrap();
    let choice = &decoded.completion.choices[0];
    assert_eq!(
        (choice.finish_reason, choice.provider_finish_reason.as_deref()),
        (Some(FinishReason::ContentFilter), Some("SAFETY"))
    );
    assert_eq!(decoded.usage.unwrap().input, Some(9));
    let (deltas, stream) = gemini().decode_stream(&[body]);
    assert_eq!(deltas[0].finish_reason, Some(FinishReason::ContentFilter));
    assert!(stream.is_complete() && stream.usage().is_some());
}

#[test]
fn a_body_that_is_no_answer_is_the_providers_failure() {
    for body in ["", "{}", "[{}]", r#"{"candidates":["#] {
        assert_eq!(gemini().decode(body).unwrap_err().kind(), ErrorKind::ProviderUnavailable, "{body}");
    }
    let error = gemini().decode(r#"{"error":{"code":503,"status":"UNAVAILABLE","message":"m"}}"#).unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::ProviderUnavailable, Some(503)));
}

#[test]
fn errors_are_read_with_their_details() {
    let quota = |id: &str| {
        json!([{"error": {"code": 429, "message": "You exceeded your current quota", "status": "RESOURCE_EXHAUSTED", "details": [
        {"@type": "QuotaFailure", "violations": [{"quotaId": id}]}, {"@type": "RetryInfo", "retryDelay": "48s"}]}}]).to_string()
    };
    let error = gemini().fails(429, &quota("RequestsPerMinutePerProject"));
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::RateLimited, Some(Duration::from_secs(48))));
    let error = gemini().fails(429, &quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"));
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::ProviderQuotaExhausted, false));
    let key = json!({"error": {"code": 400, "message": "bad", "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}});
    assert_eq!(gemini().fails(400, &key.to_string()).kind(), ErrorKind::Authentication);
    let missing = json!({"error": {"code": 404, "message": "no such model", "status": "NOT_FOUND"}});
    assert_eq!(gemini().fails(404, &missing.to_string()).kind(), ErrorKind::NotFound);
    assert_eq!(gemini().fails(502, "<html>").kind(), ErrorKind::ProviderUnavailable);
}

#[test]
fn a_stream_is_read_and_its_last_usage_counts() {
    let chunk = |parts: Value, reason: Value, output: u64| {
        json!({"candidates": [{"content": {"parts": parts}, "finishReason": reason}], "modelVersion": "g-1",
            "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": output, "totalTokenCount": 9 + output}})
    };
    let events = [
        chunk(json!([{"text": "h", "thought": true}]), Value::Null, 1),
        chunk(json!([{"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "s"}]), Value::Null, 2),
        chunk(json!([{"functionCall": {"name": "f"}}, {"text": "a"}]), Value::Null, 3),
        chunk(json!([{"text": ""}]), json!("STOP"), 4),
    ];
    let (_, decoder) = gemini().decode_stream(&events[..3]);
    assert_eq!((decoder.is_complete(), decoder.usage()), (false, None));
    assert_eq!(decoder.provisional_usage().unwrap().output, Some(3));
    let (deltas, decoder) = gemini().decode_stream(&events);
    assert_eq!(said(&deltas), ("a".to_owned(), "h".to_owned()));
    let calls = calls(&deltas);
    assert_eq!(
        (calls[0].index, calls[0].id.as_deref(), calls[0].arguments.as_str()),
        (0, Some("call_0"), r#"{"a":1}"#)
    );
    assert_eq!((calls[1].index, calls[1].id.as_deref(), calls[1].arguments.as_str()), (1, Some("call_1"), "{}"));
    assert_eq!(deltas.last().unwrap().finish_reason, Some(FinishReason::ToolCalls));
    assert_eq!(decoder.usage().unwrap().output, Some(4));
}

#[test]
fn an_error_in_a_stream_is_an_error() {
    let event = json!({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}});
    let error = gemini().stream().decode_event(&server_event(&event), &mut Vec::new()).unwrap_err().error;
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::ProviderUnavailable, true));
}

#[test]
fn the_output_is_bounded_by_the_request_or_else_by_the_config() {
    let subject = gemini().with(json!({"max_output_tokens": 70}));
    assert_eq!(subject.encode_fields(json!({}))["generationConfig"]["maxOutputTokens"], 70);
    assert_eq!(subject.encode_fields(json!({"max_tokens": 60}))["generationConfig"]["maxOutputTokens"], 60);
}

#[test]
fn failed_results_and_documents_by_address_are_encoded() {
    let body = Subject::new("gemini", "gemini-3-pro").encode(
        json!({"user": "u", "anthropic": {"thinking": {"type": "adaptive"}}, "messages": [
        {"role": "user", "content": [
            {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
            {"type": "file", "file": {"file_data": "https://a.test/x.pdf"}}]},
        {"role": "tool", "tool_call_id": "x", "name": "f", "content": "no", "is_error": true},
        {"role": "tool", "tool_call_id": "y", "name": "f", "content": "{\"z\":1}", "is_error": true}]}),
    );
    assert_eq!(
        body,
        json!({"contents": [
            {"role": "user", "parts": [{"text": "a"},
                {"fileData": {"fileUri": "https://a.test/x.pdf", "mimeType": "application/pdf"}}]},
            {"role": "user", "parts": [
                {"functionResponse": {"name": "f", "response": {"error": "no"}, "id": "x"}},
                {"functionResponse": {"name": "f", "response": {"error": {"z": 1}}, "id": "y"}}]}]})
    );
}

#[test]
fn fields_of_openais_that_change_nothing_are_left_out_and_the_others_are_refused() {
    let plain = gemini().encode_fields(json!({}));
    let idle = json!({"store": true, "metadata": {"team": "a"}, "safety_identifier": "s", "prompt_cache_key": "k",
        "prompt_cache_retention": "24h", "logprobs": false, "top_logprobs": 0, "logit_bias": {}, "modalities": ["text"],
        "verbosity": "medium", "prediction": null, "user": "u"});
    assert_eq!(gemini().encode_fields(idle), plain);
    for (fields, said) in [
        (json!({"logprobs": true}), "`logprobs`"),
        (json!({"top_logprobs": 2}), "`top_logprobs`"),
        (json!({"logit_bias": {"50256": -100}}), "`logit_bias`"),
        (json!({"modalities": ["text", "audio"]}), "`modalities`"),
        (json!({"verbosity": "low"}), "`verbosity`"),
        (json!({"web_search_options": {}}), "`web_search_options`"),
    ] {
        gemini().refuses(fields, said);
    }
}

#[test]
fn the_vendors_own_tools_stand_beside_functions_and_others_are_refused_by_name() {
    let body = gemini().encode_fields(json!({"tools": [
        {"google_search": {}}, {"type": "function", "function": {"name": "f"}}, {"url_context": {}, "code_execution": {}}]}));
    assert_eq!(
        body["tools"],
        json!([{"functionDeclarations": [{"name": "f"}]}, {"google_search": {}}, {"url_context": {}, "code_execution": {}}])
    );
    let alone = gemini().encode_fields(json!({"tools": [{"googleSearch": {}}]}));
    assert_eq!(alone["tools"], json!([{"googleSearch": {}}]));
    gemini().refuses(json!({"tools": [{"type": "bash_20250124", "name": "bash"}]}), "bash_20250124");
    gemini().refuses(json!({"tools": [{"google_search": {}, "levitate": {}}]}), "levitate");
}

#[test]
fn every_field_that_is_renamed_is_on_the_list() {
    use crate::provider::{WireFormat, body_field};
    for (name, ..) in super::encode::EXTRA {
        assert!(body_field::is_taken(WireFormat::Gemini, name), "{name}");
    }
}

#[test]
fn parts_without_anything_in_them_are_left_out() {
    let sent = |messages: Value| gemini().encode(json!({"messages": messages}));
    let body = sent(json!([{"role": "system", "content": ""}, {"role": "user", "content": "a"},
        {"role": "assistant", "content": ""}, {"role": "user", "content": [{"type": "text", "text": ""}, {"type": "text", "text": "b"}]}]));
    assert_eq!(
        (body.get("systemInstruction"), &body["contents"]),
        (None, &json!([{"role": "user", "parts": [{"text": "a"}]}, {"role": "user", "parts": [{"text": "b"}]}]))
    );
    assert_eq!(
        sent(json!([{"role": "user", "content": ""}]))["contents"],
        json!([{"role": "user", "parts": [{"text": "."}]}])
    );
    let cut = json!([{"role": "user", "content": "go"},
        {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{\"a\""}}]}]);
    let args = &sent(cut)["contents"][1]["parts"][0]["functionCall"]["args"];
    assert_eq!(*args, json!({"INVALID_JSON": "{\"a\""}));
}
