//! E-mail addresses: one form to compare, one to send to, and the keyed hash they are looked up by.

use std::fmt;

use aws_lc_rs::hmac;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use kernel::{FaultCode, Refusal, TenantId, codec};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::pepper::Pepper;

/// The longest address, in bytes (RFC 5321 §4.5.3.1.3 less the angle brackets).
const MAX_BYTES: usize = 254;

/// ASCII characters of a local part besides letters, digits and dots (RFC 5322 §3.2.3 `atext`).
const ATEXT: &str = "!#$%&'*+-/=?^_`{|}~";

/// An address in normal form. Prints as `[hidden]`.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    local_part: String,
    domain: String,
}

/// Why text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressRefusal {
    /// More than 254 bytes in normal form.
    TooLong,
    /// Not exactly one `@`.
    OneAt,
    /// The part before `@` is empty, has a dot too many or characters that need quoting.
    LocalPart,
    /// The part after `@` is not a domain name of two labels or more (RFC 5891, UTS 46).
    Domain,
}

impl Address {
    /// Reads an address as people type it: NFKC, surrounding space cut, domain as lower-case
    /// A-label. Nothing is folded away: dots and plus parts count.
    pub fn parse(raw: &str) -> Result<Self, AddressRefusal> {
        // The cheap bound first: NFKC may grow text, nothing real shrinks to a quarter.
        if raw.len() > MAX_BYTES * 4 {
            return Err(AddressRefusal::TooLong);
        }
        let normal: String = raw.nfkc().collect();
        let normal = normal.trim();
        if normal.len() > MAX_BYTES {
            return Err(AddressRefusal::TooLong);
        }
        let (local_part, domain) = normal.split_once('@').ok_or(AddressRefusal::OneAt)?;
        if domain.contains('@') {
            return Err(AddressRefusal::OneAt);
        }
        if !is_dot_string(local_part) {
            return Err(AddressRefusal::LocalPart);
        }
        let domain = Uts46::new()
            .to_ascii(
                domain.as_bytes(),
                AsciiDenyList::STD3,
                Hyphens::CheckFirstLast,
                DnsLength::Verify,
            )
            .map_err(|_| AddressRefusal::Domain)?;
        if !domain.contains('.') {
            return Err(AddressRefusal::Domain);
        }
        let address = Self { local_part: local_part.to_owned(), domain: domain.into_owned() };
        if address.delivery().len() > MAX_BYTES {
            return Err(AddressRefusal::TooLong);
        }
        Ok(address)
    }

    /// The address to send to: the local part in the case it was typed in.
    pub fn delivery(&self) -> String {
        format!("{}@{}", self.local_part, self.domain)
    }

    /// The part before `@`, as typed: what a password may not be made of.
    pub fn local_part(&self) -> &str {
        &self.local_part
    }

    /// The key an account is found by: HMAC-SHA256 of tenant id ‖ 00 ‖ address with lower-cased
    /// local part.
    pub fn lookup(&self, tenant: TenantId, pepper: Pepper<'_>) -> Lookup {
        let mut signing = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, pepper.key));
        signing.update(tenant.to_string().as_bytes());
        signing.update(&[0]);
        signing.update(self.local_part.to_lowercase().as_bytes());
        signing.update(b"@");
        signing.update(self.domain.as_bytes());
        Lookup { pepper_id: pepper.id, digest: codec::encode(signing.sign().as_ref()) }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Address([hidden])")
    }
}

/// What an address is found by: pepper id and keyed hash, useless without the pepper.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub struct Lookup {
    /// The pepper the hash was made with.
    pub pepper_id: u8,
    /// 43 base64url characters.
    pub digest: String,
}

impl From<AddressRefusal> for Refusal {
    fn from(refusal: AddressRefusal) -> Self {
        match refusal {
            AddressRefusal::TooLong => {
                Self::new(FaultCode::TooLong, "an address has at most 254 bytes")
            }
            AddressRefusal::OneAt => {
                Self::new(FaultCode::InvalidFormat, "an address has exactly one @")
            }
            AddressRefusal::LocalPart => Self::new(
                FaultCode::InvalidFormat,
                "before the @ use letters, digits, single dots and the usual signs, unquoted",
            ),
            AddressRefusal::Domain => Self::new(
                FaultCode::InvalidFormat,
                "after the @ write a full domain name such as example.com",
            ),
        }
    }
}

