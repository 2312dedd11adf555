//! What the platform knows about itself.

pub mod health;
pub mod registry;
