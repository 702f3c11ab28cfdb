//! Reading of usage: `billed_units` is what is billed, `tokens` may be more.

use serde_json::Value;

use crate::provider::embeddings::of_input;
use crate::provider::json::{count, field};
use crate::types::{Meter, ReportedModalities, ReportedUsage};

/// Reads what an answer says was billed, wherever it stands.
pub(super) fn read(answer: &Value) -> Option<ReportedUsage> {
    let places = [field(answer, "meta"), field(answer, "usage")];
    let billed = places.into_iter().flatten().find_map(|place| field(place, "billed_units"))?;
    let (text, image) = (count(billed, "input_tokens"), count(billed, "image_tokens"));
    let searches = count(billed, "search_units");
    let images = count(billed, "images").filter(|images| *images > 0);
    let counts = [(Meter::SearchUnit, searches), (Meter::InputImage, images)];
    let counts = counts.into_iter().filter_map(|(meter, count)| Some((meter, count?.into()))).collect();
    let image = image.filter(|tokens| *tokens > 0);
    // The tokens of images stand beside those of text.
    let input = match (text, image) {
        (None, None) => None,
        (text, image) => Some(text.unwrap_or_default().saturating_add(image.unwrap_or_default())),
    };
    (input.is_some() || searches.is_some()).then(|| {
        let input_modalities = ReportedModalities { image, ..ReportedModalities::default() };
        let input = input.or_else(|| searches.map(|_| 0));
        of_input(ReportedUsage { input, input_modalities, counts, ..ReportedUsage::default() })
    })
}
