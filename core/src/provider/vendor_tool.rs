//! Tools that vendors define, and searches that they make: who takes each, and what of it is charged for.

use serde_json::{Map, Value};

use super::wire_format::WireFormat;
use crate::types::Meter;

/// Who takes a tool.
#[derive(Clone, Copy, Debug)]
enum Takers {
    /// Whoever speaks the format.
    Format(WireFormat),
    /// The named providers of OpenAI's format, and those that the table of vendors does not know.
    Providers(&'static [&'static str]),
}

/// Who does the work of a tool.
#[derive(Clone, Copy, Debug)]
enum Work {
    /// The app, as it does that of its own functions.
    App,
    /// The provider, which charges it by a meter where it has one.
    Provider { meter: Option<Meter>, most: Most },
    /// The provider, in ways that no meter here counts, such as by asking another model.
    Unknown,
}

/// How often the provider may do the work in one request.
#[derive(Clone, Copy, Debug)]
enum Most {
    /// As often as the tool states at one of these places, else as often as the vendor says, if it says so.
    Stated(&'static [&'static str], Option<u64>),
    /// Once in a request for models that are grounded once; the vendor sets others no limit.
    OncePerRequest,
}

struct Known {
    /// The tool's type, or the key that it has in a format whose tools have no type.
    names: &'static [&'static str],
    /// Whether a date follows the name.
    is_dated: bool,
    takers: Takers,
    work: Work,
}

const MAX_USES: &[&str] = &["/max_uses"];
/// Where OpenRouter's tools state how much they may do; each search has a result at least.
const OPENROUTER_MAX: &[&str] = &["/parameters/max_uses", "/parameters/max_total_results"];
/// The models of Google that are charged for a grounded request, and not for each of its searches.
const GROUNDED_ONCE: &[&str] = &["gemini-1", "gemini-2"];

const fn anthropic(names: &'static [&'static str], work: Work) -> Known {
    Known { names, is_dated: true, takers: Takers::Format(WireFormat::Anthropic), work }
}

const fn gemini(names: &'static [&'static str], work: Work) -> Known {
    Known { names, is_dated: false, takers: Takers::Format(WireFormat::Gemini), work }
}

const fn other(providers: &'static [&'static str], names: &'static [&'static str], work: Work) -> Known {
    Known { names, is_dated: false, takers: Takers::Providers(providers), work }
}

const fn paid(meter: Meter, most: Most) -> Work {
    Work::Provider { meter: Some(meter), most }
}

const fn free(most: Most) -> Work {
    Work::Provider { meter: None, most }
}

const KNOWN: &[Known] = &[
    anthropic(&["computer", "bash", "text_editor", "memory"], Work::App),
    anthropic(&["web_search"], paid(Meter::WebSearch, Most::Stated(MAX_USES, None))),
    anthropic(&["web_fetch"], free(Most::Stated(MAX_USES, None))),
    anthropic(&["code_execution"], paid(Meter::CodeInterpreterSession, Most::Stated(&[], None))),
    anthropic(&["tool_search_tool_regex", "tool_search_tool_bm25"], free(Most::Stated(&[], None))),
    Known { is_dated: false, ..anthropic(&["mcp_toolset"], Work::Unknown) },
    gemini(
        &["google_search", "googleSearch", "google_search_retrieval", "googleSearchRetrieval"],
        paid(Meter::WebSearch, Most::OncePerRequest),
    ),
    gemini(&["enterprise_web_search", "enterpriseWebSearch"], paid(Meter::WebSearch, Most::OncePerRequest)),
    gemini(&["google_maps", "googleMaps"], paid(Meter::MapsSearch, Most::OncePerRequest)),
    gemini(&["url_context", "urlContext"], free(Most::Stated(&[], Some(1)))),
    gemini(&["file_search", "fileSearch"], free(Most::Stated(&[], Some(1)))),
    gemini(&["code_execution", "codeExecution"], free(Most::Stated(&[], None))),
    gemini(&["computer_use", "computerUse"], Work::App),
    gemini(&["function_declarations", "functionDeclarations"], Work::App),
    other(&["openrouter"], &["openrouter:web_search"], paid(Meter::WebSearch, Most::Stated(OPENROUTER_MAX, None))),
    other(&["openrouter"], &["openrouter:web_fetch", "openrouter:datetime"], free(Most::Stated(OPENROUTER_MAX, None))),
    other(&["zhipu", "zai"], &["web_search"], paid(Meter::WebSearch, Most::Stated(&[], None))),
    other(&["zhipu", "zai"], &["retrieval"], paid(Meter::FileSearch, Most::Stated(&[], None))),
    other(&["moonshot"], &["$web_search"], paid(Meter::WebSearch, Most::Stated(&[], None))),
    other(&["groq"], &["browser_search"], paid(Meter::WebSearch, Most::Stated(&[], None))),
    other(&["groq"], &["code_interpreter"], paid(Meter::CodeInterpreterSession, Most::Stated(&[], None))),
];

