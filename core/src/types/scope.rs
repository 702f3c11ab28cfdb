//! Scopes: whose calls a budget caps, as a set of `dimension = value`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

/// The value of a dimension that stands for each value on its own.
pub const EACH: &str = "*";

/// What of a call scopes can tell apart.
///
/// A key, a team, a project and a session are tags of these names.
#[derive(Clone, Copy, Debug)]
pub struct Dimensions<'a> {
    /// Whom the call is billed to.
    pub user: Option<&'a str>,
    /// Its labels.
    pub tags: &'a BTreeMap<String, String>,
    /// The provider that an attempt goes to; absent where none is picked.
    pub provider: Option<&'a str>,
    /// The model that an attempt goes to, as its provider names it.
    pub model: Option<&'a str>,
}

/// A call as scopes tell it apart, to ask which budgets apply to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Call {
    /// Whom it is billed to.
    pub user: Option<String>,
    /// Its labels; among them `key`, `team`, `project` and `session`.
    pub tags: BTreeMap<String, String>,
    /// The provider that it goes to.
    pub provider: Option<String>,
    /// The model that it goes to, as its provider names it.
    pub model: Option<String>,
}

impl Call {
    /// Returns what scopes see of it.
    #[must_use]
    pub fn dimensions(&self) -> Dimensions<'_> {
        Dimensions {
            user: self.user.as_deref(),
            tags: &self.tags,
            provider: self.provider.as_deref(),
            model: self.model.as_deref(),
        }
    }
}

/// Whose calls a budget caps: those that have every value that it names. One without any caps everyone's.
///
/// The value `*` stands for each value on its own: a budget of the user `*` is one for each user. It is written as the fields `user`,
/// `tag` (where there is one tag), `tags`, `provider` and `model`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// The user.
    pub user: Option<String>,
    /// Tags by name, each with its value.
    pub tags: BTreeMap<String, String>,
    /// The provider.
    pub provider: Option<String>,
    /// The model, as its provider names it, or as `provider/model`.
    pub model: Option<String>,
}

impl Scope {
    /// Makes the scope of all calls.
    #[must_use]
    pub fn everyone() -> Self {
        Self::default()
    }

    /// Makes the scope of the calls of one user.
    #[must_use]
    pub fn of_user(user: impl Into<String>) -> Self {
        Self { user: Some(user.into()), ..Self::default() }
    }

    /// Makes the scope of the calls with one tag.
    #[must_use]
    pub fn of_tag(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { tags: BTreeMap::from([(name.into(), value.into())]), ..Self::default() }
    }

