//! Passwords as people choose them (NIST SP 800-63B-4 §3.1.1): long enough, never truncated, not
//! common, not made of what everybody knows about the person. No composition rules.

use kernel::{FaultCode, Refusal, Secret};
use unicode_normalization::UnicodeNormalization;

use super::common_passwords;

/// Least length where a password alone signs in, in code points.
pub const MIN_CODE_POINTS: usize = 15;

/// Least length where the tenant requires a second factor, in code points.
pub const MIN_CODE_POINTS_WITH_SECOND_FACTOR: usize = 8;

const MAX_CODE_POINTS: usize = 128;
const MAX_BYTES: usize = 256;

/// Longest unit whose repetition is refused, in code points.
const MAX_REPEATED_UNIT: usize = 4;

/// What must be left when everything known about the person is taken away, in code points.
const MIN_RESIDUE: usize = 8;

/// Shortest word of a name that is taken away by itself, in code points.
const MIN_NAME_WORD: usize = 3;

/// A password in normal form. Prints as `[hidden]`.
#[derive(Clone, Debug)]
pub struct Password(Secret<String>);

impl Password {
    /// A password somebody claims to have: brought to the form it was stored in, nothing refused.
    pub fn presented(raw: &Secret<String>) -> Self {
        Self(Secret::new(raw.expose().nfkc().collect()))
    }

    /// The bytes to hash.
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.expose().as_bytes()
    }
}

/// The rule of a tenant for new passwords.
#[derive(Clone, Copy, Debug)]
pub struct Rule<'a> {
    min_code_points: usize,
    words: &'a [String],
}

impl<'a> Rule<'a> {
    /// The rule where a second factor is required, or not; a tenant may ask for more code points
    /// and add words, never for less.
    pub fn new(second_factor_required: bool, tenant_minimum: usize, words: &'a [String]) -> Self {
        let floor = if second_factor_required {
            MIN_CODE_POINTS_WITH_SECOND_FACTOR
        } else {
            MIN_CODE_POINTS
        };
        Self { min_code_points: tenant_minimum.clamp(floor, MAX_CODE_POINTS), words }
    }

    /// Accepts a new password and brings it to normal form (NFKC), or says the first thing wrong:
    /// control characters, too short, too long, blocked.
    pub fn choose(
        &self,
        raw: &Secret<String>,
        about: &About<'_>,
    ) -> Result<Password, PasswordRefusal> {
        let password = Password::presented(raw);
        let text = password.0.expose();
        if text.chars().any(char::is_control) {
            return Err(PasswordRefusal::InvalidCharacters);
        }
        let code_points = text.chars().count();
        if code_points < self.min_code_points {
            return Err(PasswordRefusal::TooShort { least: self.min_code_points });
        }
        if code_points > MAX_CODE_POINTS || text.len() > MAX_BYTES {
            return Err(PasswordRefusal::TooLong);
        }
        let folded = Secret::new(fold(text));
        if common_passwords::contains(folded.expose()) {
            return Err(PasswordRefusal::Common);
        }
        if is_repetition(folded.expose()) {
            return Err(PasswordRefusal::Repeated);
        }
        if residue(folded.expose(), &self.known_words(about)) < MIN_RESIDUE {
            return Err(PasswordRefusal::Personal);
        }
        Ok(password)
    }

    /// What is taken away from a password before it is judged, case-folded, longest first.
    fn known_words(&self, about: &About<'_>) -> Vec<String> {
        let whole = [about.local_part, about.name, about.tenant_slug, about.tenant_name];
        let parts = [about.name, about.tenant_name]
            .into_iter()
            .flat_map(str::split_whitespace)
            .filter(|word| word.chars().count() >= MIN_NAME_WORD);
        let added = self.words.iter().map(String::as_str);
        let mut words: Vec<String> = whole
            .into_iter()
            .chain(parts)
            .chain(added)
            .map(|word| fold(&word.nfkc().collect::<String>()))
            .filter(|word| !word.is_empty())
            .collect();
        words.sort_unstable_by_key(|word| std::cmp::Reverse(word.len()));
        words
    }
}