/// Other tools of OpenRouter's: it has many, and more each month.
const OPENROUTER_PREFIX: &str = "openrouter:";

/// Work of a provider's that a request asks for, or that a model always does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorWork {
    /// The tool, the field or the model that asks for it.
    pub name: String,
    /// Whether it is a field of the body that asks for it, or a tool, or the model.
    pub by: AskedBy,
    /// The meter that it is charged by; absent if it is not charged for but in tokens.
    pub meter: Option<Meter>,
    /// How much of the meter one request can make; absent if nothing says it.
    pub most: Option<u64>,
    /// What of it the model reads, as tokens of the input.
    pub reading: Reading,
    /// Whether what it costs is known at all.
    pub is_known: bool,
}

/// What of a provider's work the model reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Nothing that counts as input.
    Nothing,
    /// What comes of it, once, with the rest of the input.
    Once,
    /// What comes of each use, each time with all that was read before.
    EachUse,
}

/// What asks for work of a provider's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedBy {
    /// A tool, which the model may use or not.
    Tool,
    /// A field of the body.
    Field,
    /// The model, which always does it.
    Model,
}

/// Who is asked: what decides which work it does.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The provider's name in the table of vendors.
    pub vendor: &'a str,
    /// The wire format.
    pub format: WireFormat,
    /// The model's name at the provider.
    pub model: &'a str,
}

/// Returns whether a model of Google's is charged for a grounded request, and not for each of its searches. Its name may stand at
/// the end of a path.
#[must_use]
pub fn is_grounded_once(model: &str) -> bool {
    let model = model.rsplit('/').next().unwrap_or(model);
    GROUNDED_ONCE.iter().any(|beginning| model.starts_with(beginning))
}

/// Returns the names of a tool that is no function of the app: its type, or else its keys.
#[must_use]
pub fn names(tool: &Map<String, Value>) -> Vec<&str> {
    match tool.get("type").and_then(Value::as_str) {
        Some("builtin_function") => {
            let named = tool.get("function").and_then(|function| function.get("name")?.as_str());
            vec![named.unwrap_or("builtin_function")]
        }
        Some(kind) => vec![kind],
        None => tool.keys().map(String::as_str).collect(),
    }
}

/// Returns whether any format or vendor is known to have a tool.
#[must_use]
pub fn is_known(tool: &Map<String, Value>) -> bool {
    let names = names(tool);
    !names.is_empty()
        && names.iter().all(|name| {
            KNOWN.iter().any(|known| known.is_named(name)) || is_dated(name) || name.starts_with(OPENROUTER_PREFIX)
        })
}

/// Returns the name by which a tool is not known to who is asked; nothing if it is taken.
#[must_use]
pub fn unknown_name<'a>(asked: &Asked<'_>, tool: &'a Map<String, Value>) -> Option<&'a str> {
    let names = names(tool);
    if names.is_empty() {
        return Some("");
    }
    names.into_iter().find(|name| asked.known(name).is_none() && !asked.takes_unseen(name))
}

