//! Names of resources.

/// The part of a function's or queue's name after the stage's prefix: the id with a dash for the dot.
pub fn resource_name(id: &str) -> String {
    id.replace('.', "-")
}