/// What everybody may know about the person; empty text where there is nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// The part of the address before `@`.
    pub local_part: &'a str,
    /// The person's name.
    pub name: &'a str,
    /// The tenant's short name.
    pub tenant_slug: &'a str,
    /// The tenant's name.
    pub tenant_name: &'a str,
}

/// Why a password was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordRefusal {
    /// It has control characters.
    InvalidCharacters,
    /// It has fewer code points than `least`.
    TooShort {
        /// The least number of code points.
        least: usize,
    },
    /// It has more than 128 code points or 256 bytes in normal form.
    TooLong,
    /// It is on the list of common passwords.
    Common,
    /// It repeats a unit of up to four characters.
    Repeated,
    /// Little is left of it without name, address, tenant and the tenant's own words.
    Personal,
}

impl From<PasswordRefusal> for Refusal {
    fn from(refusal: PasswordRefusal) -> Self {
        match refusal {
            PasswordRefusal::InvalidCharacters => Self::new(
                FaultCode::InvalidCharacters,
                "leave out control characters such as tabs and line breaks",
            ),
            PasswordRefusal::TooShort { least } => {
                Self::new(FaultCode::TooShort, format!("use at least {least} characters"))
            }
            PasswordRefusal::TooLong => {
                Self::new(FaultCode::TooLong, "use at most 128 characters and 256 bytes")
            }
            PasswordRefusal::Common => Self::new(
                FaultCode::BlockedPassword,
                "this password is in common use; choose another",
            ),
            PasswordRefusal::Repeated => Self::new(
                FaultCode::BlockedPassword,
                "this password repeats a few characters; choose another",
            ),
            PasswordRefusal::Personal => Self::new(
                FaultCode::BlockedPassword,
                "leave out your name, address and organisation, or add more to them",
            ),
        }
    }
}

/// Case-folds near enough to Unicode's folding (through upper case, which unites ß with ss and the
/// two small sigmas).
fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// Whether one unit of up to four code points is repeated to the end, where it may be cut short.
fn is_repetition(text: &str) -> bool {
    (1..=MAX_REPEATED_UNIT)
        .any(|unit| text.chars().zip(text.chars().skip(unit)).all(|(a, b)| a == b))
}

