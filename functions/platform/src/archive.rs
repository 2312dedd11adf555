//! The archive of published events in object storage: the only place that links its SDK.

use std::io::Write;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use flate2::Compression;
use flate2::write::GzEncoder;
use runtime::{Ctx, System};

use crate::domain::chapter::Chapter;

/// Why a file was not written. Writing it again is safe.
#[derive(Debug, thiserror::Error)]
pub enum Unwritten {
    #[error("it cannot be compressed: {0}")]
    Uncompressed(#[from] std::io::Error),
    #[error("object storage refused it: {0}")]
    Refused(String),
    #[error("object storage did not take it and gave no reason")]
    Unexplained,
}

/// The archive of this stage.
pub struct Archive {
    client: Client,
    bucket: String,
}

impl Archive {
    /// The configured archive; `None` where there is none.
    pub fn of(ctx: &Ctx<System>) -> Option<Self> {
        let config = ctx.config();
        if config.archive_bucket.is_empty() {
            return None;
        }
        let sdk = ctx.sdk_config(&config.s3_endpoint);
        // An endpoint of our own has one host name for all buckets.
        let path_style = sdk.endpoint_url().is_some();
        let client = Client::from_conf(Builder::from(&sdk).force_path_style(path_style).build());
        Some(Self { client, bucket: config.archive_bucket.clone() })
    }

    /// Writes the file, over one of the same name.
    pub async fn put(&self, chapter: &Chapter) -> Result<(), Unwritten> {
        let put = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(&chapter.name)
            .content_type("application/gzip")
            .body(ByteStream::from(compressed(&chapter.lines)?));
        match put.send().await {
            Ok(_) => Ok(()),
            Err(fault) => Err(match fault.code() {
                Some(code) => Unwritten::Refused(code.to_owned()),
                None => Unwritten::Unexplained,
            }),
        }
    }
}

/// The same bytes for the same lines: the header carries no time (RFC 1952, section 2.3.1, MTIME).
fn compressed(lines: &str) -> Result<Vec<u8>, std::io::Error> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(lines.as_bytes())?;
    encoder.finish()
}
