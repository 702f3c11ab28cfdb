//! The list of models, as an app's library asks for it: what may be named in a request.

use serde_json::{Value, json};

/// A name that a request may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedModel {
    /// The name: an alias, `provider/model`, or a capability that has a route.
    pub name: String,
    /// The provider; `tollway` for a route.
    pub owner: String,
    /// When it was configured, in seconds since 1970.
    pub created: i64,
}

/// Writes the list of models in the words of OpenAI's or Anthropic's libraries.
#[must_use]
pub fn encode_models(models: &[ListedModel], is_anthropic: bool) -> Vec<u8> {
    let data: Vec<Value> = models.iter().map(|model| written(model, is_anthropic)).collect();
    let list = if is_anthropic {
        let name = |model: Option<&ListedModel>| model.map(|model| model.name.clone());
        json!({"data": data, "has_more": false, "first_id": name(models.first()), "last_id": name(models.last())})
    } else {
        json!({"object": "list", "data": data})
    };
    list.to_string().into_bytes()
}

/// Writes one model.
#[must_use]
pub fn encode_model(model: &ListedModel, is_anthropic: bool) -> Vec<u8> {
    written(model, is_anthropic).to_string().into_bytes()
}

fn written(model: &ListedModel, is_anthropic: bool) -> Value {
    if is_anthropic {
        let created = jiff::Timestamp::from_second(model.created).unwrap_or_default();
        json!({
            "type": "model",
            "id": model.name,
            "display_name": model.name,
            "created_at": created.to_string(),
            "lifecycle": "active",
        })
    } else {
        json!({"id": model.name, "object": "model", "created": model.created, "owned_by": model.owner})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models() -> Vec<ListedModel> {
        let listed =
            |name: &str, owner: &str| ListedModel { name: name.into(), owner: owner.into(), created: 1_700_000_000 };
        vec![listed("acme/m", "acme"), listed("fast", "tollway")]
    }

    fn read(written: &[u8]) -> Value {
        serde_json::from_slice(written).unwrap()
    }

    #[test]
    fn openais_libraries_get_their_list() {
        assert_eq!(
            read(&encode_models(&models(), false)),
            json!({"object": "list", "data": [
                {"id": "acme/m", "object": "model", "created": 1_700_000_000, "owned_by": "acme"},
                {"id": "fast", "object": "model", "created": 1_700_000_000, "owned_by": "tollway"}]})
        );
    }

    #[test]
    fn anthropics_libraries_get_the_models_as_a_single_page() {
        let page = read(&encode_models(&models(), true));
        assert_eq!(
            (&page["first_id"], &page["last_id"], &page["has_more"]),
            (&json!("acme/m"), &json!("fast"), &json!(false))
        );
        assert_eq!(page["data"][0], read(&encode_model(&models()[0], true)));
        assert_eq!(
            page["data"][1],
            json!({"type": "model", "id": "fast", "display_name": "fast", "created_at": "2023-11-14T22:13:20Z",
                "lifecycle": "active"})
        );
        let none = read(&encode_models(&[], true));
        assert_eq!(none, json!({"data": [], "has_more": false, "first_id": null, "last_id": null}));
    }
}