/// How many code points are left without the words.
fn residue(text: &str, words: &[String]) -> usize {
    let mut left = Secret::new(text.to_owned());
    for word in words {
        left = Secret::new(left.expose().replace(word.as_str(), ""));
    }
    left.expose().chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(raw: &str) -> Secret<String> {
        Secret::new(raw.to_owned())
    }

    fn choose(raw: &str) -> Result<Password, PasswordRefusal> {
        let about = About {
            local_part: "ada.lovelace",
            name: "Ada King Lovelace",
            tenant_slug: "acme",
            tenant_name: "Acme Analytical Engines",
        };
        Rule::new(false, 0, &["Zanzibar".to_owned()]).choose(&secret(raw), &about)
    }

    #[test]
    fn refusals_come_in_the_order_of_the_checks() {
        use PasswordRefusal::{Common, InvalidCharacters, Personal, Repeated, TooLong, TooShort};
        let table: [(&str, String, Option<PasswordRefusal>); 27] = [
            ("a NUL is refused, not an end", "correct horse\0".into(), Some(InvalidCharacters)),
            ("delete", "correct horse battery\u{7f}".into(), Some(InvalidCharacters)),
            ("C1 control", "correct horse battery\u{85}".into(), Some(InvalidCharacters)),
            ("tab, and short", "\t".into(), Some(InvalidCharacters)),
            ("empty", String::new(), Some(TooShort { least: 15 })),
            ("14 code points", "correct horse ".into(), Some(TooShort { least: 15 })),
            (
                "14 wide code points",
                "日本語の長い合言葉を選ぶこと".into(),
                Some(TooShort { least: 15 }),
            ),
            ("common but short", "password".into(), Some(TooShort { least: 15 })),
            ("15 code points", "correct horse b".into(), None),
            ("15 wide code points", "日本語の長い合言葉を選ぶことを".into(), None),
            ("128 code points", "correct horse battery staple".repeat(5)[..128].into(), None),
            (
                "129 code points",
                "correct horse battery staple".repeat(5)[..129].into(),
                Some(TooLong),
            ),
            ("255 bytes", "日本語の長い合言葉を選ぶことが大切".repeat(5), None),
            (
                "258 bytes",
                format!("{}日", "日本語の長い合言葉を選ぶことが大切".repeat(5)),
                Some(TooLong),
            ),
            ("few points, many after NFKC", "\u{fdfa}".repeat(15), Some(TooLong)),
            ("common", "1qaz2wsx3edc4rfv".into(), Some(Common)),
            ("common in capitals", "QWERTY123456789".into(), Some(Common)),
            ("common, full width", "ｐａｓｓｗｏｒｄｐａｓｓｗｏｒｄ".into(), Some(Common)),
            ("one letter", "z".repeat(20), Some(Repeated)),
            ("four letters, cut short", "xyzwxyzwxyzwxyzwx".into(), Some(Repeated)),
            ("in changing case", "ZxzXZxzXZxzXZxzX".into(), Some(Repeated)),
            ("five letters", "vwxyzvwxyzvwxyz".into(), None),
            ("address and year", "Ada.Lovelace1815".into(), Some(Personal)),
            ("name in other order", "lovelaceKINGada1".into(), Some(Personal)),
            ("tenant and sequence", "acme12engines3456".into(), Some(Personal)),
            ("word of the tenant", "zanzibarZANZIBAR12".into(), Some(Personal)),
            ("name with enough besides", "ada wrote the first program".into(), None),
        ];
        for (name, raw, expected) in table {
            assert_eq!(choose(&raw).err(), expected, "{name}");
        }
    }

    #[test]
    fn lengths_follow_the_second_factor_and_tenants_only_raise_them() {
        let table = [
            (false, 0, 15),
            (false, 8, 15),
            (false, 20, 20),
            (true, 0, 8),
            (true, 12, 12),
            (true, 1000, 128),
        ];
        for (second_factor, minimum, least) in table {
            let rule = Rule::new(second_factor, minimum, &[]);
            let refusal = rule.choose(&secret("kq7"), &About::default()).err();
            assert_eq!(refusal, Some(PasswordRefusal::TooShort { least }));
        }
        let short = Rule::new(true, 0, &[]).choose(&secret("kq7wz2nf"), &About::default());
        assert!(short.is_ok());
        let common = Rule::new(true, 0, &[]).choose(&secret("Password1"), &About::default());
        assert_eq!(common.err(), Some(PasswordRefusal::Common));
    }

    #[test]
    fn compatibility_forms_are_one_password() {
        let (composed, other) = (secret("caf\u{e9} ﬁne 1²"), secret("cafe\u{301} fine 12"));
        let composed = Password::presented(&composed);
        assert_eq!(composed.bytes(), Password::presented(&other).bytes());
    }

    #[test]
    fn nothing_of_a_password_is_printed() {
        let password = Password::presented(&secret("canary in a coal mine"));
        assert_eq!(format!("{password:?}"), "Password([hidden])");
    }

    #[test]
    fn wire_codes_are_those_of_the_contract() {
        let table = [
            (PasswordRefusal::InvalidCharacters, "invalid_characters"),
            (PasswordRefusal::TooShort { least: 15 }, "too_short"),
            (PasswordRefusal::TooLong, "too_long"),
            (PasswordRefusal::Common, "blocked_password"),
            (PasswordRefusal::Repeated, "blocked_password"),
            (PasswordRefusal::Personal, "blocked_password"),
        ];
        for (refusal, code) in table {
            assert_eq!(Refusal::from(refusal).code.as_str(), code);
        }
    }
}
