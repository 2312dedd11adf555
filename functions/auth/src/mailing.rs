//! Asking for a link to be mailed. Whoever asks, and whatever they asked about, the same is written
//! and announced, so that nobody learns from the work who has an account.

use std::time::Duration;

use events::auth::{LINK_REQUESTED, LinkPurpose, LinkRequested};
use kernel::{LinkId, UserId};
use runtime::{Commit, Ctx, Guest};

use crate::domain::link::Purpose;
use crate::store::Links;
use crate::store::links::NewLink;
use crate::visit::Visit;

/// What is mailed, and for which credentials.
#[derive(Clone, Copy, Debug)]
pub struct Errand {
    pub purpose: LinkPurpose,
    pub user: UserId,
    pub credential_version: u64,
}

impl Errand {
    /// A verification link for these credentials.
    pub fn verify(user: UserId, credential_version: u64) -> Self {
        Self { purpose: LinkPurpose::Verify, user, credential_version }
    }

    /// A link for a person who does not exist: made where there is nothing to mail, and dropped by
    /// the sender.
    pub fn for_nobody(ctx: &Ctx<Guest>) -> Self {
        Self::verify(ctx.new_id(), 1)
    }
}

/// The commit, with a link for the errand and the request to mail it.
pub fn with_link(visit: &Visit, commit: Commit, errand: Errand) -> Commit {
    let ctx = &visit.guest;
    let link: LinkId = ctx.new_id();
    let new = NewLink {
        link,
        purpose: errand.purpose,
        user: errand.user,
        address: visit.lookup.clone(),
        credential_version: errand.credential_version,
        tenant_name: visit.head.name.clone(),
        expires_at: ctx.now().plus(Purpose::Verify.kind().life().unwrap_or(Duration::ZERO)),
    };
    requested(commit.with(Links::of(ctx).create(new)), link, errand)
}

/// The commit, with one more request that leads nowhere: as many events for a known address as for
/// a new one.
pub fn with_decoy(ctx: &Ctx<Guest>, commit: Commit) -> Commit {
    requested(commit, ctx.new_id(), Errand::for_nobody(ctx))
}

fn requested(commit: Commit, link: LinkId, errand: Errand) -> Commit {
    let data = LinkRequested { link_id: link, user_id: errand.user, purpose: errand.purpose };
    commit.announcing_of(link, &LINK_REQUESTED, &data)
}
