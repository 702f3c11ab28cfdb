//! What is known of the health of model configs.

use serde::Serialize;

use super::ids::ModelConfigId;

/// What is known of a config's health in this process.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModelHealth {
    /// `provider/model`, or the alias.
    pub model: String,
    /// The config.
    pub model_config_id: ModelConfigId,
    /// How many attempts in a row failed.
    pub consecutive_failures: u32,
    /// How many seconds it is still passed over; absent if it is healthy.
    pub cooling_for: Option<f64>,
}
