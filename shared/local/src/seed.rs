//! What a platform starts with: the tenant that runs it, a tenant to play with, and the owner.

use kernel::{AnyId, SystemRole, TenantId};
use runtime::Ports;
use runtime::access::{Assignment, RegistrationPolicy, TenantHead, TenantSlug};
use serde_json::{Value, json};
use store::{Change, NotCommitted, Token};

use crate::lambda::{Functions, typed_call};

/// Slug of the tenant that runs the platform.
pub const PLATFORM_SLUG: &str = "platform";
/// Slug of the tenant to play with: everybody may register.
pub const DEMO_SLUG: &str = "demo";
/// The tenant that runs the platform.
pub const PLATFORM_TENANT: TenantId = TenantId::from_bytes(numbered(1));
/// The tenant to play with.
pub const DEMO_TENANT: TenantId = TenantId::from_bytes(numbered(2));

/// Address of the platform's owner.
pub const OWNER_EMAIL: &str = "owner@platform.example";
/// Password of the platform's owner. No secret: it only exists in local clouds.
pub const OWNER_PASSWORD: &str = "talaria local owner";

/// The typed call that makes accounts, where a module answers it.
const ACCOUNT_CREATE: &str = "auth.account_create";

/// Ids of the seed look like ids and are the same everywhere.
const fn numbered(last: u8) -> [u8; 16] {
    [1, 147, 77, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]
}

/// Writes tenants and owner where they are missing.
pub(crate) async fn plant(ports: &Ports, functions: &Functions) -> Result<(), String> {
    let tenants = [
        (PLATFORM_TENANT, PLATFORM_SLUG, "Platform", RegistrationPolicy::InviteOnly, true),
        (DEMO_TENANT, DEMO_SLUG, "Demo", RegistrationPolicy::Open, false),
    ];
    for (tenant, slug, name, registration, platform) in tenants {
        let head = TenantHead {
            tenant,
            slug: slug.to_owned(),
            name: name.to_owned(),
            status: "active".to_owned(),
            plan: "free".to_owned(),
            registration,
            platform,
        };
        plant_tenant(ports, head).await?;
    }
    match functions.row(ACCOUNT_CREATE) {
        Some(_) => plant_owner(ports, functions).await,
        None => Ok(()),
    }
}

/// Founds a tenant that everybody may register in; the same slug is the same tenant.
pub(crate) async fn found(ports: &Ports, slug: &str) -> Result<TenantId, String> {
    let mut bytes = numbered(0);
    for (to, from) in bytes.iter_mut().skip(4).zip(slug.bytes()) {
        *to = from;
    }
    let tenant = TenantId::from_bytes(bytes);
    let head = TenantHead {
        tenant,
        slug: slug.to_owned(),
        name: slug.to_owned(),
        status: "active".to_owned(),
        plan: "free".to_owned(),
        registration: RegistrationPolicy::Open,
        platform: false,
    };
    plant_tenant(ports, head).await.map(|()| tenant)
}

async fn plant_tenant(ports: &Ports, head: TenantHead) -> Result<(), String> {
    let mut change = Change::new();
    change.create(&head);
    change.create(&TenantSlug { slug: head.slug.clone(), tenant: head.tenant });
    commit(ports, change, &head.slug).await
}

async fn plant_owner(ports: &Ports, functions: &Functions) -> Result<(), String> {
    let owner = json!({
        "email": OWNER_EMAIL,
        "password": OWNER_PASSWORD,
        "name": "Platform Owner",
    });
    let call = typed_call(PLATFORM_TENANT, true, owner);
    let answer = functions.call(ACCOUNT_CREATE, call).await.map_err(|error| error.to_string())?;
    let subject = answer.pointer("/ok/user_id").and_then(Value::as_str);
    let Some(subject) = subject.and_then(|id| id.parse::<AnyId>().ok()) else {
        return Err(format!("{ACCOUNT_CREATE} answered {answer}"));
    };
    let assignment = Assignment {
        tenant: PLATFORM_TENANT,
        subject,
        roles: vec![SystemRole::PlatformAdmin.as_str().to_owned()],
        status: "active".to_owned(),
    };
    let mut change = Change::new();
    change.create(&assignment);
    commit(ports, change, "owner").await
}

/// Commits rows that are only ever created: those that are there already stay as they are.
async fn commit(ports: &Ports, change: Change, what: &str) -> Result<(), String> {
    match ports.store.commit(change, &Token::of(what.as_bytes(), 0)).await {
        Ok(_) | Err(NotCommitted::Refused { .. }) => Ok(()),
        Err(other) => Err(format!("{what}: {other:?}")),
    }
}
