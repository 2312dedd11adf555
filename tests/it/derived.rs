//! What every entry of every module owes, read off the recorded journeys. No test here names an
//! endpoint, a listener or an order: a new one is tested as soon as a journey uses it, and fails by name
//! until one does.

pub mod recording;

mod access;
mod answers;
mod budgets;
mod idempotency;
mod listeners;
mod samples;
mod scene;
mod successes;
