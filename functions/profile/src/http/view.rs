use contracts::profile::{PublicProfile, ViewProfile};
use kernel::{Error, Permission};
use runtime::{Ctx, Principal, Reply};

use crate::domain::view;
use crate::store::Profiles;

/// Shows a profile of the caller's tenant: its public members, or all to those who may.
pub async fn handle(
    ctx: Ctx<Principal>,
    request: ViewProfile,
) -> Result<Reply<PublicProfile>, Error> {
    let oldest = request.min_version.unwrap_or(0);
    let profile = Profiles::of(&ctx).find(request.user_id, oldest).await?;
    let profile = profile.ok_or_else(Error::not_found)?;
    let whole = ctx.principal().may(Permission::ProfileProfileRead);
    Ok(Reply::new(view::of_other(&profile, whole)).versioned(profile.head.version))
}
