//! Handing planned rows to their channels. Listeners call these when a row is queued, the sweeper
//! when nobody did; the row itself decides who goes on.

pub mod inbox;
pub mod mail;
