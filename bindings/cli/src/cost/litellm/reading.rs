//! What the counts of a usage mean under the prices of an entry, for `LiteLLM`'s calculator.

use tollway::types::{Decimal, Meter, Quantity};

use crate::cost::line::{Number, Totals};

/// The edge of an image whose size is not stated.
const USUAL_EDGE: u64 = 1024;

/// What the counts of a usage mean under the prices of an entry.
#[derive(Clone, Copy, Debug)]
pub(in crate::cost) struct Reading {
    /// What seconds are of.
    pub(super) seconds: Meter,
    /// What characters are.
    pub(super) characters: Meter,
    /// What images are, or their pixels.
    pub(super) images: Meter,
    /// What searches are.
    pub(super) searches: Meter,
    /// Whether all searches of a prompt are billed as one.
    pub(super) searches_by_prompt: bool,
    /// Whether the price of a search depends on how many results it was to return.
    pub(super) prices_results: bool,
    /// What the seconds are that the answer took, where they are billed.
    pub(super) wall_clock: Option<Meter>,
    /// Whether citations have a price.
    pub(super) prices_citations: bool,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            seconds: Meter::InputAudioSecond,
            characters: Meter::InputCharacter,
            images: Meter::Image,
            searches: Meter::WebSearch,
            searches_by_prompt: false,
            prices_results: false,
            wall_clock: None,
            prices_citations: false,
        }
    }
}

impl Reading {
    /// Returns how many searches are billed.
    pub(super) fn billed_searches(self, searches: Option<Number>) -> Option<Number> {
        let is_one = self.searches_by_prompt && searches.is_some_and(|Number(searches)| !searches.is_zero());
        if is_one { Some(Number(Quantity::ONE)) } else { searches }
    }

    /// Returns how many images are billed, or how many of their pixels.
    pub(super) fn billed_images(self, totals: &Totals) -> Option<Number> {
        let images = totals.images?;
        if !matches!(self.images, Meter::Pixel | Meter::InputPixel) {
            return Some(images);
        }
        let (width, height) = totals.image_size.as_deref().and_then(edges).unwrap_or((USUAL_EDGE, USUAL_EDGE));
        let pixels = Decimal::from(width).checked_mul(Decimal::from(height))?.checked_mul(images.0.get())?;
        Quantity::new(pixels).map(Number)
    }
}

/// Reads `1024x1536` or `1024-x-1536`.
fn edges(size: &str) -> Option<(u64, u64)> {
    let (width, height) = size.split_once('x')?;
    width.trim_end_matches('-').parse().ok().zip(height.trim_start_matches('-').parse().ok())
}
