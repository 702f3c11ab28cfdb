//! The wire formats, and the headers that carry a key.

/// A wire format: how an API writes requests and answers. Its folders, here and in `dialect`, have its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WireFormat {
    /// OpenAI's, which most providers speak: `POST {base}/chat/completions`, `POST {base}/embeddings`.
    OpenAi,
    /// Anthropic's: `POST {base}/messages`.
    Anthropic,
    /// Gemini's: `POST {base}/models/{model}:generateContent` and `:batchEmbedContents`.
    Gemini,
    /// Cohere's, in its second version: `POST {base}/embed` and `/rerank`, which is billed by searches.
    Cohere,
    /// Model Studio's own services, for what it does not offer in OpenAI's format.
    DashScope,
    /// Jina's `POST {base}/rerank` with `top_n`, as most others take it.
    Jina,
    /// Ollama's own: `POST {host}/api/embed`.
    Ollama,
    /// Vertex AI's: `POST {base}/publishers/google/models/{model}:predict`.
    Vertex,
    /// Voyage's `POST {base}/rerank` with `top_k`.
    Voyage,
}

impl WireFormat {
    /// Every wire format.
    pub const ALL: [Self; 9] = [
        Self::OpenAi,
        Self::Anthropic,
        Self::Gemini,
        Self::Cohere,
        Self::DashScope,
        Self::Jina,
        Self::Ollama,
        Self::Vertex,
        Self::Voyage,
    ];

    /// The wire formats of chats, one of which every address speaks.
    pub const OF_CHATS: [Self; 3] = [Self::OpenAi, Self::Anthropic, Self::Gemini];

    /// Returns the stable name, as it stands in the parameters of a model config.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Cohere => "cohere",
            Self::DashScope => "dashscope",
            Self::Jina => "jina",
            Self::Ollama => "ollama",
            Self::Vertex => "vertex",
            Self::Voyage => "voyage",
        }
    }

    /// Returns the stable name in the parameter `wire_format`, which also says which of the format's chats is meant.
    #[must_use]
    pub const fn chat_name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai_chat",
            Self::Anthropic => "anthropic_messages",
            Self::Gemini => "gemini_generate_content",
            other => other.name(),
        }
    }

    /// Returns the wire format of chats that the parameter `wire_format` names.
    #[must_use]
    pub fn from_chat_name(name: &str) -> Option<Self> {
        Self::OF_CHATS.into_iter().find(|format| format.chat_name() == name)
    }

    /// Returns the header in which the format's own vendor wants the API key.
    #[must_use]
    pub const fn auth_header(self) -> AuthHeader {
        match self {
            Self::Anthropic => AuthHeader::XApiKey,
            Self::Gemini => AuthHeader::XGoogApiKey,
            _ => AuthHeader::Bearer,
        }
    }
}

/// The header that carries the API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthHeader {
    /// `authorization: Bearer KEY`.
    Bearer,
    /// `x-api-key: KEY`.
    XApiKey,
    /// `x-goog-api-key: KEY`.
    XGoogApiKey,
    /// `api-key: KEY`.
    ApiKey,
}

impl AuthHeader {
    /// Every style.
    pub const ALL: [Self; 4] = [Self::Bearer, Self::XApiKey, Self::XGoogApiKey, Self::ApiKey];

    /// Returns the stable name, as it stands in the parameters of a model config.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            other => other.header(),
        }
    }

    /// Returns the style of a stable name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|style| style.name() == name)
    }

    /// Returns the header's name, in lower case.
    #[must_use]
    pub const fn header(self) -> &'static str {
        match self {
            Self::Bearer => "authorization",
            Self::XApiKey => "x-api-key",
            Self::XGoogApiKey => "x-goog-api-key",
            Self::ApiKey => "api-key",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_formats_and_headers_come_back() {
        for format in WireFormat::OF_CHATS {
            assert_eq!(WireFormat::from_chat_name(format.chat_name()), Some(format));
        }
        for style in AuthHeader::ALL {
            assert_eq!(AuthHeader::from_name(style.name()), Some(style));
        }
    }

    #[test]
    fn the_folder_of_a_wire_format_has_its_name() {
        for format in WireFormat::ALL {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/provider/").to_owned() + format.name();
            assert!(std::path::Path::new(&folder).is_dir(), "{folder}");
        }
    }
}
