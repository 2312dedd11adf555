//! Module `profile`: what a person shows of themselves.

use kernel::text::{
    CountryCode, HttpsUrl, Items, LocaleTag, Patch, PhoneNumber, Prose, Text, TimeZoneName,
};
use kernel::{Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Endpoint, Granted, Nothing, Own, endpoints};

endpoints! {
    /// Answers the caller's own profile.
    ///
    /// Before the first change it holds defaults and `version` 0. `ETag` names the version.
    GET: Own<Nothing, Profile> = Endpoint::get("profile.get", "/v1/profile").own().budget(1);

    /// Changes members of the caller's profile.
    ///
    /// A merge patch (RFC 7396): members left out stay, `null` clears. Send `If-Match` with the `ETag`
    /// you read to change only that version.
    UPDATE: Own<UpdateProfile, Profile> = Endpoint::patch("profile.update", "/v1/profile")
        .own()
        .keyed()
        .if_match()
        .unaudited("changes only what the person themselves wrote")
        .budget(2);

    /// Shows another person's profile.
    ///
    /// Only the members its owner made public; all of them to holders of `profile.profile.read`.
    /// `min_version` refuses an older cached copy.
    VIEW: Granted<ViewProfile, PublicProfile> =
        Endpoint::get("profile.view", "/v1/profiles/{user_id}").any_principal().budget(1);
}

/// The caller's own profile.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Profile {
    pub user_id: UserId,
    pub display_name: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub bio: Option<String>,
    /// BCP 47.
    pub locale: Option<String>,
    /// IANA time zone.
    pub time_zone: Option<String>,
    /// E.164; not verified, never public.
    pub phone: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    pub links: Vec<String>,
    /// Which members others see.
    pub public_fields: Vec<PublicField>,
    /// Raised by every change; 0 before the first.
    pub version: u64,
    pub updated_at: Option<Timestamp>,
}

/// A member that can be shown to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PublicField {
    DisplayName,
    Bio,
    Avatar,
    Country,
    Links,
}

/// Which members change, and to what.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UpdateProfile {
    pub display_name: Patch<Text<1, 100>>,
    pub given_name: Patch<Text<0, 100>>,
    pub family_name: Patch<Text<0, 100>>,
    pub bio: Patch<Prose<0, 500>>,
    pub locale: Patch<LocaleTag>,
    pub time_zone: Patch<TimeZoneName>,
    pub phone: Patch<PhoneNumber>,
    pub country: Patch<CountryCode>,
    pub links: Patch<Items<HttpsUrl, 5>>,
    pub public_fields: Patch<Items<PublicField, 5>>,
}

/// Whose profile.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewProfile {
    pub user_id: UserId,
    /// The oldest version the caller accepts.
    #[serde(default)]
    pub min_version: Option<u64>,
}

/// What the caller may see of a profile; members that are not shown are null.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PublicProfile {
    pub user_id: UserId,
    pub display_name: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub bio: Option<String>,
    pub locale: Option<String>,
    pub time_zone: Option<String>,
    pub phone: Option<String>,
    pub country: Option<String>,
    pub links: Option<Vec<String>>,
    pub version: u64,
}
