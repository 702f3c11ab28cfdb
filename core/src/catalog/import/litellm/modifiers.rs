//! What multiplies the prices of tokens: where a request is served, and how fast.

use serde_json::Value;

use super::document::number;
use crate::types::{Attribute, Conditions, Meter, Modifier, OfferPrice};

/// The name of the group of places.
const REGION: &str = "region";
/// The name of the group of speeds.
const SPEED: &str = "speed";

/// Reads a ratio for requests that stay in a place, such as `regional_processing_uplift_multiplier_eu`.
pub(super) fn uplift(key: &str, value: &Value) -> Option<OfferPrice> {
    let ratio = number(value)?;
    let conditions = match key.strip_prefix("regional_processing_uplift_multiplier_") {
        Some(region) => Conditions::default().with_choice(Attribute::Region, region),
        None if key == "regional_endpoint_uplift_multiplier" => Conditions::default()
            .with_choice(Attribute::EndpointScope, "geo")
            .with_choice(Attribute::EndpointScope, "regional"),
        None => return None,
    };
    Some(modifier(ratio, REGION, 1).when(conditions))
}

/// Reads a field of `provider_specific_entry`: a ratio by the name of a region, or of a speed.
pub(super) fn specific(key: &str, value: &Value) -> Option<OfferPrice> {
    let ratio = number(value)?;
    if key == "fast" {
        return Some(modifier(ratio, SPEED, 0).when(Conditions::default().with_choice(Attribute::Speed, key)));
    }
    let is_region = key.len() == 2 && key.bytes().all(|letter| letter.is_ascii_lowercase());
    is_region.then(|| modifier(ratio, REGION, 1).when(Conditions::default().with_choice(Attribute::Region, key)))
}

fn modifier(ratio: crate::types::Decimal, group: &str, order: i32) -> OfferPrice {
    let meters = vec![Meter::InputToken, Meter::OutputToken];
    OfferPrice::modifier(ratio, Modifier { meters, group: group.to_owned(), order, excludes: Vec::new() })
}
