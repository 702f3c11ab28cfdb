//! Units: how many of its meter a price is for.

use serde::{Deserialize, Serialize};

use super::meter::{Family, Meter};

macro_rules! units {
    ($($(#[$documentation:meta])* $variant:ident = $name:literal, $family:expr, $size:literal;)+) => {
        /// The unit that a price counts in.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("noun" = "meters")))]
        #[non_exhaustive]
        pub enum Unit {
            $($(#[$documentation])* #[serde(rename = $name)] $variant,)+
        }

        impl Unit {
            /// Every unit.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the stable name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Returns the unit of a stable name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }

            /// Returns how many of the meter one unit is.
            #[must_use]
            pub const fn size(self) -> u64 {
                match self { $(Self::$variant => $size,)+ }
            }

            /// Returns the family of the meters that it counts; absent for a ratio.
            #[must_use]
            pub const fn family(self) -> Option<Family> {
                match self { $(Self::$variant => $family,)+ }
            }
        }
    };
}

units! {
    /// One token.
    PerToken = "per_token", Some(Family::Token), 1;
    /// A thousand tokens.
    Per1kTokens = "per_1k_tokens", Some(Family::Token), 1_000;
    /// A million tokens.
    Per1mTokens = "per_1m_tokens", Some(Family::Token), 1_000_000;
    /// One character.
    PerCharacter = "per_character", Some(Family::Character), 1;
    /// A thousand characters.
    Per1kCharacters = "per_1k_characters", Some(Family::Character), 1_000;
    /// Ten thousand characters.
    Per10kCharacters = "per_10k_characters", Some(Family::Character), 10_000;
    /// A million characters.
    Per1mCharacters = "per_1m_characters", Some(Family::Character), 1_000_000;
    /// One second.
    PerSecond = "per_second", Some(Family::Second), 1;
    /// One minute.
    PerMinute = "per_minute", Some(Family::Second), 60;
    /// One hour.
    PerHour = "per_hour", Some(Family::Second), 3_600;
    /// One image.
    PerImage = "per_image", Some(Family::Image), 1;
    /// One pixel.
    PerPixel = "per_pixel", Some(Family::Pixel), 1;
    /// A million pixels.
    PerMegapixel = "per_megapixel", Some(Family::Pixel), 1_000_000;
    /// One page.
    PerPage = "per_page", Some(Family::Page), 1;
    /// A thousand pages.
    Per1kPages = "per_1k_pages", Some(Family::Page), 1_000;
    /// One search.
    PerSearch = "per_search", Some(Family::Search), 1;
    /// A thousand searches.
    Per1kSearches = "per_1k_searches", Some(Family::Search), 1_000;
    /// One message.
    PerMessage = "per_message", Some(Family::Message), 1;
    /// A thousand messages.
    Per1kMessages = "per_1k_messages", Some(Family::Message), 1_000;
    /// One request.
    PerRequest = "per_request", Some(Family::Request), 1;
    /// A thousand requests.
    Per1kRequests = "per_1k_requests", Some(Family::Request), 1_000;
    /// One session.
    PerSession = "per_session", Some(Family::Session), 1;
    /// One token for one hour.
    PerTokenHour = "per_token_hour", Some(Family::TokenHour), 1;
    /// A million tokens for one hour.
    Per1mTokenHours = "per_1m_token_hours", Some(Family::TokenHour), 1_000_000;
    /// One gigabyte for one day.
    PerGigabyteDay = "per_gigabyte_day", Some(Family::GigabyteDay), 1;
    /// One unit of a vendor's own.
    PerCredit = "per_credit", Some(Family::Credit), 1;
    /// One job.
    PerJob = "per_job", Some(Family::Job), 1;
    /// Not a unit of a price: what a modifier multiplies amounts by.
    Ratio = "ratio", None, 1;
}

impl Unit {
    /// Returns whether a price of the meter may count in this unit.
    #[must_use]
    pub fn fits(self, meter: Meter) -> bool {
        self.family() == Some(meter.family())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_has_a_name_and_every_meter_a_unit_of_single_items() {
        for unit in Unit::ALL {
            assert_eq!(Unit::from_name(unit.name()), Some(*unit));
            assert_eq!(serde_json::to_value(unit).unwrap(), unit.name());
        }
        for meter in Meter::ALL {
            assert!(Unit::ALL.iter().any(|unit| unit.fits(*meter) && unit.size() == 1), "{meter}");
        }
        assert!(!Unit::Ratio.fits(Meter::InputToken) && !Unit::PerRequest.fits(Meter::InputToken));
    }
}
