//! Runs the scenarios of `tests/conformance` through the facade that every language uses.

use std::path::{Path, PathBuf};

use mock_provider::{MockProvider, Script};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use tollway::store::IN_MEMORY;
use tollway_common::{Engine, ErrorInfo, LogLevel, Logs, Part};
use tollway_system_tests::MASTER_KEY;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_holds() {
    play_all(Place::File, scenarios()).await;
}

/// What happens in one handle is the same without a file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_that_opens_its_ledger_once_holds_in_memory() {
    let opens_once = |path: &PathBuf| !std::fs::read_to_string(path).unwrap().contains("\"reopen\"");
    play_all(Place::Memory, scenarios().into_iter().filter(opens_once).collect()).await;
}

async fn play_all(place: Place, paths: Vec<PathBuf>) {
    let mut failures = Vec::new();
    assert!(paths.len() >= 30, "only {} scenarios were found", paths.len());
    for path in &paths {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let scenario: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap())
            .unwrap_or_else(|error| panic!("{name} is no JSON: {error}"));
        match Run::new(place, &scenario).await.play(&scenario).await {
            Ok(()) => println!("{name}: holds"),
            Err(failure) => failures.push(format!("{name}: {failure}")),
        }
    }
    assert!(failures.is_empty(), "{} of {} scenarios fail:\n{}", failures.len(), paths.len(), failures.join("\n"));
}

/// A misspelt field would be ignored, and what it should check would not be checked.
#[test]
fn scenarios_have_no_field_that_no_one_reads() {
    let read = |path: &Path| serde_json::from_str::<Value>(&std::fs::read_to_string(path).unwrap()).unwrap();
    let schema = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/schema.json"));
    let known = |value: &Value, fields: &Value| {
        value.as_object().unwrap().keys().all(|key| fields.as_object().unwrap().contains_key(key))
    };
    for path in scenarios() {
        let scenario = read(&path);
        assert!(known(&scenario, &schema["properties"]), "{}", path.display());
        let steps = scenario["steps"].as_array().unwrap();
        assert!(steps.iter().all(|step| known(step, &schema["$defs"]["step"]["properties"])), "{}", path.display());
    }
}

/// The matchers themselves can fail: a runner that accepts everything would prove nothing.
#[test]
fn matchers_tell_right_from_wrong() {
    let found = json!({"text": "a b", "amount": "0.10", "wait": 5, "list": [1, 2]});
    for right in [
        json!({"text": {"$contains": ["a", "b"]}, "amount": {"$decimal": "0.1"}, "wait": {"$between": [5, 6]}}),
        json!({"list": [1, 2], "text": {"$present": true}, "other": {"$absent": true}}),
        json!({"list": {"$contains": 2}}),
    ] {
        compare(&right, &found, "").unwrap();
    }
    for wrong in [
        json!({"text": {"$contains": "c"}}),
        json!({"amount": "0.1"}),
        json!({"amount": {"$decimal": "0.2"}}),
        json!({"wait": {"$between": [6, 7]}}),
        json!({"list": [1]}),
        json!({"list": {"$contains": 3}}),
        json!({"text": {"$absent": true}}),
        json!({"other": {"$present": true}}),
        json!({"other": null}),
        json!({"text": {"$unknown": 1}}),
    ] {
        assert!(compare(&wrong, &found, "").is_err(), "{wrong}");
    }
}

fn scenarios() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_scenario = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.ends_with(".json") && name.starts_with(|first: char| first.is_ascii_digit())
    };
    let mut paths: Vec<_> = files.filter(is_scenario).collect();
    paths.sort();
    paths
}

/// Where the ledger of a scenario is.
#[derive(Clone, Copy)]
enum Place {
    File,
    Memory,
}

/// One scenario under way, with a ledger and a mock provider of its own.
struct Run {
    place: Place,
    folder: tempfile::TempDir,
    mock: MockProvider,
    settings: Value,
    logs: Logs,
    engine: Engine,
    saved: Map<String, Value>,
}

/// The name of the file of a scenario.
const FILE: &str = "app.tollway";

