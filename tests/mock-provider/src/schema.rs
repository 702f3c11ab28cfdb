//! A smallest value that follows a JSON schema.

use serde_json::{Map, Value};

/// Returns a value that follows the schema: every property present, the first choice of every enumeration. A missing
/// schema gives an empty object.
pub(crate) fn example(schema: &Value) -> Value {
    example_at(schema, 0)
}

fn example_at(schema: &Value, depth: usize) -> Value {
    const DEEPEST: usize = 32;
    if let Some(choice) = schema["enum"].get(0).or_else(|| schema.get("const")) {
        return choice.clone();
    }
    if depth == DEEPEST {
        return Value::Null;
    }
    if let Some(first) = schema["anyOf"].get(0).or_else(|| schema["oneOf"].get(0)) {
        return example_at(first, depth + 1);
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"].get(0).and_then(Value::as_str)).unwrap_or("object");
    match kind.to_ascii_lowercase().as_str() {
        "string" => Value::from("mock"),
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or_else(|| Value::from(0)),
        "boolean" => Value::from(true),
        "null" => Value::Null,
        "array" => {
            let length = schema["minItems"].as_u64().unwrap_or(0).min(16);
            (0..length).map(|_| example_at(&schema["items"], depth + 1)).collect()
        }
        _ => {
            let mut object = Map::new();
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                object.insert(name.clone(), example_at(property, depth + 1));
            }
            Value::Object(object)
        }
    }
}
