//! What of a profile is shown to whom.

use contracts::profile::{Profile as Own, PublicField, PublicProfile};

use super::profile::Profile;

/// Everything, to its owner.
pub fn own(profile: &Profile) -> Own {
    let shown = profile.shown.clone();
    Own {
        user_id: profile.user,
        display_name: shown.display_name,
        given_name: shown.given_name,
        family_name: shown.family_name,
        bio: shown.bio,
        locale: shown.locale,
        time_zone: shown.time_zone,
        phone: shown.phone,
        country: shown.country,
        links: shown.links,
        public_fields: profile.public_fields.clone(),
        version: profile.head.version,
        updated_at: profile.updated_at,
    }
}

/// The public members, or all of them (`whole`), to others of the tenant.
pub fn of_other(profile: &Profile, whole: bool) -> PublicProfile {
    let public = |field| whole || profile.public_fields.contains(&field);
    let shown = profile.shown.clone();
    PublicProfile {
        user_id: profile.user,
        display_name: shown.display_name.filter(|_| public(PublicField::DisplayName)),
        given_name: shown.given_name.filter(|_| whole),
        family_name: shown.family_name.filter(|_| whole),
        bio: shown.bio.filter(|_| public(PublicField::Bio)),
        locale: shown.locale.filter(|_| whole),
        time_zone: shown.time_zone.filter(|_| whole),
        phone: shown.phone.filter(|_| whole),
        country: shown.country.filter(|_| public(PublicField::Country)),
        links: Some(shown.links).filter(|_| public(PublicField::Links)),
        version: profile.head.version,
    }
}

#[cfg(test)]
mod tests {
    use contracts::profile::UpdateProfile;
    use kernel::{TenantId, Timestamp, UserId};

    use super::*;
    use crate::domain::change;

    fn written() -> Profile {
        let empty = Profile::unwritten(TenantId::from_bytes([1; 16]), UserId::from_bytes([2; 16]));
        let patch: UpdateProfile = serde_json::from_str(
            r#"{"display_name":"Ada","family_name":"King","bio":"Counts.","phone":"+4412345678"}"#,
        )
        .unwrap();
        change::decide(&empty, patch, Timestamp::from_ms(0)).after
    }

    #[test]
    fn strangers_see_only_what_is_public() {
        let seen = of_other(&written(), false);
        assert_eq!(seen.display_name.as_deref(), Some("Ada"));
        assert_eq!((seen.family_name, seen.bio, seen.phone, seen.links), (None, None, None, None));
    }

    #[test]
    fn those_who_may_see_all() {
        let seen = of_other(&written(), true);
        assert_eq!(seen.bio.as_deref(), Some("Counts."));
        assert_eq!(seen.phone.as_deref(), Some("+4412345678"));
    }
}
