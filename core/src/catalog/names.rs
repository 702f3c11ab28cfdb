//! The names in a catalog: where the line of each provider and model is.

use super::header::{self, invalid};
use crate::types::{ModelName, Result};

/// A piece of the text.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    end: u32,
}

impl Span {
    fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// A name of an offer.
#[derive(Clone, Copy, Debug)]
struct Name {
    provider: Span,
    model: Span,
    line: u32,
}

impl Name {
    fn key(self, text: &str) -> (&str, &str) {
        (self.provider.of(text), self.model.of(text))
    }
}

/// The lines of a catalog, and the names that lead to them.
#[derive(Debug)]
pub(super) struct Names {
    lines: Vec<Span>,
    /// In the order of provider and model.
    names: Vec<Name>,
}

/// Reads the head of a line, which is `{"p":"PROVIDER","m":"MODEL","a":["ALIAS",..]`, with the aliases left out if there
/// are none. Names have no quotes and no backslashes, so that they stand in the text as they are.
struct Head<'a> {
    text: &'a str,
    at: usize,
    end: usize,
}

impl Head<'_> {
    fn take(&mut self, literal: &str) -> bool {
        let found = self.text.as_bytes()[self.at..self.end].starts_with(literal.as_bytes());
        self.at += if found { literal.len() } else { 0 };
        found
    }

    /// Takes what stands before the next quote, and the quote.
    fn name(&mut self) -> Option<Span> {
        let rest = &self.text.as_bytes()[self.at..self.end];
        let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        let span = Span { start: place(self.at)?, end: place(self.at + length)? };
        self.at += length + 1;
        (rest.get(length) == Some(&b'"') && length > 0).then_some(span)
    }
}

fn place(at: usize) -> Option<u32> {
    u32::try_from(at).ok()
}

impl Names {
    pub(super) fn of(text: &str) -> Result<Self> {
        let mut names = Self { lines: Vec::new(), names: Vec::new() };
        let mut start = text.len() - header::rest_of(text).len();
        while start < text.len() {
            let length = text[start..].find('\n').unwrap_or(text.len() - start);
            let end = start + length;
            names
                .take(text, start, end)
                .ok_or_else(|| invalid(format!("line {} does not begin with its names", names.lines.len() + 2)))?;
            start = end + 1;
        }
        names.names.sort_unstable_by(|left, right| left.key(text).cmp(&right.key(text)));
        for pair in names.names.windows(2) {
            let (provider, model) = pair[0].key(text);
            if (provider, model) == pair[1].key(text) {
                return Err(invalid(format!("it names {} twice", ModelName::new(provider, model))));
            }
        }
        Ok(names)
    }

    fn take(&mut self, text: &str, start: usize, end: usize) -> Option<()> {
        let line = place(self.lines.len())?;
        let mut head = Head { text, at: start, end };
        let provider = head.take("{\"p\":\"").then(|| head.name())??;
        let model = head.take(",\"m\":\"").then(|| head.name())??;
        self.names.push(Name { provider, model, line });
        if head.take(",\"a\":[\"") {
            loop {
                let model = head.name()?;
                self.names.push(Name { provider, model, line });
                if !head.take(",\"") {
                    break;
                }
            }
        }
        self.lines.push(Span { start: place(start)?, end: place(end)? });
        Some(())
    }

    pub(super) fn lines(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn line_of<'a>(&self, text: &'a str, provider: &str, model: &str) -> Option<&'a str> {
        let place = self.names.binary_search_by(|name| name.key(text).cmp(&(provider, model))).ok()?;
        self.lines.get(self.names[place].line as usize).map(|line| line.of(text))
    }

    /// Returns the names of a provider's models, aliases included, in their order.
    pub(super) fn models_of<'a>(&'a self, text: &'a str, provider: &str) -> impl Iterator<Item = &'a str> {
        let start = self.names.partition_point(|name| name.key(text).0 < provider);
        let end = self.names.partition_point(|name| name.key(text).0 <= provider);
        self.names[start..end].iter().map(move |name| name.key(text).1)
    }

    pub(super) fn each_line<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines.iter().map(move |line| line.of(text))
    }
}
