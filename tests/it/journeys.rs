//! Stories: what a person does, from the first request to the last.

mod gateway;
mod registration;
