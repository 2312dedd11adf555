//! The archive of published events in object storage: the only place that links its SDK.

use std::io::Write;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use flate2::Compression;
use flate2::write::GzEncoder;
use kernel::Error;
use kernel::problem::DEPENDENCY_UNAVAILABLE;
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

/// The largest file that is read, in bytes: a batch of the stream is 6 MB before it is compressed.
const FILE_MAX_BYTES: i64 = 16 * 1024 * 1024;

/// A page of names, sorted.
#[derive(Clone, Debug, Default)]
pub struct Names {
    pub names: Vec<String>,
    /// Whether the day has names after these.
    pub more: bool,
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
        let client = ctx.client(&config.s3_endpoint, |sdk| {
            // An endpoint of our own has one host name for all buckets.
            let path_style = sdk.endpoint_url().is_some();
            Client::from_conf(Builder::from(sdk).force_path_style(path_style).build())
        });
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

impl Archive {
    /// The next names of a day's files, after one of them, at most so many. A page may be shorter and
    /// not be the last (Amazon S3 API reference, "ListObjectsV2", `max-keys`).
    pub async fn names(&self, day: &str, after: Option<&str>, most: usize) -> Result<Names, Error> {
        let list = self.client.list_objects_v2().bucket(&self.bucket);
        let list = list.prefix(format!("archive/dt={day}/")).set_start_after(after.map(Into::into));
        let list = list.max_keys(i32::try_from(most).unwrap_or(i32::MAX));
        let page = list.send().await.map_err(|fault| unanswered("list", fault.code()))?;
        let names = page.contents().iter().filter_map(|object| object.key().map(str::to_owned));
        Ok(Names { names: names.collect(), more: page.is_truncated().unwrap_or_default() })
    }

    /// The bytes of a file; the reason where it can never be read.
    pub async fn get(&self, name: &str) -> Result<Result<Vec<u8>, &'static str>, Error> {
        let get = self.client.get_object().bucket(&self.bucket).key(name);
        let object = match get.send().await {
            Ok(object) => object,
            Err(fault) => {
                return match fault.code() {
                    Some("NoSuchKey") => Ok(Err("it is gone")),
                    Some("InvalidObjectState") => Ok(Err("its storage class cannot be read")),
                    code => Err(unanswered("get", code)),
                };
            }
        };
        if object.content_length().is_some_and(|length| length > FILE_MAX_BYTES) {
            return Ok(Err("it is too large"));
        }
        match object.body.collect().await {
            Ok(bytes) => Ok(Ok(bytes.to_vec())),
            Err(_) => Err(unanswered("get", None)),
        }
    }
}

/// Object storage did not do it this time: the job comes again.
fn unanswered(what: &str, code: Option<&str>) -> Error {
    let why = code.unwrap_or("no answer");
    DEPENDENCY_UNAVAILABLE.because(format!("the archive cannot be read: {what}: {why}"))
}

/// The same bytes for the same lines: the header carries no time (RFC 1952, section 2.3.1, MTIME).
fn compressed(lines: &str) -> Result<Vec<u8>, std::io::Error> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(lines.as_bytes())?;
    encoder.finish()
}
