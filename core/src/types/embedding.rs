//! Embeddings: what is asked for, and what comes of it.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::call_reply::whole_reply;
use super::vector::Vector;

/// A request for embeddings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EmbedRequest {
    /// The model, an alias, or a route; the default of the capability `embedding` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What is embedded: a string, or several. More than the provider takes at once go in several requests, under one bill.
    #[serde(deserialize_with = "one_or_many")]
    #[cfg_attr(feature = "schema", schemars(with = "Value", extend("format" = "texts")))]
    pub input: Vec<EmbedInput>,
    /// How many numbers each vector has, where the model leaves a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<u32>,
    /// What the vectors are for. Left out for providers whose models make no difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_type: Option<InputType>,
    /// Every other field, which is passed on to the provider.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub extra: Map<String, Value>,
}

/// One thing that is embedded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "must be a string, or an array of token numbers")]
pub enum EmbedInput {
    /// A text.
    Text(String),
    /// Tokens of the model, which only OpenAI's format takes.
    Tokens(Vec<u64>),
}

/// What a vector is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum InputType {
    /// To search with.
    Query,
    /// To be found.
    Document,
    /// To sort into classes.
    Classification,
    /// To find groups.
    Clustering,
}

impl InputType {
    /// Returns the word that a vendor has for it; `words` are in the order of the kinds.
    pub(crate) const fn word(self, words: [&'static str; 4]) -> &'static str {
        words[self as usize]
    }
}

whole_reply! {
    /// The embeddings of a request, and what they cost.
    EmbedReply {
        /// One vector for each input, in the order of the inputs, all of one length.
        embeddings: Vec<Vector>,
    }
}

/// Reads a string as an array of one; an array of numbers is one input of tokens.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<EmbedInput>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "must be a string, an array of strings, or arrays of token numbers")]
    enum Written {
        Many(Vec<EmbedInput>),
        One(EmbedInput),
    }

    Ok(match Written::deserialize(deserializer)? {
        Written::Many(inputs) => inputs,
        Written::One(input) => vec![input],
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn inputs(input: &Value) -> Vec<EmbedInput> {
        serde_json::from_value::<EmbedRequest>(json!({"input": input})).unwrap().input
    }

    #[test]
    fn one_input_is_an_array_of_one() {
        let text = |text: &str| EmbedInput::Text(text.to_owned());
        assert_eq!(inputs(&json!("a")), [text("a")]);
        assert_eq!(inputs(&json!(["a", "b"])), [text("a"), text("b")]);
        assert_eq!(inputs(&json!([1, 2])), [EmbedInput::Tokens(vec![1, 2])]);
        assert_eq!(inputs(&json!([[1, 2], [3]])), [EmbedInput::Tokens(vec![1, 2]), EmbedInput::Tokens(vec![3])]);
        for wrong in [json!({"input": 5}), json!({"input": [{}]}), json!({})] {
            assert!(serde_json::from_value::<EmbedRequest>(wrong).is_err());
        }
    }
}
