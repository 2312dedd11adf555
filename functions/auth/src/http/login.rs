//! Signs a person in.

use contracts::auth::{Login, Person, SignedIn, SignedInStatus};
use events::auth::{LOGIN_LOCKED, LoginLocked};
use kernel::{Error, UserId};
use runtime::{Anonymous, Commit, Ctx, Reply};

use crate::device::Device;
use crate::domain::failures::Closed;
use crate::domain::login::{self, LoginRefusal, Next, SecondFactorPolicy};
use crate::domain::password::Password;
use crate::hashing;
use crate::mailing::with_decoy;
use crate::sign_in::SignIn;
use crate::store::counters::Place;
use crate::store::{Accounts, AddressRow, Counters};
use crate::tokens::Mint;
use crate::visit::Visit;

/// Takes a place at the counter, looks at the password, opens a session. Everything up to the right
/// password reads, writes and computes the same, whoever it is about.
pub async fn handle(ctx: Ctx<Anonymous>, request: Login) -> Result<Reply<SignedIn>, Error> {
    let cost = hashing::cost(&ctx)?;
    let mint = Mint::load(&ctx).await?;
    let mut visit = Visit::of(&ctx, &request.tenant, &request.email).await?;
    let account = visit.row.as_ref().map(AddressRow::credentials).transpose()?.flatten();
    let device = visit.row.as_ref().and_then(|row| Device::recognised(&ctx, &request, row, &mint));
    let place = reserve(&mut visit, device.as_ref()).await?;

    let hash = login::hash_to_verify(account.as_ref(), cost);
    let matches = hash.verify(&Password::presented(&request.password));
    let matches = matches.map_err(|fault| Error::internal(format!("argon2id: {fault:?}")))?;
    let closed = place.as_ref().map(|_| ()).map_err(|closed| *closed);
    let decision = login::decide(closed, account.as_ref(), matches, SecondFactorPolicy::Optional);
    match (decision, place, &visit.row) {
        (Ok(Next::Session), Ok(place), Some(row)) => {
            let rehash = account.filter(|account| account.hash.is_outdated(cost));
            let rehash = rehash.map(|_| hashing::again(&ctx, &request.password)).transpose()?;
            let owner = ctx.enter(row.tenant, true, Some(row.user.into()));
            let device = device.unwrap_or_else(|| Device::new(&ctx));
            let sign_in = SignIn { ctx: &owner, row, place: &place, device: &device, rehash };
            let session = sign_in.open(&request, &mint).await?;
            Ok(Reply::new(SignedIn {
                status: SignedInStatus::Authenticated,
                tokens: mint.tokens(&ctx, &session, session.created_at)?,
                session_id: session.session,
                device_token: device.token(row, &mint)?,
                user: person(row),
            }))
        }
        // No second factor can be enrolled yet; an account that has one is not let in without.
        (Ok(_), _, _) => Err(Error::internal("a sign-in that asks for more than a password")),
        (Err(refusal), Ok(place), _) => {
            answer_for(&visit, refusal, &place).await?;
            Err(refusal.into())
        }
        (Err(refusal), Err(_), _) => Err(refusal.into()),
    }
}

/// A place at the device's counter where the device is known, at the address's otherwise; a device
/// whose counter is closed is worth nothing.
async fn reserve(
    visit: &mut Visit,
    device: Option<&Device>,
) -> Result<Result<Place, Closed>, Error> {
    let (counters, now) = (Counters::of(&visit.guest), visit.guest.now());
    if let Some(device) = device {
        let place = counters.reserve(&device.id().to_string(), None, now).await?;
        if place.is_ok() {
            return Ok(place);
        }
    }
    counters.reserve(&visit.lookup.digest, visit.counter.take(), now).await
}

/// What a refused answer leaves at the counter: a wrong one may close it, a right one gives its
/// place back.
async fn answer_for(visit: &Visit, refusal: LoginRefusal, place: &Place) -> Result<(), Error> {
    let ctx = &visit.guest;
    if !refusal.counts() {
        return ctx.store().update(place.refund()).await.map(|_| ()).map_err(Error::from);
    }
    let Some((change, until)) = place.close(ctx.now()) else { return Ok(()) };
    // Asked for nobody too, and told of nobody: closing the counter of an unknown address is as
    // much work.
    let user: UserId = visit.row.as_ref().map_or_else(|| ctx.new_id(), |row| row.user);
    let subject = Accounts::of(ctx).subject(user).await?;
    let commit = match subject {
        None => with_decoy(ctx, Commit::of(change)),
        Some(subject) => {
            let closed_for_s = until.since(ctx.now()).as_secs();
            let closed_for_s = u32::try_from(closed_for_s).unwrap_or(u32::MAX);
            let data = LoginLocked { user_id: subject.user, closed_for_s };
            Commit::of(change).revise(&subject, |same| same).announcing(&LOGIN_LOCKED, &data)
        }
    };
    ctx.apply(commit.audited_refusal(user)).await
}

fn person(row: &AddressRow) -> Person {
    Person {
        id: row.user,
        email: row.email.clone(),
        name: row.name.clone(),
        locale: row.locale.clone(),
    }
}