impl Run {
    async fn new(place: Place, scenario: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mock = MockProvider::start().await.unwrap();
        for (name, script) in scenario["scripts"].as_object().into_iter().flatten() {
            let script: Script = serde_json::from_value(script.clone()).unwrap();
            mock.script(name, script).unwrap();
        }
        let settings = scenario.get("settings").cloned().unwrap_or_else(|| json!({}));
        let logs = Logs::new(LogLevel::Info);
        let engine = open(place, &folder.path().join(FILE), &settings, &logs).await;
        let known = [
            ("mock", mock.base_url()),
            ("folder", folder.path().display().to_string()),
            ("masterkey", MASTER_KEY.to_owned()),
        ];
        let saved = known.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
        Self { place, folder, mock, settings, logs, engine, saved }
    }

    async fn play(mut self, scenario: &Value) -> Result<(), String> {
        for (field, verb) in [("models", "models.add"), ("routes", "routes.set"), ("budgets", "budgets.set")] {
            for arguments in scenario[field].as_array().into_iter().flatten() {
                let step = json!({"call": verb, "arguments": arguments});
                self.step(&step).await.map_err(|failure| format!("{verb}: {failure}"))?;
            }
        }
        for (place, step) in scenario["steps"].as_array().ok_or("it has no steps")?.iter().enumerate() {
            let outcome = self.step(step).await;
            outcome.map_err(|failure| format!("step {} ({}): {failure}", place + 1, what(step)))?;
        }
        self.engine.call("close", "{}").await.map_err(|error| error.to_string())?;
        drop(self.mock);
        Ok(())
    }

    async fn step(&mut self, step: &Value) -> Result<(), String> {
        if let Some(reopened) = step.get("reopen") {
            let path = match self.filled(reopened)? {
                Value::String(path) => PathBuf::from(path),
                _ => self.folder.path().join(FILE),
            };
            self.engine.call("close", "{}").await.map_err(|error| error.to_string())?;
            self.engine = open(self.place, &path, &self.settings, &self.logs).await;
            return Ok(());
        }
        if let Some(script) = step["requests"].as_str() {
            let requests = self.mock.requests(Some(script));
            let requests = serde_json::to_value(requests).map_err(|error| error.to_string())?;
            return compare(&self.filled(&step["expect"])?, &requests, "");
        }
        if step["logs"] == true {
            // Whatever a call logs is there before its end is.
            let records = self.logs.take(usize::MAX).records.unwrap_or_else(|| "[]".to_owned());
            let records = serde_json::from_str(&records).map_err(|error| error.to_string())?;
            return compare(&self.filled(&step["expect"])?, &records, "");
        }
        let begin = Instant::now();
        let (result, error) = if let Some(arguments) = step.get("stream") {
            let (result, error) = self.stream(&self.filled(arguments)?.to_string()).await;
            (Some(result), error)
        } else if let Some(asked) = step.get("fetch") {
            match fetch(&self.engine, &self.filled(asked)?).await {
                Ok(answer) => (Some(answer), None),
                Err(error) => (None, Some(error)),
            }
        } else {
            let arguments = self.filled(step.get("arguments").unwrap_or(&json!({})))?.to_string();
            match self.engine.call(step["call"].as_str().ok_or("the step has no call")?, &arguments).await {
                Ok(text) => {
                    let mut result = serde_json::from_str(&text).map_err(|error| error.to_string())?;
                    name_as_scenarios_do(&mut result);
                    (Some(result), None)
                }
                Err(error) => (None, Some(error)),
            }
        };
        let seconds = begin.elapsed().as_secs_f64();
        let within = seconds >= step["at_least_seconds"].as_f64().unwrap_or(0.0)
            && seconds <= step["at_most_seconds"].as_f64().unwrap_or(60.0);
        if !within {
            return Err(format!("it took {seconds} seconds"));
        }
        match (step.get("error"), error) {
            (Some(expected), Some(error)) => {
                let error: Value = serde_json::from_str(&error.to_json()).map_err(|error| error.to_string())?;
                compare(&self.filled(expected)?, &error, "/error")?;
            }
            (None, Some(error)) => return Err(format!("it failed: {error}")),
            (Some(_), None) => return Err(format!("it should fail, and gave {}", result.unwrap_or_default())),
            (None, None) => {}
        }
        let Some(result) = result else { return Ok(()) };
        if let Some(expected) = step.get("expect") {
            compare(&self.filled(expected)?, &result, "")?;
        }
        for (name, pointer) in step["save"].as_object().into_iter().flatten() {
            let value = result.pointer(pointer.as_str().unwrap_or_default());
            self.saved.insert(name.clone(), value.ok_or_else(|| format!("there is nothing at {pointer}"))?.clone());
        }
        Ok(())
    }

