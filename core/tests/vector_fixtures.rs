//! Decodes recorded answers of embeddings and of reranking, and compares their counts with a careful reading of each.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "the helpers of a test, which finds its data through the environment and reports what it read"
)]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use tollway::billing::meter::disjoint;
use tollway::provider::{ResponseHead, Target, embedding_adapter, rerank_adapter, vendor};
use tollway::types::{ErrorKind, Meter, ReportedUsage};

struct Case {
    name: String,
    provider: String,
    endpoint: String,
    request: Value,
    status: u16,
    body: Vec<u8>,
    expected: Option<Value>,
}

/// Returns the recordings of the kinds that are read here; nothing where there are none.
fn cases() -> Option<Vec<Case>> {
    let folder = std::env::var_os("TOLLWAY_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let folder = folder.join("fixtures");
    if !folder.is_dir() {
        assert!(std::env::var_os("CI").is_none(), "{} is missing", folder.display());
        println!("skipped: {} is missing", folder.display());
        return None;
    }
    let entries = |path: &Path| -> Vec<PathBuf> {
        fs::read_dir(path).into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
    };
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut cases = Vec::new();
    for provider in entries(&folder) {
        for endpoint in entries(&provider) {
            if !["embeddings", "rerank", "batch_embed_contents", "embed_content", "predict"]
                .contains(&&*name(&endpoint))
            {
                continue;
            }
            for case in entries(&endpoint) {
                let text = |file: &str| fs::read_to_string(case.join(file)).ok();
                let json = |file: &str| text(file).and_then(|text| serde_json::from_str::<Value>(&text).ok());
                cases.push(Case {
                    name: format!("{}/{}/{}", name(&provider), name(&endpoint), name(&case)),
                    provider: name(&provider),
                    endpoint: name(&endpoint),
                    request: json("request.json").unwrap_or_default(),
                    status: text("response.status").and_then(|text| text.trim().parse().ok()).unwrap_or(200),
                    body: fs::read(case.join("response.body")).unwrap(),
                    expected: json("expected.json"),
                });
            }
        }
    }
    Some(cases)
}

/// Returns the parameters with which a config asks as the recorded request did.
fn params(case: &Case) -> Map<String, Value> {
    let url = case.request["url"].as_str().unwrap_or_default();
    let format = match case.provider.as_str() {
        "dashscope" if case.endpoint == "embeddings" && url.contains("/services/") => Some("dashscope"),
        "ollama" if url.contains("/api/") => Some("ollama"),
        "vertex" => Some("vertex"),
        _ => None,
    };
    format.map(|format| ("embedding_format".to_owned(), json!(format))).into_iter().collect()
}

#[test]
fn recorded_vectors_and_rankings_are_read_with_all_that_they_cost() {
    let Some(cases) = cases() else { return };
    assert!(!cases.is_empty(), "the folder of recordings has no embeddings");
    let failures: Vec<String> =
        cases.iter().filter_map(|case| Some(format!("{}: {}", case.name, read(case).err()?))).collect();
    println!("{} of {} recordings of vectors and rankings are read", cases.len() - failures.len(), cases.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn read(case: &Case) -> Result<(), String> {
    let params = params(case);
    let provider = if case.provider == "google" { "gemini" } else { &case.provider };
    let target = Target {
        vendor: vendor(provider),
        provider,
        model: "model",
        base_url: Some("http://127.0.0.1:9/v1"),
        api_key: None,
        params: &params,
    };
    let head = ResponseHead { status: case.status, ..ResponseHead::default() };
    let body = &case.request["body"];
    let count = |field: &Value| field.as_array().map_or(1, Vec::len);
    if case.endpoint == "rerank" {
        let adapter = rerank_adapter(&target).unwrap();
        let ranking = adapter.decode(&target, &head, &case.body).map_err(|flaw| flaw.error.to_string())?;
        let documents = count(body.get("documents").unwrap_or(&body["input"]["documents"]));
        if ranking.ranked.is_empty() || ranking.ranked.len() > documents {
            return Err(format!("{} results for {documents} documents", ranking.ranked.len()));
        }
        return compare(case, ranking.usage.as_ref());
    }
    let adapter = embedding_adapter(&target).unwrap();
    if case.status != 200 {
        let error = adapter.decode_error(&target, &head, &case.body);
        return if error.kind() == ErrorKind::Authentication { Ok(()) } else { Err(error.to_string()) };
    }
    let decoded = adapter.decode(&target, &head, &case.body).map_err(|flaw| flaw.error.to_string())?;
    let inputs = ["input", "requests", "texts", "instances"].iter().find_map(|name| body.get(*name));
    let inputs = inputs.map_or(1, |input| count(input.get("texts").unwrap_or(input)));
    let length = decoded.vectors.first().map_or(0, |vector| vector.0.len());
    if decoded.vectors.len() != inputs || length == 0 || decoded.vectors.iter().any(|vector| vector.0.len() != length) {
        return Err(format!("{} vectors of {length} numbers for {inputs} inputs", decoded.vectors.len()));
    }
    compare(case, decoded.usage.as_ref())
}

/// Compares what was consumed with the careful reading.
fn compare(case: &Case, usage: Option<&ReportedUsage>) -> Result<(), String> {
    let Some(expected) = &case.expected else { return Ok(()) };
    let number = |name: &str| expected[name].as_u64();
    let read = usage.map(disjoint);
    let input = read.as_ref().and_then(tollway::types::Usage::input_tokens).filter(|input| *input > 0);
    let wanted = number("input_tokens_total").or_else(|| number("total_tokens_reported"));
    if input != wanted {
        return Err(format!("{input:?} input tokens, and {wanted:?} are reported"));
    }
    let searches = read.and_then(|usage| usage.get(Meter::SearchUnit));
    let billed = serde_json::from_slice::<Value>(&case.body).unwrap()["meta"]["billed_units"]["search_units"].as_u64();
    if searches != billed.map(Into::into) {
        return Err(format!("{searches:?} searches, and {billed:?} are billed"));
    }
    Ok(())
}
