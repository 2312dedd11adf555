//! Turns facts into messages on the channels a person wants.
