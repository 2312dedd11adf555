//! Sealed tokens: a reference to a row with a MAC over it. Tables keep the ids alone, so a dump of
//! them holds no usable token.

use std::time::Duration;

use aws_lc_rs::{hkdf, hmac};
use kernel::{AppId, Secret, TenantId, UserId, codec};
use subtle::{Choice, ConstantTimeEq};

use super::pepper::{Pepper, Peppers};

/// Length of a token in characters: prefix and 55 bytes in base64url.
pub const TOKEN_CHARS: usize = PREFIX_BYTES + 74;

const PREFIX_BYTES: usize = 4;
const VERSION: u8 = 1;
/// version | pepper id | kind | tenant | id | counter.
const SEALED_BYTES: usize = 3 + 16 + 16 + 4;
const MAC_BYTES: usize = 16;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// What a sealed token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Refresh token of a session; rotates.
    Refresh,
    /// Authorization code; once.
    Code,
    /// Login attempt waiting for a second factor.
    Login,
    /// Step of a sign-in at the authorization server; with a binding cookie.
    Interaction,
    /// Sign-in state of a browser; cookie only.
    Browser,
    /// A device its user signed in on before.
    Device,
    /// Address verification; once.
    Verify,
    /// Password reset or account activation; once.
    Reset,
    /// Change of address; once.
    EmailChange,
    /// Invitation; once.
    Invite,
    /// Pushed authorization request.
    Par,
    /// Device code.
    DeviceCode,
    /// Client registration.
    Registration,
    /// Magic link.
    Magic,
}

impl Kind {
    /// All kinds, in the order of their numbers, which start at 1.
    pub const ALL: [Self; 14] = [
        Self::Refresh,
        Self::Code,
        Self::Login,
        Self::Interaction,
        Self::Browser,
        Self::Device,
        Self::Verify,
        Self::Reset,
        Self::EmailChange,
        Self::Invite,
        Self::Par,
        Self::DeviceCode,
        Self::Registration,
        Self::Magic,
    ];

    /// Number, name and prefix.
    fn row(self) -> (u8, &'static str, &'static str) {
        match self {
            Self::Refresh => (1, "refresh", "trt_"),
            Self::Code => (2, "code", "tac_"),
            Self::Login => (3, "login", "tla_"),
            Self::Interaction => (4, "interaction", "tin_"),
            Self::Browser => (5, "browser", "tbs_"),
            Self::Device => (6, "device", "tdv_"),
            Self::Verify => (7, "verify", "tvl_"),
            Self::Reset => (8, "reset", "trl_"),
            Self::EmailChange => (9, "email_change", "tel_"),
            Self::Invite => (10, "invite", "til_"),
            Self::Par => (11, "par", "tpr_"),
            Self::DeviceCode => (12, "device_code", "tdc_"),
            Self::Registration => (13, "registration", "tra_"),
            Self::Magic => (14, "magic", "tml_"),
        }
    }

    /// The name, as in key derivation and paths.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// The four characters a token of this kind starts with.
    pub fn prefix(self) -> &'static str {
        self.row().2
    }

    /// The usual life; `None` where the row alone knows it (refresh: the session; kinds that are
    /// not issued yet). A browser's is its longest without "remember me", an invitation's its
    /// default.
    pub fn life(self) -> Option<Duration> {
        let seconds = match self {
            Self::Code => 60,
            Self::Login => 600,
            Self::Interaction | Self::Reset => 900,
            Self::EmailChange => HOUR,
            Self::Browser | Self::Verify => DAY,
            Self::Invite => 7 * DAY,
            Self::Device => 180 * DAY,
            Self::Refresh | Self::Par | Self::DeviceCode | Self::Registration | Self::Magic => {
                return None;
            }
        };
        Some(Duration::from_secs(seconds))
    }
}

/// Whom a token is bound to beyond its own bytes; part of the MAC, not of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// Nobody further.
    Nobody,
    /// This application.
    Application(AppId),
    /// The built-in application of the token's own tenant: direct sessions.
    BuiltInApplication,
    /// This person.
    User(UserId),
}

impl Context {
    fn text(self, tenant: TenantId) -> String {
        match self {
            Self::Nobody => String::new(),
            Self::Application(application) => application.to_string(),
            Self::BuiltInApplication => built_in_application(tenant).to_string(),
            Self::User(user) => user.to_string(),
        }
    }
}

/// The application direct sessions of a tenant belong to: virtual, with the tenant's id body.
pub fn built_in_application(tenant: TenantId) -> AppId {
    AppId::from_bytes(tenant.bytes())
}

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// What it is for.
    pub kind: Kind,
    /// The tenant of its row.
    pub tenant: TenantId,
    /// The bytes of the id of its row.
    pub id: [u8; 16],
    /// Rotation counter; 0 for kinds that do not rotate.
    pub counter: u32,
}

