//! The device somebody signs in on: known by a sealed token it kept from an earlier sign-in.

use contracts::auth::Login;
use kernel::{DeviceId, Error, Secret};
use runtime::{Anonymous, Ctx};

use crate::domain::sealed::{self, Context, Kind, Sealed};
use crate::store::AddressRow;
use crate::tokens::Mint;

/// A device.
#[derive(Clone, Copy, Debug)]
pub struct Device {
    id: DeviceId,
    new: bool,
}

impl Device {
    /// The device of the token the request carries, if it is this person's and young enough.
    pub fn recognised(
        ctx: &Ctx<Anonymous>,
        request: &Login,
        row: &AddressRow,
        mint: &Mint,
    ) -> Option<Self> {
        let token: &Secret<String> = request.device_token.as_ref()?;
        let bound = Context::User(row.user);
        let opened = sealed::open(token.expose(), Kind::Device, bound, &mint.peppers).ok()?;
        let id = DeviceId::from_bytes(opened.sealed.id);
        let age = ctx.now().since(id.created_at());
        let fits = opened.sealed.tenant == row.tenant && age < Kind::Device.life()?;
        fits.then_some(Self { id, new: false })
    }

    /// A device that signs in for the first time.
    pub fn new(ctx: &Ctx<Anonymous>) -> Self {
        Self { id: ctx.new_id(), new: true }
    }

    pub fn id(&self) -> DeviceId {
        self.id
    }

    /// Whether it was not recognised.
    pub fn is_new(&self) -> bool {
        self.new
    }

    /// The token to keep for the next sign-in.
    pub fn token(&self, row: &AddressRow, mint: &Mint) -> Result<String, Error> {
        let sealed =
            Sealed { kind: Kind::Device, tenant: row.tenant, id: self.id.bytes(), counter: 0 };
        let pepper = mint.peppers.newest_first().next();
        let pepper = pepper.ok_or_else(|| Error::internal("a pepper document is never empty"))?;
        let token = sealed::seal(&sealed, Context::User(row.user), pepper);
        let token = token.map_err(|_| Error::internal("a device token could not be sealed"))?;
        Ok(token.expose().clone())
    }
}
