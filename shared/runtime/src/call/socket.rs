//! Frames of the WebSocket API: the kind of entry; the actions come with the module that speaks.

use serde_json::Value;

/// One frame, or the opening or closing of a connection.
#[derive(Clone, Debug)]
pub struct Frame {
    pub connection_id: String,
    /// `$connect`, `$disconnect`, `$default` or an action.
    pub route: String,
    pub body: Option<String>,
    /// Query parameters of `$connect`.
    pub query: Value,
    /// The connection authorizer's context.
    pub context: Value,
}

/// What a frame is answered with: nothing, or a text frame back to the sender.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameReply {
    pub body: Option<String>,
}
