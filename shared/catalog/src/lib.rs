//! The list of all modules.
