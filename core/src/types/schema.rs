//! Schemas of the types that write themselves, for what is generated from them.
//!
//! The formats `decimal`, `quantity`, `currency` and `window` are ours; every other is of JSON Schema. So are these words:
//!
//! * `noun`: where other languages put a type that several nouns have. Any other stands where the first verb is that takes or
//!   returns it.
//! * `data`: the names of its fields stay as they are in every language, and results show it as a mapping.
//! * `row`: the row that an id names; where the id is an argument, the row may be given in its place.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

use super::{
    AccountUnit, Attribute, Calendar, Conditions, Currency, LedgerHead, Limit, Measure, PricingType, Quantity, Range,
    Scale, Scope, Usage, Vector, Window,
};

macro_rules! plain {
    ($($type:ty, $name:literal, $schema:tt;)+) => {$(
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )+};
}

plain! {
    Currency, "Currency", { "type": "string", "format": "currency" };
    Quantity, "Quantity", { "type": ["integer", "string"], "format": "quantity" };
    LedgerHead, "LedgerHead", { "type": "string" };
    PricingType, "PricingType", { "type": "string" };
    Window, "Window", { "type": "string", "format": "window" };
    AccountUnit, "AccountUnit", { "type": "string" };
    Vector, "Vector", { "type": "string", "format": "vector" };
}

macro_rules! same_as {
    ($($type:ty, $written:ty;)+) => {$(
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                <$written>::schema_name()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                <$written>::json_schema(generator)
            }
        }
    )+};
}

same_as! {
    Usage, super::usage::WrittenUsage<'static>;
    Scope, super::scope::WrittenScope<'static>;
    Limit, super::budget::WrittenLimit;
}

/// The properties of a call that are true or false, besides words.
const SWITCHES: [Attribute; 3] = [Attribute::Thinking, Attribute::Audio, Attribute::VideoInput];

impl JsonSchema for Conditions {
    fn schema_name() -> Cow<'static, str> {
        "Conditions".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut properties = Map::new();
        for measure in Measure::ALL {
            properties.insert(measure.name().to_owned(), generator.subschema_for::<Range>().into());
        }
        for attribute in Attribute::ALL {
            let format = if SWITCHES.contains(attribute) { "switch" } else { "choice" };
            properties.insert(attribute.name().to_owned(), json_schema!({ "format": format }).into());
        }
        properties.insert("calendar".to_owned(), generator.subschema_for::<Calendar>().into());
        properties.insert("scale".to_owned(), generator.subschema_for::<Scale>().into());
        json_schema!({
            "type": "object",
            "description": "When a price applies: every range, choice and calendar must hold. Empty means always. With a `marginal` \
                scale the price is that of the part of the quantity that lies in the range, and not of all of it.",
            "properties": Value::Object(properties),
            "data": true,
        })
    }
}
