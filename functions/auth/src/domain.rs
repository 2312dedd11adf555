//! The decisions of the module: plain functions over plain values. No clock, no I/O; the one source
//! of randomness is key generation, which the cryptographic library keeps to itself.

pub mod access_token;
pub mod account;
pub mod address;
pub mod algorithm;
mod common_passwords;
pub mod discovery;
pub mod failures;
pub mod jwk;
pub mod jws;
pub mod key_rotation;
pub mod key_set;
pub mod link;
pub mod login;
pub mod password;
pub mod password_hash;
pub mod pepper;
pub mod registration;
pub mod rotation;
pub mod sealed;
pub mod session;
pub mod signing_key;
pub mod standing;
mod strict_json;