    /// Reads a stream to its end: the joined text, the number of its pieces, and the settled reply.
    async fn stream(&self, arguments: &str) -> (Value, Option<ErrorInfo>) {
        let stream = self.engine.stream(arguments);
        let (mut text, mut deltas, mut reply) = (String::new(), 0, Value::Null);
        let error = loop {
            let events = match stream.next_batch(16).await {
                Ok(Some(events)) => serde_json::from_str::<Vec<Value>>(&events).unwrap(),
                Ok(None) => break None,
                Err(error) => break Some(error),
            };
            for event in events {
                if let Some(settled) = event.get("reply") {
                    reply = settled.clone();
                    name_as_scenarios_do(&mut reply);
                } else {
                    let piece = event["text"].as_str().unwrap_or_default();
                    deltas += usize::from(!piece.is_empty());
                    text.push_str(piece);
                }
            }
        };
        (json!({"text": text, "deltas": deltas, "reply": reply}), error)
    }

    /// Puts what was saved in the place of `{name}`: as it is where the text is nothing else, or else as text.
    fn filled(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => {
                let alone = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
                if let Some(name) = alone.filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase())) {
                    return self.saved.get(name).cloned().ok_or_else(|| format!("nothing was saved as {name}"));
                }
                let fill = |text: String, (name, value): (&String, &Value)| {
                    text.replace(&format!("{{{name}}}"), value.as_str().unwrap_or_default())
                };
                Value::String(self.saved.iter().fold(text.clone(), fill))
            }
            Value::Array(items) => items.iter().map(|item| self.filled(item)).collect::<Result<_, _>>()?,
            Value::Object(fields) => fields
                .iter()
                .map(|(key, value)| Ok((key.clone(), self.filled(value)?)))
                .collect::<Result<Map<_, _>, String>>()?
                .into(),
            other => other.clone(),
        })
    }
}

/// Makes a request as a vendor's own library does, and reads its whole answer.
async fn fetch(engine: &Engine, asked: &Value) -> Result<Value, ErrorInfo> {
    let mut head = Map::from_iter(["method", "url"].map(|name| (name.to_owned(), asked[name].clone())));
    for name in ["model", "options"] {
        head.extend(asked.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    head.insert(
        "headers".to_owned(),
        asked["headers"].as_object().into_iter().flatten().map(|(name, value)| json!([name, value])).collect(),
    );
    let text = asked["text"].as_str().map(str::to_owned);
    let body = text.or_else(|| asked.get("json").map(Value::to_string)).unwrap_or_default();
    let answer = engine.fetch(&Value::Object(head).to_string(), body.into_bytes());
    let (mut result, mut bytes) = (Map::new(), Vec::new());
    while let Some(part) = answer.next().await? {
        match part {
            Part::Head(text) => {
                let head: Value = serde_json::from_str(&text).unwrap();
                let pairs = head["headers"].as_array().unwrap().iter();
                let headers = pairs.map(|pair| (pair[0].as_str().unwrap().to_owned(), pair[1].clone()));
                result.insert("headers".to_owned(), Value::Object(headers.collect()));
                result.insert("status".to_owned(), head["status"].clone());
            }
            Part::Body(piece) => bytes.extend(piece),
        }
    }
    let body = String::from_utf8(bytes).unwrap();
    if let Ok(json) = serde_json::from_str(&body) {
        result.insert("json".to_owned(), json);
    }
    result.insert("events".to_owned(), body.split("\n\n").filter(|event| !event.is_empty()).map(event).collect());
    result.insert("body".to_owned(), body.into());
    Ok(Value::Object(result))
}

/// Reads a server-sent event: its name, where it has one, and its data, as JSON where it is.
fn event(text: &str) -> Value {
    let mut event = Map::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("event: ") {
            event.insert("event".to_owned(), name.into());
        } else if let Some(data) = line.strip_prefix("data: ") {
            event.insert("data".to_owned(), serde_json::from_str(data).unwrap_or_else(|_| data.into()));
        }
    }
    Value::Object(event)
}

async fn open(place: Place, path: &Path, settings: &Value, logs: &Logs) -> Engine {
    let options = json!({"master_key": MASTER_KEY, "settings": settings}).to_string();
    let path = match place {
        Place::File => path.to_owned(),
        Place::Memory => PathBuf::from(IN_MEMORY),
    };
    let engine = Engine::new(&path, &options, None).unwrap().logging_to(logs);
    engine.call("open", "{}").await.unwrap();
    engine
}

fn what(step: &Value) -> &str {
    let kind = ["stream", "fetch", "requests", "logs", "reopen"].into_iter().find(|kind| step.get(kind).is_some());
    step["call"].as_str().or(kind).unwrap_or("nothing")
}

/// Puts a result in the words of scenarios, which are older than those in which results are shown: a model without its provider, a
/// tool call with its nesting, a budget with its scope.
fn name_as_scenarios_do(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(name_as_scenarios_do),
        Value::Object(fields) => {
            fields.values_mut().for_each(name_as_scenarios_do);
            let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
            let is_one_call = ["attempts", "record_uid", "uid"].iter().any(|name| fields.contains_key(*name));
            if let (true, Some(provider), Some(model)) = (is_one_call, text("provider"), text("model"))
                && let Some(bare) = model.strip_prefix(&format!("{provider}/"))
            {
                fields.insert("model".to_owned(), bare.into());
            } else if let (Some(name), Some(arguments), true) =
                (text("name"), text("arguments"), fields.contains_key("type"))
            {
                fields.insert("function".to_owned(), json!({"name": name, "arguments": arguments}));
            } else if let (Some(limit), true) = (text("limit"), fields.contains_key("window")) {
                let scope = match (fields.get("user"), fields.get("tag")) {
                    (Some(Value::String(user)), _) => json!({"type": "user", "user": user}),
                    (_, Some(Value::Array(tag))) => json!({"type": "tag", "key": tag[0], "value": tag[1]}),
                    _ => json!({"type": "everyone"}),
                };
                let limit = match fields.get("currency") {
                    Some(Value::String(currency)) => json!({"money": {"amount": limit, "currency": currency}}),
                    _ => json!({"tokens": limit.parse::<u64>().unwrap()}),
                };
                fields.insert("scope".to_owned(), scope);
                fields.insert("limit".to_owned(), limit);
            }
        }
        _ => {}
    }
}

