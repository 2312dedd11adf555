use contracts::Nothing;
use contracts::profile::Profile;
use kernel::Error;
use runtime::{Ctx, Reply, User};

use crate::domain::view;
use crate::store::Profiles;

/// Answers the caller's own profile; defaults before the first change.
pub async fn handle(ctx: Ctx<User>, _: Nothing) -> Result<Reply<Profile>, Error> {
    let profile = Profiles::of(&ctx).own(ctx.user()).await?;
    Ok(Reply::new(view::own(&profile)).versioned(profile.head.version))
}
