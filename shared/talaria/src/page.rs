//! Pages people read, and the registry the gateway reads.

mod access_matrix;
mod catalogue;
mod event_map;
mod event_routes;
mod module;

pub use access_matrix::access_matrix;
pub use catalogue::{alarms, environment, error_codes};
pub use event_map::event_map;
pub use event_routes::{event_routes, unreached};
pub use module::{backbone, modules, readme, registry};

/// A Markdown table.
pub fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let rule = vec!["---".to_owned(); head.len()];
    let cell = |text: String| text.replace('|', "\\|").replace('\n', " ");
    let rows = rows.into_iter().map(|cells| line(&cells.into_iter().map(cell).collect::<Vec<_>>()));
    line(&head) + &line(&rule) + &rows.collect::<String>()
}

/// Words as code, or a dash where there are none.
pub fn codes<T: std::fmt::Display>(words: impl IntoIterator<Item = T>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    if words.is_empty() { "–".to_owned() } else { words.join(" ") }
}
