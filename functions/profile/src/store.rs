//! Where profiles are kept: one row each, and a cache before it for those who look at others.

pub mod keys;

use std::time::Duration;

use events::profile::{UPDATED, Updated};
use kernel::{EntityKind, EntityRef, Error, UserId};
use runtime::cache::Cached;
use runtime::{Commit, Ctx, InTenant, User};
use store::{Aggregate, Consistency, Head, Key, Stored, Table, Versioned};

use crate::domain::change::Change;
use crate::domain::profile::Profile;

/// How long a cached profile is shown without asking the table again.
const SOFT_LIFE: Duration = Duration::from_secs(30);
/// How long it is kept for callers who ask for an old enough version.
const HARD_LIFE: Duration = Duration::from_secs(300);
/// How long "there is no such profile" is believed.
const NEGATIVE_LIFE: Duration = Duration::from_secs(5);

impl Stored for Profile {
    const TABLE: Table = keys::PROFILE;

    fn key(&self) -> Key {
        keys::profile(self.home, self.user)
    }
}

impl Versioned for Profile {
    fn head(&self) -> Head {
        self.head
    }
}

impl Aggregate for Profile {
    fn entity(&self) -> EntityRef {
        EntityRef::new(EntityKind::Profile, self.user)
    }
}

/// The profiles a caller may reach.
pub struct Profiles<'a, Who> {
    ctx: &'a Ctx<Who>,
}

impl<'a, Who: InTenant> Profiles<'a, Who> {
    /// The profiles of the caller's tenant.
    pub fn of(ctx: &'a Ctx<Who>) -> Self {
        Self { ctx }
    }

    /// A profile of this tenant, at least of version `oldest`; from the cache where it is fresh.
    pub async fn find(&self, user: UserId, oldest: u64) -> Result<Option<Profile>, Error> {
        let (tenant, now) = (self.ctx.tenant(), self.ctx.now());
        let name = keys::cached(tenant, user);
        if let Some(cached) = self.ctx.cache().get(&name, now).await {
            let life = if cached.value.is_some() { SOFT_LIFE } else { NEGATIVE_LIFE };
            if cached.version >= oldest && now.since(cached.stored_at) < life {
                return Ok(cached.value.and_then(|json| serde_json::from_str(&json).ok()));
            }
        }
        let key = keys::profile(tenant, user);
        let profile = self.ctx.store().get::<Profile>(&key, Consistency::Strong).await?;
        self.cache(&name, profile.as_ref()).await;
        Ok(profile)
    }

    /// Writes a profile through to the cache.
    pub async fn remember(&self, profile: &Profile) {
        self.cache(&keys::cached(profile.home, profile.user), Some(profile)).await;
    }

    async fn cache(&self, name: &str, profile: Option<&Profile>) {
        let cached = Cached {
            version: profile.map_or(0, |profile| profile.head.version),
            value: profile.and_then(|profile| serde_json::to_string(profile).ok()),
            stored_at: self.ctx.now(),
        };
        self.ctx.cache().set(name, cached, HARD_LIFE).await;
    }
}

impl Profiles<'_, User> {
    /// The caller's own profile, always as the table has it; unwritten where there is none.
    pub async fn own(&self, user: &User) -> Result<Profile, Error> {
        let key = keys::profile(user.home_tenant(), user.id());
        let profile = self.ctx.store().get(&key, Consistency::Strong).await?;
        Ok(profile.unwrap_or_else(|| Profile::unwritten(user.home_tenant(), user.id())))
    }

    /// Saves a change and announces it.
    pub fn save(&self, changed: Change) -> Commit {
        let Change { after, fields } = changed;
        let data = Updated {
            user_id: after.user,
            fields: fields.into_iter().map(str::to_owned).collect(),
            version: after.head.next_version(),
        };
        Commit::saving(&after).announcing(&UPDATED, &data)
    }
}
