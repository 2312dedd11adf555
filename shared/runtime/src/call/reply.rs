//! What a handler answers. Statuses and headers are the pipeline's business.

/// A success: the body, and what the answer's headers say about it.
#[derive(Debug)]
pub struct Reply<T> {
    pub(crate) body: T,
    pub(crate) tag: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) well: bool,
}

impl<T> Reply<T> {
    /// Answers with this body and the contract's status.
    pub fn new(body: T) -> Self {
        Self { body, tag: None, location: None, headers: Vec::new(), well: true }
    }

    /// Names the version: `ETag: "v<version>"` (RFC 9110 section 8.8.3).
    pub fn versioned(self, version: u64) -> Self {
        self.tagged(&format!("v{version}"))
    }

    /// Names the content by a strong tag; `tag` comes without quotes.
    pub fn tagged(mut self, tag: &str) -> Self {
        self.tag = Some(format!("\"{tag}\""));
        self
    }

    /// Says where the new resource is.
    pub fn located(mut self, path: String) -> Self {
        self.location = Some(path);
        self
    }

    /// Carries one more header; `name` in lower case.
    pub fn with_header(mut self, name: &'static str, text: String) -> Self {
        self.headers.push((name, text));
        self
    }

    /// Answers 503 with this body: the service reports that it is not well.
    pub fn unwell(mut self) -> Self {
        self.well = false;
        self
    }
}

impl Reply<interface::Empty> {
    /// Answers without a body.
    pub fn empty() -> Self {
        Self::new(interface::Empty {})
    }
}
