//! Decisions about notifications: values in, values out.

pub mod binding;
pub mod category;
pub mod channel;
pub mod hand_off;
pub mod inbox;
pub mod outcome;
pub mod plan;
pub mod template;
