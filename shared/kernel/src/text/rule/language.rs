//! The syntax of language tags.

use std::iter::Peekable;
use std::ops::RangeInclusive;
use std::str::Split;

/// `langtag` or `privateuse` of RFC 5646 §2.1.
pub(super) fn is_well_formed(tag: &str) -> bool {
    let mut subtags = tag.split('-').peekable();
    if let Some(language) = subtags.next_if(|s| is_alpha(s, 2..=8)) {
        if language.len() <= 3 {
            let mut extensions = 3;
            while extensions > 0 && subtags.next_if(|s| is_alpha(s, 3..=3)).is_some() {
                extensions -= 1;
            }
        }
        let _script = subtags.next_if(|s| is_alpha(s, 4..=4));
        let _region = subtags.next_if(|s| is_region(s));
        while subtags.next_if(|s| is_variant(s)).is_some() {}
        while subtags.next_if(|s| is_alphanumeric(s, 1..=1) && !is_private_use(s)).is_some() {
            if !skip_some(&mut subtags, 2..=8) {
                return false;
            }
        }
    }
    let is_whole = match subtags.next_if(|s| is_private_use(s)) {
        Some(_) => skip_some(&mut subtags, 1..=8),
        None => true,
    };
    is_whole && subtags.next().is_none()
}

/// Skips the alphanumeric subtags that follow; false if there is none.
fn skip_some(subtags: &mut Peekable<Split<'_, char>>, lengths: RangeInclusive<usize>) -> bool {
    let mut any = false;
    while subtags.next_if(|s| is_alphanumeric(s, lengths.clone())).is_some() {
        any = true;
    }
    any
}

fn is_region(subtag: &str) -> bool {
    is_alpha(subtag, 2..=2) || (subtag.len() == 3 && subtag.bytes().all(|b| b.is_ascii_digit()))
}

fn is_variant(subtag: &str) -> bool {
    is_alphanumeric(subtag, 5..=8)
        || (is_alphanumeric(subtag, 4..=4) && subtag.starts_with(|c: char| c.is_ascii_digit()))
}

fn is_private_use(subtag: &str) -> bool {
    subtag.eq_ignore_ascii_case("x")
}

fn is_alpha(text: &str, lengths: RangeInclusive<usize>) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphabetic())
}

fn is_alphanumeric(text: &str, lengths: RangeInclusive<usize>) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}