/// A token of ours that was proven, and the pepper that proved it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What it says.
    pub sealed: Sealed,
    /// The pepper it was minted with.
    pub pepper_id: u8,
}

/// Not a token of this kind, ours and unaltered. There is no finer answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSealed;

/// Writes the token, always the same for the same arguments. Use the newest pepper for new tokens,
/// the row's for a token that must be repeated.
///
/// Refuses when the cryptographic library derives no key.
pub fn seal(
    sealed: &Sealed,
    context: Context,
    pepper: Pepper<'_>,
) -> Result<Secret<String>, NotSealed> {
    let mut bytes = Vec::with_capacity(SEALED_BYTES + MAC_BYTES);
    bytes.extend([VERSION, pepper.id, sealed.kind.row().0]);
    bytes.extend(sealed.tenant.bytes());
    bytes.extend(sealed.id);
    bytes.extend(sealed.counter.to_be_bytes());
    let mac = mac(sealed, &bytes, context, pepper)?;
    bytes.extend(mac);
    let prefix = sealed.kind.prefix();
    Ok(Secret::new(format!("{prefix}{}", codec::encode(&bytes))))
}

/// Proves a token of this kind, before anything is read.
///
/// Prefix, version, kind and MAC are compared in constant time; every failure is the same.
pub fn open(
    text: &str,
    kind: Kind,
    context: Context,
    peppers: &Peppers,
) -> Result<Opened, NotSealed> {
    if text.len() != TOKEN_CHARS {
        return Err(NotSealed);
    }
    let (prefix, body) = text.split_at_checked(PREFIX_BYTES).ok_or(NotSealed)?;
    let bytes = codec::decode(body).ok_or(NotSealed)?;
    let (sealed_bytes, mac_bytes) = bytes.split_at_checked(SEALED_BYTES).ok_or(NotSealed)?;
    let mut fields = Fields(sealed_bytes);
    let [version, pepper_id, number] = fields.take()?;
    let sealed = Sealed {
        kind,
        tenant: TenantId::from_bytes(fields.take()?),
        id: fields.take()?,
        counter: u32::from_be_bytes(fields.take()?),
    };
    let pepper = peppers.get(pepper_id).ok_or(NotSealed)?;
    let genuine: Choice = prefix.as_bytes().ct_eq(kind.prefix().as_bytes())
        & version.ct_eq(&VERSION)
        & number.ct_eq(&kind.row().0)
        & mac_bytes.ct_eq(&mac(&sealed, sealed_bytes, context, pepper)?);
    if bool::from(genuine) { Ok(Opened { sealed, pepper_id }) } else { Err(NotSealed) }
}

/// HMAC-SHA256 of prefix ‖ bytes ‖ context, cut to 16 bytes, under a key derived for kind and row
/// (RFC 5869, RFC 2104 §5).
fn mac(
    sealed: &Sealed,
    bytes: &[u8],
    context: Context,
    pepper: Pepper<'_>,
) -> Result<[u8; MAC_BYTES], NotSealed> {
    let purpose = format!("talaria/tat/1/{}", sealed.kind.name());
    let purpose = [purpose.as_bytes()];
    let derived = hkdf::Salt::new(hkdf::HKDF_SHA256, &sealed.id).extract(pepper.key);
    let key: hmac::Key = derived.expand(&purpose, hmac::HMAC_SHA256).map_err(|_| NotSealed)?.into();
    let mut signing = hmac::Context::with_key(&key);
    signing.update(sealed.kind.prefix().as_bytes());
    signing.update(bytes);
    signing.update(context.text(sealed.tenant).as_bytes());
    signing.sign().as_ref().first_chunk().copied().ok_or(NotSealed)
}

