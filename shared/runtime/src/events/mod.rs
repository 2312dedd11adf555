//! Events on their way: the relay carries them to the topics, listeners take them off their queues.

pub(crate) mod collect;
mod consequences;
pub mod dead_letters;
mod depth;
mod firing;
pub(crate) mod listener;
pub mod redelivery;
pub mod relay;
