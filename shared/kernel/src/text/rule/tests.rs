use super::*;
use crate::text::{
    Checked, CountryCode, EmailAddress, HttpsUrl, LocaleTag, PhoneNumber, Prose, Slug, Text,
    TimeZoneName,
};

fn accepts<R: Rule>(texts: &[&str]) {
    for text in texts {
        let value = Checked::<R>::parse(*text).map(Checked::into_string);
        assert_eq!(value.as_deref(), Ok(*text), "{}", R::name());
    }
}

fn refuses<R: Rule>(table: &[(&str, FaultCode)]) {
    for (text, code) in table {
        let refusal = Checked::<R>::parse(*text).err().map(|refusal| refusal.code);
        assert_eq!(refusal, Some(*code), "{} {text:?}", R::name());
    }
}

use FaultCode::{InvalidCharacters, InvalidFormat, TooLong, TooShort, UnknownValue};

#[test]
fn text_counts_characters_not_bytes() {
    accepts::<Line<2, 4>>(&["äö", "äöüß", "a b", " a", "😀😀😀😀"]);
    accepts::<Line<0, 1>>(&["", "a"]);
    refuses::<Line<2, 4>>(&[("", TooShort), ("ä", TooShort), ("abcde", TooLong)]);
    refuses::<Line<1, 9>>(&[
        ("a\nb", InvalidCharacters),
        ("a\tb", InvalidCharacters),
        ("\0", InvalidCharacters),
        ("\u{7f}", InvalidCharacters),
    ]);
    assert_eq!(Text::<1, 9>::parse(""), Err(Refusal::new(TooShort, "use at least 1 character")),);
}

#[test]
fn prose_takes_tabs_and_newlines() {
    accepts::<Lines<0, 9>>(&["", "a\n\tb"]);
    refuses::<Lines<0, 9>>(&[
        ("a\r\nb", InvalidCharacters),
        ("\u{1b}[0m", InvalidCharacters),
        ("0123456789", TooLong),
    ]);
    assert!(Prose::<0, 9>::parse("a\n").is_ok());
}

#[test]
fn an_address_has_text_on_both_sides_of_one_at() {
    accepts::<Email>(&["a@b", "Ada.Lovelace+x@Example.com", "jörg@münchen.example"]);
    refuses::<Email>(&[
        ("", InvalidFormat),
        ("ada", InvalidFormat),
        ("@b", InvalidFormat),
        ("a@", InvalidFormat),
        ("a@b@c", InvalidFormat),
        ("a b@c", InvalidFormat),
        ("a@b\nBcc: c", InvalidFormat),
        ("a@b\u{a0}c", InvalidFormat),
        ("a\0@b", InvalidFormat),
    ]);
    let longest = format!("{}@b", "a".repeat(252));
    accepts::<Email>(&[&longest]);
    refuses::<Email>(&[(&format!("a{longest}"), TooLong)]);
    let trimmed = EmailAddress::parse("\t a@b\n");
    assert_eq!(trimmed.as_ref().map(Checked::as_str), Ok("a@b"));
}

#[test]
fn a_slug_starts_with_a_letter_or_digit() {
    accepts::<SlugForm>(&["a", "0", "acme-eu_1", &"a".repeat(63)]);
    refuses::<SlugForm>(&[
        ("", TooShort),
        (&"a".repeat(64), TooLong),
        ("-a", InvalidFormat),
        ("_a", InvalidFormat),
        ("Acme", InvalidFormat),
        ("a.b", InvalidFormat),
        ("ä", InvalidFormat),
    ]);
    assert!(Slug::parse(String::from("acme")).is_ok());
}

