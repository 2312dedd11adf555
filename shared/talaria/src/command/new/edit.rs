//! Small changes to sources that are written in the house's way; `None` where they are not.

/// Puts a line among those that start alike, in alphabetical order.
pub fn sorted_line(text: &str, start: &str, line: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let alike = |one: &str| one.trim_start().starts_with(start);
    let first = lines.iter().position(|one| alike(one))?;
    let after = lines.iter().rposition(|one| alike(one) && one.trim_start() < line.trim_start());
    let at = after.map_or(first, |after| after + 1);
    Some(with_line(&lines, at, line))
}

/// Puts text before the last line that is exactly `anchor`.
pub fn before_last(text: &str, anchor: &str, more: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().rposition(|line| *line == anchor)?;
    Some(with_line(&lines, at, more))
}

/// Puts text before the first line that is exactly `anchor`, at or after the first that starts with
/// `after`.
pub fn before_first_after(text: &str, after: &str, anchor: &str, more: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.iter().position(|line| line.starts_with(after))?;
    let at = lines.iter().skip(from).position(|line| *line == anchor)? + from;
    Some(with_line(&lines, at, more))
}

fn with_line(lines: &[&str], at: usize, more: &str) -> String {
    let (before, after) = lines.split_at(at.min(lines.len()));
    let all = before.iter().copied().chain([more]).chain(after.iter().copied());
    all.collect::<Vec<_>>().join("\n") + "\n"
}

/// `TwoWords` of `two_words`.
pub fn pascal(word: &str) -> String {
    crate::template::logical(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_finds_its_place() {
        let text = "//! Doc.\n\npub mod auth;\npub mod profile;\n\npub use x;\n";
        let cases = [
            (
                "pub mod aaa;",
                "//! Doc.\n\npub mod aaa;\npub mod auth;\npub mod profile;\n\npub use x;\n",
            ),
            (
                "pub mod billing;",
                "//! Doc.\n\npub mod auth;\npub mod billing;\npub mod profile;\n\npub use x;\n",
            ),
            (
                "pub mod zoo;",
                "//! Doc.\n\npub mod auth;\npub mod profile;\npub mod zoo;\n\npub use x;\n",
            ),
        ];
        for (line, expected) in cases {
            assert_eq!(sorted_line(text, "pub mod ", line).as_deref(), Some(expected));
        }
        assert_eq!(sorted_line("nothing\n", "pub mod ", "pub mod a;"), None);
    }

    #[test]
    fn text_is_put_before_an_anchor_or_nowhere() {
        let text = "endpoints! {\n    A;\n}\n\nstruct B {\n}\n";
        let expected = "endpoints! {\n    A;\n    C;\n}\n\nstruct B {\n}\n";
        assert_eq!(
            before_first_after(text, "endpoints! {", "}", "    C;").as_deref(),
            Some(expected)
        );
        assert_eq!(before_last("[\n]\n", "]", "  a").as_deref(), Some("[\n  a\n]\n"));
        assert_eq!(before_last("[\n", "]", "  a"), None);
    }
}