/// `Dot-string` of RFC 5321 §4.1.2, with letters and digits of any script (RFC 6531 §3.3).
fn is_dot_string(text: &str) -> bool {
    text.split('.').all(|atom| {
        !atom.is_empty() && atom.chars().all(|char| char.is_alphanumeric() || ATEXT.contains(char))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pepper::Peppers;

    fn lookup(raw: &str) -> String {
        let peppers = Peppers::first(1, [1; 32]);
        let tenant: TenantId = "cli_01arz3ndektsv4rrffq69g5fav".parse().unwrap();
        Address::parse(raw).unwrap().lookup(tenant, peppers.get(1).unwrap()).digest
    }

    #[test]
    fn addresses_are_sent_as_typed_with_an_a_label_domain() {
        let table = [
            ("ada@example.com", "ada@example.com"),
            ("  Ada.Lovelace@Example.COM \n", "Ada.Lovelace@example.com"),
            ("ａｄａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "ada@example.com"),
            ("\u{3000}ada@example.com\u{3000}", "ada@example.com"),
            ("ada@Bücher.example", "ada@xn--bcher-kva.example"),
            ("ada@例え。テスト", "ada@xn--r8jz45g.xn--zckzah"),
            ("o'neill+tag_1-2/3=x@example.co.uk", "o'neill+tag_1-2/3=x@example.co.uk"),
            ("Дарья@example.com", "Дарья@example.com"),
        ];
        for (raw, expected) in table {
            assert_eq!(Address::parse(raw).unwrap().delivery(), expected);
        }
    }

    #[test]
    fn case_and_compatibility_forms_are_one_account_and_nothing_else_is() {
        for same in ["A@Ex.com", "a@ex.com", "Ａ＠ｅｘ．ｃｏｍ", " a@EX.COM "] {
            assert_eq!(lookup(same), lookup("a@ex.com"), "{same}");
        }
        for other in ["a.b@ex.com", "ab@ex.com", "a+b@ex.com", "a@ex.org", "a@e.x.com"] {
            assert_ne!(lookup(other), lookup("a@ex.com"), "{other}");
        }
    }

    #[test]
    fn the_look_up_depends_on_tenant_and_pepper() {
        let address = Address::parse("a@ex.com").unwrap();
        let peppers = [Peppers::first(1, [1; 32]), Peppers::first(1, [2; 32])];
        let tenants = ["cli_01arz3ndektsv4rrffq69g5fav", "cli_01bx5zzkbkactav9wevgemmvry"];
        let mut digests = std::collections::HashSet::new();
        for pepper in &peppers {
            for tenant in tenants {
                let lookup = address.lookup(tenant.parse().unwrap(), pepper.get(1).unwrap());
                assert_eq!(lookup.digest.len(), 43);
                digests.insert(lookup.digest);
            }
        }
        assert_eq!(digests.len(), 4);
    }

    #[test]
    fn what_is_no_address_is_refused_in_the_order_of_the_checks() {
        use AddressRefusal::{Domain, LocalPart, OneAt, TooLong};
        let table = [
            (String::new(), OneAt),
            ("ada".into(), OneAt),
            ("ada@example.com@example.com".into(), OneAt),
            ("ada@example＠com".into(), OneAt),
            ("@example.com".into(), LocalPart),
            (".ada@example.com".into(), LocalPart),
            ("ada.@example.com".into(), LocalPart),
            ("ada..l@example.com".into(), LocalPart),
            ("ada l@example.com".into(), LocalPart),
            ("\"ada\"@example.com".into(), LocalPart),
            ("ada\r\nbcc:x@example.com".into(), LocalPart),
            ("ada,bob@example.com".into(), LocalPart),
            ("<ada@example.com".into(), LocalPart),
            ("ad\u{200b}a@example.com".into(), LocalPart),
            ("ada@".into(), Domain),
            ("ada@localhost".into(), Domain),
            ("ada@[127.0.0.1]".into(), Domain),
            ("ada@example..com".into(), Domain),
            ("ada@example.com.".into(), Domain),
            ("ada@-example.com".into(), Domain),
            ("ada@exa_mple.com".into(), Domain),
            ("ada@exam ple.com".into(), Domain),
            ("ada@xn--a.example".into(), Domain),
            (format!("ada@{}.com", "x".repeat(64)), Domain),
            (format!("{}@example.com", "x".repeat(243)), TooLong),
            (format!("ada@{}.example", "ü".repeat(130)), TooLong),
            ("x".repeat(2000), TooLong),
        ];
        for (raw, expected) in table {
            assert_eq!(Address::parse(&raw), Err(expected), "{raw}");
        }
        assert!(Address::parse(&format!("{}@example.com", "x".repeat(242))).is_ok());
    }

    #[test]
    fn addresses_are_not_printed() {
        let address = Address::parse("canary@example.com").unwrap();
        assert_eq!(format!("{address:?}"), "Address([hidden])");
    }
}
