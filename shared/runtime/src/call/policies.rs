//! Which limits count whom: the policies of each rate class, by network and by kind of principal.

use interface::Rate;
use kernel::{Error, TenantId};
use store::Scope;

use super::caller::PrincipalKind;
use crate::ports::digest::hex_sha256;
use crate::ports::process::Ports;
use crate::ports::rate::{Policy, RateState};

const fn open(name: &'static str, limit: u32, window_s: u32) -> Policy {
    let lease = if limit / 20 > 50 { 50 } else { limit / 20 };
    Policy {
        name,
        limit,
        window_s,
        lease: if lease == 0 { 1 } else { lease },
        closed_on_fault: false,
    }
}

const fn closed(name: &'static str, limit: u32, window_s: u32) -> Policy {
    Policy { name, limit, window_s, lease: 1, closed_on_fault: true }
}

const CREDENTIAL: [Policy; 2] =
    [closed("credential", 30, 60), closed("credential-hour", 300, 3_600)];
const EXPENSIVE: [Policy; 1] = [closed("expensive", 20, 3_600)];
const PUBLIC_DOCUMENT: [Policy; 1] = [open("public-doc", 300, 60)];
const NETWORK_TOKEN: [Policy; 1] = [closed("token", 120, 60)];
const NETWORK_WRITE: [Policy; 1] = [open("write", 30, 60)];
const NETWORK_READ: [Policy; 1] = [open("read", 120, 60)];
const PRINCIPAL_TOKEN: [Policy; 1] = [closed("token", 30, 60)];
const USER_WRITE: [Policy; 1] = [open("write", 120, 60)];
const USER_READ: [Policy; 1] = [open("read", 600, 60)];
const KEY_WRITE: [Policy; 1] = [open("write", 600, 60)];
const KEY_READ: [Policy; 1] = [open("read", 3_000, 60)];
const PUBLISHABLE_WRITE: [Policy; 1] = [open("write", 60, 60)];

/// The policies that count a network.
pub const fn of_network(class: Rate) -> &'static [Policy] {
    match class {
        Rate::Credential => &CREDENTIAL,
        Rate::Token => &NETWORK_TOKEN,
        Rate::Expensive => &EXPENSIVE,
        Rate::Write => &NETWORK_WRITE,
        Rate::Read => &NETWORK_READ,
        Rate::PublicDocument => &PUBLIC_DOCUMENT,
        Rate::Unlimited => &[],
    }
}

/// The policies that count a principal.
pub const fn of_principal(class: Rate, kind: PrincipalKind) -> &'static [Policy] {
    match (class, kind) {
        (Rate::Expensive, _) => &EXPENSIVE,
        (Rate::Write, PrincipalKind::User) => &USER_WRITE,
        (Rate::Write, PrincipalKind::Publishable) => &PUBLISHABLE_WRITE,
        (Rate::Write, _) => &KEY_WRITE,
        (Rate::Read, PrincipalKind::User) => &USER_READ,
        (Rate::Read, PrincipalKind::Publishable) => &NETWORK_READ,
        (Rate::Read, _) => &KEY_READ,
        (Rate::Token, _) => &PRINCIPAL_TOKEN,
        (Rate::Credential | Rate::PublicDocument | Rate::Unlimited, _) => &[],
    }
}

/// The policy that counts a whole tenant on the plan `free`.
pub const TENANT: Policy = open("tenant", 3_000, 60);

/// Counts a call of nobody in particular on its network.
pub(crate) async fn count_network(
    ports: &Ports,
    class: Rate,
    network: &str,
) -> Result<Vec<RateState>, Error> {
    let subject = hex_sha256(&[network.as_bytes()]);
    let scope = Scope::directory();
    let mut states = Vec::new();
    for policy in of_network(class) {
        let now = ports.clock.now();
        states.push(ports.limiter.count(&ports.store, now, &scope, policy, &subject).await?);
    }
    Ok(states)
}

/// Counts a call of a principal, and of its tenant: the authorizer's part.
pub async fn count_principal(
    ports: &Ports,
    class: Rate,
    tenant: TenantId,
    kind: PrincipalKind,
    subject: &str,
) -> Result<Vec<RateState>, Error> {
    let policies = of_principal(class, kind);
    if policies.is_empty() {
        return Ok(Vec::new());
    }
    let scope = Scope::tenant(tenant);
    let whole = tenant.to_string();
    let all = policies.iter().map(|policy| (policy, subject)).chain([(&TENANT, whole.as_str())]);
    let mut states = Vec::new();
    for (policy, subject) in all {
        let now = ports.clock.now();
        states.push(ports.limiter.count(&ports.store, now, &scope, policy, subject).await?);
    }
    Ok(states)
}
