//! One binary for every rule that belongs to no single module.

mod architecture;
mod bad_input;
mod credentials;
mod demo;
mod derived;
mod failures;
mod generated;
mod journeys;
mod laptop;
mod processes;
mod readme;
mod simulation;
mod talaria;
