//! The embedded list of common passwords; its source and licence stand in
//! `common-passwords.LICENSE.txt`.

/// One password a line, lower case, in byte order.
const LIST: &str = include_str!("common-passwords.txt");

/// Whether this case-folded password is on the list. Searches the text itself, so that nothing is
/// built at start.
pub fn contains(folded: &str) -> bool {
    let mut rest = LIST;
    while !rest.is_empty() {
        let middle = rest.len() / 2;
        let start = rest.get(..middle).and_then(|head| head.rfind('\n')).map_or(0, |end| end + 1);
        let (head, tail) = rest.split_at(start);
        let (line, after) = tail.split_once('\n').unwrap_or((tail, ""));
        match folded.cmp(line) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => rest = head,
            std::cmp::Ordering::Greater => rest = after,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_lower_case_ascii_and_long_enough() {
        let lines: Vec<&str> = LIST.lines().collect();
        assert!(lines.len() >= 30_000, "{}", lines.len());
        assert!(lines.is_sorted_by(|one, next| one < next));
        assert!(LIST.is_ascii() && LIST.ends_with('\n') && !LIST.contains('\r'));
        assert!(lines.iter().all(|line| !line.is_empty() && line.to_lowercase() == **line));
    }

    #[test]
    fn every_entry_is_found_and_its_neighbours_are_not() {
        let entries: std::collections::HashSet<&str> = LIST.lines().collect();
        for entry in &entries {
            assert!(contains(entry), "{entry}");
            let longer = format!("{entry}\u{7f}");
            assert!(!contains(&longer), "{longer}");
            let shorter = &entry[..entry.len() - 1];
            assert_eq!(contains(shorter), entries.contains(shorter), "{shorter}");
        }
        assert!(!contains(""));
        assert!(!contains("\n"));
    }
}