    /// Returns whether all calls are in it.
    #[must_use]
    pub fn is_everyone(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether it stands for one budget each of several values.
    #[must_use]
    pub fn is_template(&self) -> bool {
        let is_each = |value: &Option<String>| value.as_deref() == Some(EACH);
        is_each(&self.user)
            || is_each(&self.provider)
            || is_each(&self.model)
            || self.tags.values().any(|value| value == EACH)
    }

    /// Returns whether a call is in it.
    #[must_use]
    pub fn covers(&self, call: &Dimensions<'_>) -> bool {
        self.part_of(call).is_some()
    }

    /// Returns which of its budgets caps a call: the values that the call has where the scope has `*`, as one string, which is empty
    /// for a scope without any; nothing if the call is not in it.
    #[must_use]
    pub fn part_of(&self, call: &Dimensions<'_>) -> Option<String> {
        let mut part = Part::default();
        part.dimension(self.user.as_deref(), call.user)?;
        for (name, wanted) in &self.tags {
            part.dimension(Some(wanted), call.tags.get(name).map(String::as_str))?;
        }
        part.dimension(self.provider.as_deref(), call.provider)?;
        match (self.model.as_deref(), call.provider, call.model) {
            (None, _, _) => {}
            (Some(wanted), Some(provider), Some(model)) if wanted != EACH && wanted != model => {
                (wanted.strip_prefix(provider)?.strip_prefix('/')? == model).then_some(())?;
            }
            (wanted, _, model) => part.dimension(wanted, model)?,
        }
        Some(part.0)
    }
}

/// The values that stand where a scope has `*`, each with its length, so that two sets of values never meet.
#[derive(Default)]
struct Part(String);

impl Part {
    fn dimension(&mut self, wanted: Option<&str>, actual: Option<&str>) -> Option<()> {
        match (wanted, actual) {
            (None, _) => Some(()),
            (Some(EACH), Some(actual)) => {
                for text in [&actual.len().to_string(), ":", actual] {
                    self.0.push_str(text);
                }
                Some(())
            }
            (Some(wanted), Some(actual)) => (wanted == actual).then_some(()),
            (Some(_), None) => None,
        }
    }
}

/// How a [`Scope`] is written.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct WrittenScope<'a> {
    /// The user whose calls it caps, or `*` for each; absent where it tells no users apart.
    user: Option<&'a str>,
    /// The tag whose calls it caps, as its name and value; absent where it has none, or several.
    tag: Option<(&'a str, &'a str)>,
    /// The tags that its calls have, each with its value, or `*` for each; among them `key`, `team`, `project` and `session`.
    tags: &'a BTreeMap<String, String>,
    /// The provider whose calls it caps, or `*` for each; absent where it tells none apart.
    provider: Option<&'a str>,
    /// The model whose calls it caps, or `*` for each; absent where it tells none apart.
    model: Option<&'a str>,
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let only = self.tags.first_key_value().filter(|_| self.tags.len() == 1);
        let written = WrittenScope {
            user: self.user.as_deref(),
            tag: only.map(|(name, value)| (name.as_str(), value.as_str())),
            tags: &self.tags,
            provider: self.provider.as_deref(),
            model: self.model.as_deref(),
        };
        written.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_call_must_have_every_value_that_a_scope_names() {
        let own = tags(&[("team", "a"), ("project", "p")]);
        let call = Dimensions { user: Some("u"), tags: &own, provider: Some("openai"), model: Some("gpt-4o") };
        let both = Scope { user: Some("u".into()), tags: tags(&[("team", "a")]), ..Scope::default() };
        assert!(Scope::everyone().covers(&call) && both.covers(&call) && Scope::of_tag("project", "p").covers(&call));
        assert!(!Scope::of_user("v").covers(&call) && !Scope::of_tag("team", "b").covers(&call));
        let other = Scope { tags: tags(&[("team", "b")]), ..both };
        assert!(!other.covers(&call), "one of two values is not enough");
        assert!(!Scope::of_user("u").covers(&Dimensions { user: None, ..call }), "a call of no one is no one's");
    }

    #[test]
    fn a_model_is_named_alone_or_with_its_provider() {
        let none = BTreeMap::new();
        let call = Dimensions { user: None, tags: &none, provider: Some("openrouter"), model: Some("openai/gpt-4o") };
        let of = |model: &str| Scope { model: Some(model.into()), ..Scope::default() };
        assert!(of("openai/gpt-4o").covers(&call) && of("openrouter/openai/gpt-4o").covers(&call));
        assert!(!of("gpt-4o").covers(&call) && !of("openrouter/gpt-4o").covers(&call));
        assert!(!of("gpt-4o").covers(&Dimensions { provider: None, model: None, ..call }));
    }

    #[test]
    fn a_star_makes_a_part_of_each_value_and_no_two_parts_are_alike() {
        let scope = Scope { user: Some(EACH.into()), tags: tags(&[("team", EACH)]), ..Scope::default() };
        assert!(scope.is_template() && !Scope::of_user("a").is_template());
        let part = |user: &str, team: &str| {
            let own = tags(&[("team", team)]);
            scope.part_of(&Dimensions { user: Some(user), tags: &own, provider: None, model: None })
        };
        assert_ne!(part("a", "1:b"), part("a1:", "b"));
        assert_ne!(part("ab", "c"), part("a", "bc"));
        assert_eq!(part("ab", "c"), part("ab", "c"));
        let untagged = Dimensions { user: Some("a"), tags: &BTreeMap::new(), provider: None, model: None };
        assert_eq!(scope.part_of(&untagged), None, "what has no value has no budget of its own");
    }
}