#[test]
fn a_locale_is_a_well_formed_language_tag() {
    // The examples of RFC 5646, appendix A, and its section on what is not well-formed.
    accepts::<LanguageTag>(&[
        "de",
        "zh-Hant",
        "zh-cmn-Hans-CN",
        "zh-yue-HK",
        "sr-Latn-RS",
        "sl-rozaj-biske",
        "de-CH-1901",
        "hy-Latn-IT-arevela",
        "es-419",
        "de-CH-x-phonebk",
        "x-whatever",
        "en-US-u-islamcal",
        "zh-CN-a-myext-x-private",
        "en-a-myext-b-another",
        "qaa-Qaaa-QM-x-southern",
        "EN-gb",
    ]);
    refuses::<LanguageTag>(&[
        ("", TooShort),
        ("a-DE", InvalidFormat),
        ("de-419-DE", InvalidFormat),
        ("en_US", InvalidFormat),
        ("en-", InvalidFormat),
        ("-en", InvalidFormat),
        ("en--US", InvalidFormat),
        ("en-a", InvalidFormat),
        ("en-x", InvalidFormat),
        ("x", InvalidFormat),
        ("i-klingon", InvalidFormat),
        ("languagess", InvalidFormat),
        ("en-abc-def-ghi-jkl", InvalidFormat),
        (&format!("en-x{}", "-a".repeat(40)), TooLong),
    ]);
    assert!(LocaleTag::parse("en").is_ok());
}

#[test]
fn a_time_zone_is_an_area_and_a_location() {
    accepts::<ZoneForm>(&[
        "UTC",
        "Europe/Zurich",
        "America/Argentina/Buenos_Aires",
        "America/Port-au-Prince",
        "Etc/GMT+1",
        "US/Eastern",
    ]);
    refuses::<ZoneForm>(&[
        ("", TooShort),
        ("utc", InvalidFormat),
        ("CET", InvalidFormat),
        ("Europe/", InvalidFormat),
        ("/Zurich", InvalidFormat),
        ("Europe/../etc", InvalidFormat),
        ("Europe/zurich", InvalidFormat),
        ("A/B/C/D", InvalidFormat),
        ("Europe/New York", InvalidFormat),
        ("+01:00", InvalidFormat),
        (&format!("Europe/{}", "A".repeat(58)), TooLong),
    ]);
    assert!(TimeZoneName::parse("UTC").is_ok());
}

#[test]
fn a_country_is_one_of_the_249_assigned_codes() {
    accepts::<Country>(&["AD", "CH", "GB", "SS", "ZW"]);
    let unknown = ["", "XK", "UK", "AN", "ch", "CHE", "C", "  "];
    refuses::<Country>(&unknown.map(|code| (code, UnknownValue)));
    let letters = 'A'..='Z';
    let assigned = letters
        .clone()
        .flat_map(|a| letters.clone().map(move |b| format!("{a}{b}")))
        .filter(|code| CountryCode::parse(code.as_str()).is_ok())
        .count();
    assert_eq!(assigned, 249);
}

#[test]
fn a_url_is_https_with_a_plain_host() {
    accepts::<Https>(&[
        "https://example.com",
        "https://example.com:8443/a?b=c#d",
        "https://example.com?next=a@b",
        "https://xn--mnchen-3ya.example/%C3%A4",
        "https://10.0.0.1/",
    ]);
    let refused = [
        "",
        "http://example.com",
        "HTTPS://example.com",
        "javascript:alert(1)",
        "https://",
        "https:///path",
        "https://?q",
        "https://user@example.com",
        "https://user:pass@example.com",
        "https://example.com:port",
        "https://example.com:",
        "https://example.com:+80",
        "https://example.com:99999",
        "https://good.example\\@evil.example",
        "https://exa mple.com",
        "https://example.com/a b",
        "https://example.com/\n",
        "https://example.com/ä",
        "https://example.com/<script>",
        "https://[::1]/",
        " https://example.com",
    ];
    refuses::<Https>(&refused.map(|url| (url, InvalidFormat)));
    let longest = format!("https://a/{}", "b".repeat(URL_MAX - 10));
    accepts::<Https>(&[&longest]);
    refuses::<Https>(&[(&format!("{longest}b"), TooLong)]);
    assert!(HttpsUrl::parse("https://a").is_ok());
}

#[test]
fn a_phone_number_has_8_to_15_digits() {
    accepts::<E164>(&["+12345678", "+123456789012345", "+41446681800"]);
    let refused = [
        "",
        "+",
        "+1234567",
        "+1234567890123456",
        "+01234567",
        "41446681800",
        "+41 44 668 18 00",
        "+4144668180a",
        "+٤١٤٤٦٦٨١٨٠٠",
    ];
    refuses::<E164>(&refused.map(|number| (number, InvalidFormat)));
    assert!(PhoneNumber::parse("+12345678").is_ok());
}
