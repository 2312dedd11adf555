//! The endpoints, one file each.

pub mod inbox_head;
pub mod inbox_list;
pub mod inbox_mark;
pub mod inbox_update;
