//! Hashing new passwords: the rule, then Argon2id at the configured cost.

use kernel::{Error, Refusal, Secret};
use runtime::Ctx;

use crate::domain::password::{About, Password, Rule};
use crate::domain::password_hash::{Parameters, PasswordHash};
use crate::settings::{ARGON2_MEMORY, ARGON2_PASSES};

/// The configured cost.
pub fn cost<Who>(ctx: &Ctx<Who>) -> Result<Parameters, Error> {
    Ok(Parameters::new(ctx.setting(&ARGON2_MEMORY)?, ctx.setting(&ARGON2_PASSES)?))
}

/// The stored form, at today's cost, of a password that was right.
pub fn again<Who>(ctx: &Ctx<Who>, password: &Secret<String>) -> Result<String, Error> {
    stored(ctx, &Password::presented(password))
}

/// The stored form of a new password; refused as a fault of `/password` where it breaks the rule.
pub fn chosen<Who>(
    ctx: &Ctx<Who>,
    password: &Secret<String>,
    about: &About<'_>,
) -> Result<String, Error> {
    let password = Rule::new(false, 0, &[])
        .choose(password, about)
        .map_err(|refusal| Error::validation(vec![Refusal::from(refusal).at("/password")]))?;
    stored(ctx, &password)
}

fn stored<Who>(ctx: &Ctx<Who>, password: &Password) -> Result<String, Error> {
    let hash = PasswordHash::compute(password, ctx.random(), cost(ctx)?);
    hash.map(|hash| hash.phc()).map_err(|fault| Error::internal(format!("argon2id: {fault:?}")))
}