/// Compares: objects hold at least what is expected, lists are as long and equal item by item, all else is equal.
fn compare(expected: &Value, found: &Value, place: &str) -> Result<(), String> {
    let differs = || Err(format!("at {place:?}: expected {expected}, found {found}"));
    match (expected, found) {
        (Value::Object(matcher), found) if matcher.keys().any(|key| key.starts_with('$')) => {
            if matcher.iter().all(|(key, wanted)| fits(key, wanted, found)) { Ok(()) } else { differs() }
        }
        (Value::Object(expected), Value::Object(found)) => {
            expected.iter().try_for_each(|(key, expected)| match (found.get(key), expected["$absent"] == true) {
                (None, true) => Ok(()),
                (None, false) => Err(format!("at {place:?}: there is no {key:?}")),
                (Some(found), true) => Err(format!("at {place:?}: {key:?} should be absent, found {found}")),
                (Some(found), false) => compare(expected, found, &format!("{place}/{key}")),
            })
        }
        (Value::Array(items), Value::Array(others)) if items.len() == others.len() => items
            .iter()
            .zip(others)
            .enumerate()
            .try_for_each(|(index, (item, other))| compare(item, other, &format!("{place}/{index}"))),
        _ if expected == found || numbers(expected, found) => Ok(()),
        _ => differs(),
    }
}

fn fits(key: &str, wanted: &Value, found: &Value) -> bool {
    let decimal = |value: &Value| value.as_str().and_then(|text| text.parse::<Decimal>().ok());
    match key {
        "$present" => !found.is_null(),
        "$decimal" => decimal(wanted).is_some() && decimal(wanted) == decimal(found),
        "$between" => found.as_f64().is_some_and(|found| {
            found >= wanted[0].as_f64().unwrap_or(f64::NAN) && found <= wanted[1].as_f64().unwrap_or(f64::NAN)
        }),
        "$contains" => {
            let wanted = wanted.as_array().map_or_else(|| std::slice::from_ref(wanted), Vec::as_slice);
            wanted.iter().all(|part| match found {
                Value::Array(items) => items.contains(part),
                found => found.as_str().zip(part.as_str()).is_some_and(|(found, part)| found.contains(part)),
            })
        }
        _ => false,
    }
}

/// Returns whether two numbers that are no money are equal: 7 and 7.0.
fn numbers(expected: &Value, found: &Value) -> bool {
    expected.as_f64().is_some_and(|expected| found.as_f64() == Some(expected))
}
