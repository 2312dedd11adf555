//! The letters of the module, in words: plain text and HTML.

use crate::page::escaped;

/// What is written.
pub enum Letter {
    /// Asks to confirm an address.
    Verify {
        /// Where the page with the button is.
        url: String,
    },
    /// Tells the owner of an account that somebody registered with the address.
    AlreadyRegistered,
}

/// A letter in words.
pub struct Wording {
    pub subject: String,
    pub text: String,
    pub html: String,
}

impl Letter {
    /// The letter in the language nearest to `locale`; English is the only one so far.
    pub fn wording(&self, name: &str, tenant: &str, locale: Option<&str>) -> Wording {
        match locale.map(|tag| tag.split('-').next().unwrap_or_default()) {
            Some("en" | _) | None => self.in_english(name, tenant),
        }
    }

    fn in_english(&self, name: &str, tenant: &str) -> Wording {
        match self {
            Self::Verify { url } => Wording {
                subject: format!("Confirm your e-mail address for {tenant}"),
                text: format!(
                    "Hello {name},\n\n\
                     open this link and press the button to confirm your e-mail address for \
                     {tenant}:\n\n{url}\n\n\
                     The link works once, for 24 hours. If you did not register, ignore this \
                     mail; nothing happens.\n"
                ),
                html: html(
                    name,
                    &format!(
                        "<p>open this link and press the button to confirm your e-mail address \
                         for {tenant}:</p>\n<p><a href=\"{url}\">Confirm my address</a></p>\n\
                         <p>The link works once, for 24 hours. If you did not register, ignore \
                         this mail; nothing happens.</p>",
                        tenant = escaped(tenant),
                        url = escaped(url),
                    ),
                ),
            },
            Self::AlreadyRegistered => Wording {
                subject: format!("You already have an account with {tenant}"),
                text: format!(
                    "Hello {name},\n\n\
                     somebody, perhaps you, registered with this e-mail address at {tenant}. You \
                     have an account there already: sign in with the password you chose.\n\n\
                     If it was not you, there is nothing to do: your account and your password \
                     are unchanged.\n"
                ),
                html: html(
                    name,
                    &format!(
                        "<p>somebody, perhaps you, registered with this e-mail address at \
                         {tenant}. You have an account there already: sign in with the password \
                         you chose.</p>\n<p>If it was not you, there is nothing to do: your \
                         account and your password are unchanged.</p>",
                        tenant = escaped(tenant),
                    ),
                ),
            },
        }
    }
}

fn html(name: &str, body: &str) -> String {
    let name = escaped(name);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<body>\n<p>Hello {name},</p>\n{body}\n</body>\n\
         </html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_never_read_as_markup() {
        let letters =
            [Letter::Verify { url: "http://x/?a&b".to_owned() }, Letter::AlreadyRegistered];
        for letter in letters {
            let wording = letter.wording("<b>Eve</b>", "A & B", Some("de-AT"));
            assert!(!wording.html.contains("<b>") && wording.html.contains("A &amp; B"));
            assert!(wording.text.contains("<b>Eve</b>") && wording.subject.contains("A & B"));
        }
    }

    #[test]
    fn both_forms_carry_the_link() {
        let url = "http://127.0.0.1/v1/auth/links/verify?token=tvl_x".to_owned();
        let wording = Letter::Verify { url: url.clone() }.wording("Ada", "Acme", None);
        assert!(wording.text.contains(&url) && wording.html.contains(&url));
    }
}
