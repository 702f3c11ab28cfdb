//! The API key of each provider: whether it wants one, and the environment variable that it usually stands in.

use super::vendor::vendor;

/// The usual variables of each provider, the first being that of its own documents. One without any wants no key.
const VARIABLES: [(&str, &[&str]); 27] = [
    ("openai", &["OPENAI_API_KEY"]),
    ("azure", &["AZURE_OPENAI_API_KEY", "AZURE_API_KEY"]),
    ("anthropic", &["ANTHROPIC_API_KEY"]),
    ("gemini", &["GEMINI_API_KEY", "GOOGLE_API_KEY"]),
    ("dashscope", &["DASHSCOPE_API_KEY"]),
    ("dashscope-intl", &["DASHSCOPE_API_KEY"]),
    ("doubao", &["ARK_API_KEY"]),
    ("deepseek", &["DEEPSEEK_API_KEY"]),
    ("zhipu", &["ZHIPUAI_API_KEY", "BIGMODEL_API_KEY"]),
    ("zai", &["ZAI_API_KEY"]),
    ("moonshot", &["MOONSHOT_API_KEY"]),
    ("groq", &["GROQ_API_KEY"]),
    ("mistral", &["MISTRAL_API_KEY"]),
    ("xai", &["XAI_API_KEY"]),
    ("openrouter", &["OPENROUTER_API_KEY"]),
    ("vercel", &["AI_GATEWAY_API_KEY"]),
    ("ollama", &[]),
    ("together", &["TOGETHER_API_KEY"]),
    ("perplexity", &["PERPLEXITY_API_KEY"]),
    ("fireworks", &["FIREWORKS_API_KEY"]),
    ("cerebras", &["CEREBRAS_API_KEY"]),
    ("siliconflow", &["SILICONFLOW_API_KEY"]),
    ("avian", &["AVIAN_API_KEY"]),
    ("huggingface", &["HF_TOKEN"]),
    ("cohere", &["CO_API_KEY", "COHERE_API_KEY"]),
    ("voyage", &["VOYAGE_API_KEY"]),
    ("jina_ai", &["JINA_API_KEY"]),
];

/// Returns the environment variables in which the key of a provider usually stands, in the order in which they are looked at;
/// none for a provider that wants no key, or that is not in the table of vendors.
#[must_use]
pub fn key_variables(provider: &str) -> &'static [&'static str] {
    let name = vendor(provider).name;
    VARIABLES.iter().find(|(known, _)| *known == name).map_or(&[], |(_, variables)| variables)
}

/// Returns whether a provider answers nobody without a key at its own address.
#[must_use]
pub fn wants_key(provider: &str) -> bool {
    !key_variables(provider).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::vendor_names;

    #[test]
    fn every_vendor_says_whether_it_wants_a_key() {
        let mut known: Vec<_> = VARIABLES.iter().map(|(name, _)| *name).collect();
        let mut vendors: Vec<_> = vendor_names().filter(|name| vendor(name).name == *name).collect();
        known.sort_unstable();
        vendors.sort_unstable();
        assert_eq!(known, vendors);
    }

    #[test]
    fn aliases_have_the_variables_of_their_vendor_and_others_have_none() {
        assert_eq!(key_variables("google"), ["GEMINI_API_KEY", "GOOGLE_API_KEY"]);
        assert_eq!(key_variables("my-gateway"), [""; 0]);
        assert!(wants_key("openai") && !wants_key("ollama") && !wants_key("my-gateway"));
    }
}
