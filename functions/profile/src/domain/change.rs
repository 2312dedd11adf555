//! A merge patch of a profile (RFC 7396).

use contracts::profile::{PublicField, UpdateProfile};
use kernel::Timestamp;
use kernel::text::{Checked, Patch};

use super::profile::Profile;

/// A profile after a change, and what differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub after: Profile,
    /// Names of the members the patch set or cleared, in the order of the profile.
    pub fields: Vec<&'static str>,
}

/// Applies the patch: members left out stay, `null` clears, `public_fields: null` restores the default.
pub fn decide(before: &Profile, patch: UpdateProfile, now: Timestamp) -> Change {
    let mut shown = before.shown.clone();
    let mut fields = Vec::new();
    let mut text = |name, patch: Patch<String>, member: &mut Option<String>| {
        if !patch.is_absent() {
            fields.push(name);
            patch.apply(member);
        }
    };
    text("display_name", patch.display_name.map(Checked::into_string), &mut shown.display_name);
    text("given_name", patch.given_name.map(Checked::into_string), &mut shown.given_name);
    text("family_name", patch.family_name.map(Checked::into_string), &mut shown.family_name);
    text("bio", patch.bio.map(Checked::into_string), &mut shown.bio);
    text("locale", patch.locale.map(Checked::into_string), &mut shown.locale);
    text("time_zone", patch.time_zone.map(Checked::into_string), &mut shown.time_zone);
    text("phone", patch.phone.map(Checked::into_string), &mut shown.phone);
    text("country", patch.country.map(Checked::into_string), &mut shown.country);
    if !patch.links.is_absent() {
        fields.push("links");
        let mut links = None;
        patch
            .links
            .map(|links| links.into_iter().map(Checked::into_string).collect())
            .apply(&mut links);
        shown.links = links.unwrap_or_default();
    }
    let mut public_fields = before.public_fields.clone();
    if !patch.public_fields.is_absent() {
        fields.push("public_fields");
        let mut chosen: Option<Vec<PublicField>> = None;
        patch.public_fields.map(|chosen| chosen.into_iter().collect()).apply(&mut chosen);
        let fresh = || Profile::unwritten(before.home, before.user).public_fields;
        public_fields = chosen.unwrap_or_else(fresh);
        public_fields.sort_unstable_by_key(|field| *field as u8);
        public_fields.dedup();
    }
    let after = Profile { shown, public_fields, updated_at: Some(now), ..before.clone() };
    Change { after, fields }
}

impl Change {
    /// The profile as it is once the change is saved and announced.
    pub fn saved(&self) -> Profile {
        Profile { head: self.after.head.saved_with(1), ..self.after.clone() }
    }
}

#[cfg(test)]
mod tests {
    use kernel::{Head, TenantId, UserId};

    use super::*;

    fn unwritten() -> Profile {
        Profile::unwritten(TenantId::from_bytes([1; 16]), UserId::from_bytes([2; 16]))
    }

    fn patched(before: &Profile, patch: &str) -> Change {
        decide(before, serde_json::from_str(patch).unwrap(), Timestamp::from_ms(7))
    }

    #[test]
    fn members_left_out_stay_and_null_clears() {
        let first = patched(&unwritten(), r#"{"display_name":"Ada","bio":"Counts."}"#).after;
        let cases = [
            (r#"{}"#, Some("Ada"), Some("Counts.")),
            (r#"{"bio":null}"#, Some("Ada"), None),
            (r#"{"bio":"New"}"#, Some("Ada"), Some("New")),
            (r#"{"display_name":null,"bio":null}"#, None, None),
        ];
        for (patch, name, bio) in cases {
            let shown = patched(&first, patch).after.shown;
            assert_eq!(
                (shown.display_name.as_deref(), shown.bio.as_deref()),
                (name, bio),
                "{patch}"
            );
        }
    }

    #[test]
    fn a_change_names_its_members_and_is_one_version_and_one_event_once_saved() {
        let change = patched(&unwritten(), r#"{"links":["https://a.example"],"country":"GB"}"#);
        assert_eq!(change.fields, ["country", "links"]);
        assert_eq!(change.after.head, Head::NEW);
        assert_eq!(change.saved().head, Head { version: 1, event_seq: 1 });
        assert_eq!(change.after.updated_at, Some(Timestamp::from_ms(7)));
    }

    #[test]
    fn clearing_the_public_fields_restores_the_default() {
        let chosen = patched(&unwritten(), r#"{"public_fields":["links","bio","bio"]}"#).after;
        assert_eq!(chosen.public_fields, [PublicField::Bio, PublicField::Links]);
        let cleared = patched(&chosen, r#"{"public_fields":null}"#).after;
        assert_eq!(cleared.public_fields, [PublicField::DisplayName, PublicField::Avatar]);
    }

    #[test]
    fn values_that_break_their_rules_are_refused() {
        let patches = [
            r#"{"display_name":""}"#,
            r#"{"country":"Atlantis"}"#,
            r#"{"links":["http://a.example"]}"#,
            r#"{"phone":"012"}"#,
            r#"{"locale":"!"}"#,
            r#"{"public_fields":["phone"]}"#,
        ];
        for patch in patches {
            assert!(serde_json::from_str::<UpdateProfile>(patch).is_err(), "{patch}");
        }
    }
}
