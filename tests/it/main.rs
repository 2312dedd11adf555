//! One binary for every rule that belongs to no single module.

mod access;
mod architecture;
mod bad_input;
mod budgets;
mod demo;
mod failures;
mod generated;
mod idempotency;
mod journeys;
mod laptop;
mod listeners;
mod processes;
mod readme;
mod samples;
mod simulation;
mod talaria;
