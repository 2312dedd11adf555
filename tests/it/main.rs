//! One binary for every rule that belongs to no single module.
