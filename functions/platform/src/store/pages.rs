//! Cursors of operators' lists. Who may invoke the functions may read every row, so a cursor is
//! only the position itself; one of another list is refused.

use kernel::problem::CURSOR_INVALID;
use kernel::{Error, codec};
use store::{Position, Query};

/// The query from where the cursor says.
pub fn resumed(query: Query, cursor: Option<&str>) -> Result<Query, Error> {
    let Some(cursor) = cursor else { return Ok(query) };
    let bytes = codec::decode(cursor).ok_or_else(no_cursor)?;
    let position = query.position(&bytes).map_err(|_| no_cursor())?;
    Ok(query.after(Some(position)))
}

/// The cursor of a position of the query.
pub fn cursor(query: &Query, position: &Position) -> String {
    codec::encode(&query.encode(position))
}

/// What a cursor that fits nowhere is answered.
pub fn no_cursor() -> Error {
    CURSOR_INVALID.error()
}
