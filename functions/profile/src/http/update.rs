use contracts::profile::{Profile, UpdateProfile};
use kernel::Error;
use runtime::{Ctx, Reply, User};

use crate::domain::{change, view};
use crate::store::Profiles;

/// Changes members of the caller's profile, and writes the new version through to the cache.
pub async fn handle(ctx: Ctx<User>, request: UpdateProfile) -> Result<Reply<Profile>, Error> {
    let profiles = Profiles::of(&ctx);
    let profile = profiles.own(ctx.user()).await?;
    ctx.expect_version(profile.head.version)?;
    let changed = change::decide(&profile, request, ctx.now());
    let saved = changed.saved();
    let reply = Reply::new(view::own(&saved)).versioned(saved.head.version);
    let reply = ctx.commit(profiles.save(changed), reply).await?;
    profiles.remember(&saved).await;
    Ok(reply)
}
