//! Model Studio's own format, for what it does not offer in OpenAI's.

pub(super) mod embeddings;
pub(super) mod rerank;

use super::Target;
use super::embeddings::base_url;
use super::endpoint::join_query;
use crate::types::Result;

/// Returns the address of a service, which stands beside the address at which the same host speaks OpenAI's format.
fn url(target: &Target<'_>, path: &str) -> Result<String> {
    let (base, query) = base_url(target)?;
    let host = ["/compatible-mode/v1", "/api/v1", path].iter().find_map(|path| base.strip_suffix(path));
    Ok(join_query(&format!("{}{path}", host.unwrap_or(base)), query))
}
