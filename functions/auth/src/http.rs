//! The endpoints, one file each.

pub mod email_verify;
pub mod email_verify_resend;
pub mod jwks;
pub mod link_page;
pub mod login;
pub mod logout;
pub mod me;
pub mod oidc_configuration;
pub mod register;
pub mod token_refresh;
