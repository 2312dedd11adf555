//! The built-in texts, in English. Names and addresses are known only while a mail is written; what
//! an inbox keeps has neither.

use serde::{Deserialize, Serialize};

/// A built-in template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// A person has an account now.
    Welcome,
}

/// What the inbox shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    pub title: &'static str,
    pub message: &'static str,
}

/// What a mail says.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    pub subject: &'static str,
    pub text: String,
    pub html: String,
}

impl Template {
    /// The word in rows and dedupe keys.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
        }
    }

    /// The version of its text that rows are planned with.
    pub const fn version(self) -> u32 {
        match self {
            Self::Welcome => 1,
        }
    }

    /// Its inbox card.
    pub const fn card(self) -> Card {
        match self {
            Self::Welcome => Card {
                title: "Welcome",
                message: "Your account was created. Confirm your e-mail address to sign in.",
            },
        }
    }

    /// Its mail to a person of this name.
    pub fn letter(self, name: &str) -> Letter {
        match self {
            Self::Welcome => welcome(greetable(name)),
        }
    }
}

fn welcome(name: Option<&str>) -> Letter {
    const LINES: [&str; 3] = [
        "your account was created.",
        "To sign in, confirm your e-mail address with the link in our other message.",
        "If you did not create it, ignore that link: without it nobody can use the account.",
    ];
    let greeting = name.map_or_else(|| "Hello,".to_owned(), |name| format!("Hello {name},"));
    let paragraph = |line: &str| format!("<p>{}</p>\n", escaped(line));
    let html: String = [greeting.as_str()].into_iter().chain(LINES).map(paragraph).collect();
    Letter {
        subject: "Welcome",
        text: format!("{greeting}\n\n{}\n", LINES.join("\n\n")),
        html: format!(
            "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
             <title>Welcome</title></head>\n<body>\n{html}</body>\n</html>\n"
        ),
    }
}

/// Longest name we greet by.
const NAME_MAX: usize = 60;

/// The name, where it reads like one. Anybody can register somebody else's address, so a name could
/// be an advertisement that we would deliver: links, addresses and long texts are left out.
fn greetable(name: &str) -> Option<&str> {
    let name = name.trim();
    let telling =
        |c: char| c.is_control() || c.is_numeric() || "/\\:@<>[](){}=#?&%$*\"`|_".contains(c);
    let letters: Vec<char> = name.chars().collect();
    let dotted = letters.windows(2).any(|pair| matches!(pair, ['.', next] if *next != ' '));
    let fits = !letters.is_empty() && letters.len() <= NAME_MAX;
    (fits && !dotted && !letters.iter().copied().any(telling)).then_some(name)
}

/// The text as HTML text or attribute value.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_greeted_by_name() {
        let table = [
            ("Ada", "Hello Ada,", "<p>Hello Ada,</p>"),
            (" Jean-Luc O'Neill ", "Hello Jean-Luc O'Neill,", "<p>Hello Jean-Luc O&#39;Neill,</p>"),
            ("J. R. R. Tolkien", "Hello J. R. R. Tolkien,", "<p>Hello J. R. R. Tolkien,</p>"),
            ("Ζωή", "Hello Ζωή,", "<p>Hello Ζωή,</p>"),
        ];
        for (name, text, html) in table {
            let letter = Template::Welcome.letter(name);
            assert!(letter.text.starts_with(text) && letter.html.contains(html), "{name}");
        }
    }

    #[test]
    fn a_name_that_could_be_an_advertisement_is_left_out() {
        let long = "a".repeat(NAME_MAX + 1);
        let names = [
            "",
            "   ",
            "visit https://evil.example",
            "evil.example",
            "ada@evil.example",
            "<b>Ada</b>",
            "Call 0900 123",
            "Ada\nBcc: eve",
            &long,
        ];
        for name in names {
            let letter = Template::Welcome.letter(name);
            assert!(letter.text.starts_with("Hello,\n") && letter.html.contains("<p>Hello,</p>"));
            assert!(!letter.html.contains("evil") && !letter.html.contains("<b>"), "{name}");
        }
    }

    #[test]
    fn nothing_a_person_wrote_becomes_markup() {
        assert_eq!(
            escaped("<a href='x'>\"&\"</a>"),
            "&lt;a href=&#39;x&#39;&gt;&quot;&amp;&quot;&lt;/a&gt;"
        );
    }

    #[test]
    fn a_letter_says_the_same_in_both_parts() {
        let letter = Template::Welcome.letter("Ada");
        for line in letter.text.lines().filter(|line| !line.is_empty()) {
            assert!(letter.html.contains(&format!("<p>{}</p>", escaped(line))), "{line}");
        }
        assert!(!letter.subject.is_empty() && letter.text.lines().all(|line| line.len() < 200));
    }
}