/// Takes fixed fields from the front of a buffer.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], NotSealed> {
        let (field, rest) = self.0.split_first_chunk().ok_or(NotSealed)?;
        self.0 = rest;
        Ok(*field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VECTOR: &str =
        "trt_AQEBAVY-OrXT1nZMYe-5kwK9WwFfS__Nc1M0raeO3B1Kbx4AAAAHsGpxo-ljHFNyHePMdax_Jw";

    fn vector_peppers() -> Peppers {
        Peppers::first(1, std::array::from_fn(|index| index as u8))
    }

    fn vector() -> (Sealed, Context) {
        let session: kernel::SessionId = "ses_01bx5zzkbkactav9wevgemmvry".parse().unwrap();
        let sealed = Sealed {
            kind: Kind::Refresh,
            tenant: "cli_01arz3ndektsv4rrffq69g5fav".parse().unwrap(),
            id: session.bytes(),
            counter: 7,
        };
        (sealed, Context::Application("app_01bx5zzkbkactav9wevgemmvrz".parse().unwrap()))
    }

    #[test]
    fn the_vector_is_sealed_and_opened() {
        let (sealed, context) = vector();
        let peppers = vector_peppers();
        let token = seal(&sealed, context, peppers.get(1).unwrap()).unwrap();
        assert_eq!(token.expose(), VECTOR);
        let opened = open(VECTOR, Kind::Refresh, context, &peppers).unwrap();
        assert_eq!(opened, Opened { sealed, pepper_id: 1 });
    }

    #[test]
    fn every_kind_opens_as_itself_and_as_no_other() {
        let peppers = vector_peppers();
        for kind in Kind::ALL {
            let sealed = Sealed { kind, ..vector().0 };
            let token = seal(&sealed, Context::Nobody, peppers.get(1).unwrap()).unwrap();
            assert_eq!(token.expose().len(), TOKEN_CHARS);
            for other in Kind::ALL {
                let opened = open(token.expose(), other, Context::Nobody, &peppers);
                assert_eq!(opened.is_ok(), other == kind, "{kind:?} as {other:?}");
                let respelled = token.expose().replacen(kind.prefix(), other.prefix(), 1);
                let opened = open(&respelled, other, Context::Nobody, &peppers);
                assert_eq!(opened.is_ok(), other == kind, "{kind:?} respelled {other:?}");
            }
        }
    }

    #[test]
    fn changing_any_character_closes_the_token() {
        let (_, context) = vector();
        let peppers = vector_peppers();
        for index in 0..VECTOR.len() {
            for replacement in ["A", "z", "=", " ", "é"] {
                let mut altered = VECTOR.to_owned();
                altered.replace_range(index..=index, replacement);
                if altered != VECTOR {
                    let opened = open(&altered, Kind::Refresh, context, &peppers);
                    assert_eq!(opened, Err(NotSealed), "{altered}");
                }
            }
        }
    }

    #[test]
    fn tokens_of_other_lengths_versions_peppers_and_contexts_are_refused() {
        let (sealed, context) = vector();
        let peppers = vector_peppers();
        let other_key = Peppers::first(1, [9; 32]);
        let other_id = Peppers::first(2, std::array::from_fn(|index| index as u8));
        let user: UserId = "usr_01bx5zzkbkactav9wevgemmvrz".parse().unwrap();
        let table: [(&str, String, Context, &Peppers); 9] = [
            ("empty", String::new(), context, &peppers),
            ("prefix alone", "trt_".into(), context, &peppers),
            ("one character less", VECTOR[..77].into(), context, &peppers),
            ("one character more", format!("{VECTOR}A"), context, &peppers),
            ("no context", VECTOR.into(), Context::Nobody, &peppers),
            ("another application", VECTOR.into(), Context::BuiltInApplication, &peppers),
            ("a user of the same body", VECTOR.into(), Context::User(user), &peppers),
            ("another key", VECTOR.into(), context, &other_key),
            ("an unknown pepper", VECTOR.into(), context, &other_id),
        ];
        for (name, token, context, peppers) in table {
            assert_eq!(open(&token, Kind::Refresh, context, peppers), Err(NotSealed), "{name}");
        }

        let token = seal(&sealed, context, peppers.get(1).unwrap()).unwrap();
        let mut bytes = codec::decode(&token.expose()[4..]).unwrap();
        bytes[0] = 2;
        let version_2 = mac(&sealed, &bytes[..SEALED_BYTES], context, peppers.get(1).unwrap());
        bytes[SEALED_BYTES..].copy_from_slice(&version_2.unwrap());
        let token = format!("trt_{}", codec::encode(&bytes));
        assert_eq!(open(&token, Kind::Refresh, context, &peppers), Err(NotSealed));
    }

    #[test]
    fn older_peppers_open_what_they_minted() {
        let (sealed, context) = vector();
        let old = vector_peppers();
        let mut document = old.document().expose().clone();
        document.insert_str(1, &format!(r#""2":"{}","#, codec::encode(&[5; 32])));
        let both = Peppers::parse(&Secret::new(document)).unwrap();
        assert_eq!(open(VECTOR, Kind::Refresh, context, &both).unwrap().pepper_id, 1);
        let newest = both.get(both.newest_id()).unwrap();
        let token = seal(&sealed, context, newest).unwrap();
        assert_ne!(token.expose(), VECTOR);
        assert_eq!(open(token.expose(), Kind::Refresh, context, &both).unwrap().pepper_id, 2);
    }

    #[test]
    fn direct_sessions_are_bound_to_the_built_in_application_of_their_tenant() {
        let (sealed, _) = vector();
        let peppers = vector_peppers();
        let pepper = peppers.get(1).unwrap();
        let token = seal(&sealed, Context::BuiltInApplication, pepper).unwrap();
        let application = built_in_application(sealed.tenant);
        assert_eq!(application.to_string(), "app_01arz3ndektsv4rrffq69g5fav");
        let context = Context::Application(application);
        assert!(open(token.expose(), Kind::Refresh, context, &peppers).is_ok());
    }
}
