//! The names of models.

use std::fmt;

/// The name of a model: whose it is, and what it is called there. It is written `provider/model`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelName<'a> {
    /// The provider's name, which has no slash.
    pub provider: &'a str,
    /// The model's name at the provider, which may have slashes.
    pub model: &'a str,
}

impl<'a> ModelName<'a> {
    /// Joins the names of a provider and of a model of it.
    #[must_use]
    pub const fn new(provider: &'a str, model: &'a str) -> Self {
        Self { provider, model }
    }

    /// Reads `provider/model`; nothing of a text without a slash.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        text.split_once('/').map(|(provider, model)| Self { provider, model })
    }

    /// Reads `provider/model`, or `provider:model` where there is no slash, as some write it.
    #[must_use]
    pub fn parse_given(text: &'a str) -> Option<Self> {
        Self::parse(text).or_else(|| text.split_once(':').map(|(provider, model)| Self { provider, model }))
    }

    /// Returns whether a reference means this model: `provider/model`, or `provider:model`.
    #[must_use]
    pub fn is_meant_by(self, reference: &str) -> bool {
        let rest = reference.strip_prefix(self.provider);
        rest.and_then(|rest| rest.strip_prefix(['/', ':'])) == Some(self.model)
    }
}

impl PartialEq<str> for ModelName<'_> {
    fn eq(&self, text: &str) -> bool {
        let rest = text.strip_prefix(self.provider);
        rest.and_then(|rest| rest.strip_prefix('/')) == Some(self.model)
    }
}

impl fmt::Display for ModelName<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.provider, self.model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for (text, provider, model) in
            [("acme/duck", "acme", "duck"), ("acme/a/b", "acme", "a/b"), ("a:b/c", "a:b", "c"), ("/", "", "")]
        {
            let name = ModelName::new(provider, model);
            assert_eq!(ModelName::parse(text), Some(name));
            assert_eq!(name.to_string(), text);
            assert_eq!(&name, text);
        }
        assert_eq!((ModelName::parse("duck"), ModelName::parse("acme:duck")), (None, None));
        assert_eq!(ModelName::parse_given("acme:duck:8b"), Some(ModelName::new("acme", "duck:8b")));
        assert_eq!(ModelName::parse_given("acme/duck:8b"), Some(ModelName::new("acme", "duck:8b")));
    }

    #[test]
    fn a_name_is_no_other() {
        let name = ModelName::new("acme", "a/b");
        for (text, is_meant) in
            [("acme/a/b", true), ("acme:a/b", true), ("acme/a", false), ("acmea/b", false), ("", false)]
        {
            assert_eq!(name.is_meant_by(text), is_meant, "{text}");
            assert_eq!(name == *text, is_meant && !text.contains(':'), "{text}");
        }
    }
}