impl Known {
    fn is_named(&self, name: &str) -> bool {
        self.names.iter().any(|known| match name.strip_prefix(known) {
            Some("") => !self.is_dated,
            Some(rest) => self.is_dated && is_date(rest),
            None => false,
        })
    }
}

impl Asked<'_> {
    fn known(&self, name: &str) -> Option<&'static Known> {
        KNOWN.iter().find(|known| {
            let is_taker = match known.takers {
                Takers::Format(format) => format == self.format,
                Takers::Providers(vendors) => {
                    self.format == WireFormat::OpenAi && (vendors.contains(&self.vendor) || self.is_unlisted())
                }
            };
            is_taker && known.is_named(name)
        })
    }

    /// Returns whether a tool that is newer than the list is of a form that only this format's vendor has.
    fn takes_unseen(&self, name: &str) -> bool {
        match self.format {
            WireFormat::Anthropic => is_dated(name),
            WireFormat::OpenAi => {
                name.starts_with(OPENROUTER_PREFIX) && (self.vendor == "openrouter" || self.is_unlisted())
            }
            _ => false,
        }
    }

    fn is_unlisted(&self) -> bool {
        self.vendor == "openai_compatible"
    }

    /// Returns the provider's work that a tool may make.
    #[must_use]
    pub fn work_of_tool(&self, tool: &Map<String, Value>) -> Vec<VendorWork> {
        let settings = |name: &str| match tool.get(name) {
            Some(Value::Object(inner)) if !tool.contains_key("type") => Value::Object(inner.clone()),
            _ => Value::Object(tool.clone()),
        };
        names(tool).into_iter().filter_map(|name| self.work_named(name, &settings(name))).collect()
    }

    fn work_named(&self, name: &str, settings: &Value) -> Option<VendorWork> {
        let work = |meter, most, is_known| VendorWork {
            name: name.to_owned(),
            by: AskedBy::Tool,
            meter,
            most,
            reading: Reading::EachUse,
            is_known,
        };
        match self.known(name).map(|known| known.work) {
            Some(Work::App) => None,
            Some(Work::Provider { meter, most }) => Some(work(meter, self.most(most, settings), true)),
            Some(Work::Unknown) | None => Some(work(None, None, false)),
        }
    }

    fn most(&self, most: Most, settings: &Value) -> Option<u64> {
        match most {
            Most::Stated(places, vendors) => {
                let stated = places.iter().filter_map(|place| settings.pointer(place)?.as_u64()).min();
                stated.or(vendors)
            }
            Most::OncePerRequest => is_grounded_once(self.model).then_some(1),
        }
    }

    /// Returns the work that the body's fields ask for.
    #[must_use]
    pub fn work_of_fields<'v>(&self, field: &impl Fn(&str) -> Option<&'v Value>) -> Vec<VendorWork> {
        let search = |name: &str, most, reading| VendorWork {
            name: name.to_owned(),
            by: AskedBy::Field,
            meter: Some(Meter::WebSearch),
            most,
            reading,
            is_known: true,
        };
        let mut works = Vec::new();
        // Whatever servers of tools do, the model reads.
        let servers = field("mcp_servers").filter(|servers| !servers.is_null());
        if servers.is_some_and(|servers| servers.as_array().is_none_or(|servers| !servers.is_empty())) {
            works.push(VendorWork { meter: None, is_known: false, ..search("mcp_servers", None, Reading::EachUse) });
        }
        if self.format != WireFormat::OpenAi {
            return works;
        }
        if field("web_search_options").is_some_and(|options| !options.is_null()) && !self.always_searches(field) {
            let searches_once = matches!(self.vendor, "openai" | "azure" | "openrouter" | "perplexity");
            works.push(search("web_search_options", searches_once.then_some(1), Reading::EachUse));
        }
        if let Some(parameters) = field("search_parameters").filter(|parameters| parameters.is_object())
            && parameters.get("mode").is_none_or(|mode| mode != "off")
        {
            let most = parameters.get("max_search_results").map_or(Some(XAI_SOURCES), Value::as_u64);
            let search = search("search_parameters", most.filter(|_| self.vendor == "xai"), Reading::Once);
            works.push(VendorWork { meter: Some(Meter::SearchSource), ..search });
        }
        if field("enable_search").is_some_and(|enabled| *enabled == Value::Bool(true)) {
            works.push(search("enable_search", None, Reading::Once));
        }
        let is_off = |value: &Value| matches!(value, Value::Null | Value::Bool(false)) || *value == "off";
        if field("web_search").is_some_and(|value| !is_off(value)) {
            works.push(search("web_search", None, Reading::Once));
        }
        for plugin in field("plugins").and_then(Value::as_array).into_iter().flatten() {
            if plugin.get("enabled") == Some(&Value::Bool(false)) {
                continue;
            }
            if plugin.get("id").is_some_and(|id| id == "web") {
                let most = plugin.get("max_results").map_or(Some(OPENROUTER_RESULTS), Value::as_u64);
                works.push(search("plugins", most.filter(|_| self.vendor == "openrouter"), Reading::Once));
            } else if plugin.get("id").is_none_or(|id| id != "response-healing") {
                works.push(VendorWork { meter: None, is_known: false, ..search("plugins", None, Reading::Once) });
            }
        }
        works
    }

    /// Returns the work that the model does unasked.
    #[must_use]
    pub fn work_of_model<'v>(&self, field: &impl Fn(&str) -> Option<&'v Value>) -> Vec<VendorWork> {
        let search = |most, reading| VendorWork {
            name: self.model.to_owned(),
            by: AskedBy::Model,
            meter: Some(Meter::WebSearch),
            most,
            reading,
            is_known: true,
        };
        if self.always_searches(field) {
            let is_research = self.model.contains("deep-research");
            // What the searches of these models bring is not among the tokens of their input.
            let is_read = is_research || self.model.contains("search-api");
            let reading = if is_read { Reading::EachUse } else { Reading::Nothing };
            return vec![search((!is_research).then_some(1), reading)];
        }
        if self.model.ends_with(":online") && self.format == WireFormat::OpenAi {
            return vec![search(Some(OPENROUTER_RESULTS), Reading::Once)];
        }
        Vec::new()
    }

    /// Returns whether the model searches in every request.
    fn always_searches<'v>(&self, field: &impl Fn(&str) -> Option<&'v Value>) -> bool {
        let model = self.model.rsplit('/').next().unwrap_or(self.model);
        let is_sonar =
            model.starts_with("sonar") && (self.vendor == "perplexity" || self.model.starts_with("perplexity/"));
        let is_off = field("disable_search").is_some_and(|disabled| *disabled == Value::Bool(true));
        let is_search_model = model.contains("search-preview") || model.contains("search-api");
        self.format == WireFormat::OpenAi && (is_sonar && !is_off || is_search_model)
    }

    /// Returns whether the model reads and thinks beyond what its limits of the output count.
    #[must_use]
    pub fn does_research(&self) -> bool {
        self.vendor == "perplexity" && self.model.contains("deep-research")
    }
}

/// The sources that xAI searches at the most where a request states no number.
const XAI_SOURCES: u64 = 20;
/// The results of a search that OpenRouter makes where a request states no number.
const OPENROUTER_RESULTS: u64 = 5;

/// Returns whether a block of an answer shows what the provider's own tools did: it goes back unchanged in the next turn.
#[must_use]
pub fn is_work_block(kind: &str) -> bool {
    matches!(kind, "server_tool_use" | "mcp_tool_use") || kind.ends_with("_tool_result")
}

/// Returns whether a name ends as those of Anthropic's tools do: with a date.
fn is_dated(name: &str) -> bool {
    name.len() > 9 && name.is_char_boundary(name.len() - 9) && is_date(&name[name.len() - 9..])
}

/// Returns whether a text is an underscore and a date of eight digits.
fn is_date(text: &str) -> bool {
    text.strip_prefix('_').is_some_and(|date| date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
#[path = "vendor_tool_tests.rs"]
mod tests;
