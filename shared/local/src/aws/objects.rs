//! S3: objects in buckets, put, read and listed by prefix (Amazon S3 API reference, "PutObject",
//! "GetObject", "ListObjectsV2"). Buckets are named in the path, as SDKs do it where the endpoint
//! is an address; nothing else is offered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use percent_encoding::percent_decode_str;

use super::Extension;
use super::sns::escaped;
use crate::state::{Change, Store, StoreError};

/// Row kind of the state file: an object in Base64, by bucket and key.
const OBJECT: &str = "s3.object";
/// How the scope of a signature for S3 ends (Signature Version 4, "credential scope").
const SCOPE: &str = "/s3/aws4_request";

/// Keys a page of a list has at most (Amazon S3 API reference, "ListObjectsV2", `max-keys`: "By
/// default, the action returns up to 1,000 key names. The response might contain fewer keys but will
/// never contain more").
const PAGE_MAX: usize = 1_000;

type Buckets = BTreeMap<String, BTreeMap<String, Bytes>>;

/// The objects of one cloud. Clones share state.
#[derive(Clone)]
pub struct Objects {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    buckets: Mutex<Buckets>,
}

impl Objects {
    pub(crate) fn open(store: &Store) -> Result<Self, StoreError> {
        let mut buckets = Buckets::new();
        for (bucket, key, body) in store.load::<String>(OBJECT)? {
            let body = STANDARD.decode(body).unwrap_or_default();
            buckets.entry(bucket).or_default().insert(key, Bytes::from(body));
        }
        let inner = Inner { store: store.clone(), buckets: Mutex::new(buckets) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Makes the bucket unless there is one of that name.
    pub fn ensure(&self, bucket: &str) {
        self.buckets().entry(bucket.to_owned()).or_default();
    }

    /// The keys of a bucket that start with `prefix`, sorted; none where there is no such bucket.
    pub fn keys(&self, bucket: &str, prefix: &str) -> Vec<String> {
        let buckets = self.buckets();
        let objects = buckets.get(bucket).into_iter().flatten();
        objects.filter(|(key, _)| key.starts_with(prefix)).map(|(key, _)| key.clone()).collect()
    }

    /// The object of this key, if there is one.
    pub fn get(&self, bucket: &str, key: &str) -> Option<Bytes> {
        self.buckets().get(bucket)?.get(key).cloned()
    }

    fn put(&self, bucket: &str, key: &str, body: &Bytes) -> Response<Bytes> {
        let mut buckets = self.buckets();
        let Some(objects) = buckets.get_mut(bucket) else { return no_bucket(bucket) };
        if self.inner.store.is_kept() {
            let change = Change::put(OBJECT, bucket, key, &STANDARD.encode(body));
            if let Err(error) = self.inner.store.apply(&[change]) {
                return refusal(500, "InternalError", &error.to_string());
            }
        }
        objects.insert(key.to_owned(), body.clone());
        let mut response = Response::new(Bytes::new());
        if let Ok(tag) = HeaderValue::from_str(&format!("\"{:x}\"", md5::compute(body))) {
            response.headers_mut().insert(ETAG, tag);
        }
        response
    }

    fn read(&self, bucket: &str, key: &str) -> Response<Bytes> {
        let buckets = self.buckets();
        match buckets.get(bucket).map(|objects| objects.get(key)) {
            None => no_bucket(bucket),
            Some(None) => refusal(404, "NoSuchKey", &format!("there is no object {key}")),
            Some(Some(body)) => Response::new(body.clone()),
        }
    }

    fn list(&self, bucket: &str, query: &str) -> Response<Bytes> {
        let buckets = self.buckets();
        let Some(objects) = buckets.get(bucket) else { return no_bucket(bucket) };
        let Some(Listing { prefix, after, most }) = &Listing::of(query) else {
            return refusal(400, "InvalidArgument", "this cannot be listed");
        };
        let found = objects.iter().filter(|(key, _)| key.starts_with(prefix) && *key > after);
        let found: Vec<_> = found.take(most + 1).collect();
        let page = found.get(..*most).unwrap_or(&found);
        let next = page.last().filter(|_| found.len() > page.len());
        let next = next.map_or(String::new(), |(key, _)| {
            let token = STANDARD.encode(key);
            format!("<NextContinuationToken>{token}</NextContinuationToken>")
        });
        let contents: Vec<String> = page
            .iter()
            .map(|(key, body)| {
                let (key, size) = (escaped(key), body.len());
                format!("<Contents><Key>{key}</Key><Size>{size}</Size></Contents>")
            })
            .collect();
        let document = format!(
            "<ListBucketResult><Name>{}</Name><Prefix>{}</Prefix><KeyCount>{}</KeyCount>\
             <MaxKeys>{most}</MaxKeys><IsTruncated>{}</IsTruncated>{next}{}</ListBucketResult>",
            escaped(bucket),
            escaped(prefix),
            contents.len(),
            !next.is_empty(),
            contents.concat()
        );
        xml(200, document)
    }

    fn respond(&self, request: &http::Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path().trim_start_matches('/');
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let (bucket, key) = (decoded(bucket), decoded(key));
        match (request.method(), key.is_empty()) {
            (&Method::PUT, false) => self.put(&bucket, &key, request.body()),
            (&Method::GET, false) => self.read(&bucket, &key),
            (&Method::GET, true) => self.list(&bucket, request.uri().query().unwrap_or_default()),
            (method, _) => {
                let message = format!("the local cloud does not offer {method} {path}");
                refusal(501, "NotImplemented", &message)
            }
        }
    }

    fn buckets(&self) -> MutexGuard<'_, Buckets> {
        self.inner.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a list is asked for (Amazon S3 API reference, "ListObjectsV2"): keys with a prefix, after a
/// key, so many.
struct Listing {
    prefix: String,
    /// The key the list starts after: that of `continuation-token`, which is opaque and stands for
    /// the place where the page before ended, or else of `start-after`, "any key in the bucket".
    after: String,
    most: usize,
}

impl Listing {
    /// Nothing where a number or a token is none.
    fn of(query: &str) -> Option<Self> {
        let named = |name: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let mut own = pairs.filter(|(key, _)| *key == name);
            own.next().map(|(_, value)| decoded(value))
        };
        let most = named("max-keys").map_or(Some(PAGE_MAX), |most| most.parse().ok())?;
        let after = match named("continuation-token") {
            Some(token) => String::from_utf8(STANDARD.decode(token).ok()?).ok()?,
            None => named("start-after").unwrap_or_default(),
        };
        let prefix = named("prefix").unwrap_or_default();
        Some(Self { prefix, after, most: most.min(PAGE_MAX) })
    }
}

impl Extension for Objects {
    fn name(&self) -> &'static str {
        "s3"
    }

    fn claims(&self, parts: &Parts) -> bool {
        let signed = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        signed.is_some_and(|signed| signed.contains(SCOPE))
    }

    fn answer(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Response<Bytes>> {
        let response = self.respond(&request);
        Box::pin(std::future::ready(response))
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn no_bucket(bucket: &str) -> Response<Bytes> {
    refusal(404, "NoSuchBucket", &format!("there is no bucket {bucket}"))
}

/// An error (Amazon S3 API reference, "Error responses").
fn refusal(status: u16, code: &str, message: &str) -> Response<Bytes> {
    let message = escaped(message);
    xml(status, format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>"))
}

fn xml(status: u16, document: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(document));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::VirtualClock;
    use crate::testing::{self, Folder};
    use crate::{Cloud, Storage};

    fn ask(objects: &Objects, method: &str, path: &str, body: &'static [u8]) -> (u16, String) {
        let request = http::Request::builder().method(method).uri(path);
        let response = objects.respond(&request.body(Bytes::from_static(body)).unwrap());
        let status = response.status().as_u16();
        (status, String::from_utf8(response.into_body().to_vec()).unwrap())
    }

    #[test]
    fn an_object_is_read_and_listed_under_the_key_it_was_put() {
        let cloud = testing::cloud();
        let objects = cloud.objects();
        objects.ensure("files");
        assert_eq!(ask(objects, "PUT", "/files/a/dt%3D1/b.gz", b"old").0, 200);
        assert_eq!(ask(objects, "PUT", "/files/a/dt%3D1/b.gz?x-id=PutObject", b"new").0, 200);
        assert_eq!(ask(objects, "PUT", "/files/c", b"other").0, 200);
        let got = ask(objects, "GET", "/files/a/dt=1/b.gz?x-id=GetObject", b"");
        assert_eq!(got, (200, "new".to_owned()));
        let (_, list) = ask(objects, "GET", "/files/?list-type=2&prefix=a%2Fdt%3D", b"");
        assert!(list.contains("<Key>a/dt=1/b.gz</Key><Size>3</Size>"), "{list}");
        assert!(list.contains("<KeyCount>1</KeyCount>"), "{list}");
    }

    /// Amazon S3 API reference, "ListObjectsV2": a general purpose bucket returns keys "in
    /// lexicographical order based on their key names"; `start-after` "is where you want Amazon S3 to
    /// start listing from. Amazon S3 starts listing after this specified key"; `IsTruncated` and
    /// `NextContinuationToken` say that there is more, and `continuation-token` asks for it.
    #[test]
    fn a_list_starts_after_a_key_and_has_pages() {
        let cloud = testing::cloud();
        let objects = cloud.objects();
        objects.ensure("files");
        for key in ["b/2", "a", "b/1", "b/3", "c"] {
            assert_eq!(ask(objects, "PUT", &format!("/files/{key}"), b"").0, 200);
        }
        let list = |query: &str| {
            let (status, text) = ask(objects, "GET", &format!("/files?list-type=2&{query}"), b"");
            let parts = |name: &str| -> Vec<String> {
                let tag = format!("<{name}>");
                let parts = text.split(&tag).skip(1);
                parts.map(|part| part.split('<').next().unwrap().to_owned()).collect()
            };
            let more = parts("NextContinuationToken").pop();
            assert_eq!(
                parts("IsTruncated").pop(),
                (status == 200).then(|| more.is_some().to_string())
            );
            (status, parts("Key").join(" "), more)
        };
        let table = [
            ("prefix=b%2F", 200, "b/1 b/2 b/3", false),
            ("prefix=b%2F&start-after=b%2F1", 200, "b/2 b/3", false),
            ("prefix=b%2F&start-after=a", 200, "b/1 b/2 b/3", false),
            ("prefix=b%2F&start-after=b%2F3", 200, "", false),
            ("prefix=b%2F&max-keys=2", 200, "b/1 b/2", true),
            ("prefix=b%2F&max-keys=3", 200, "b/1 b/2 b/3", false),
            ("start-after=b%2F15&max-keys=1", 200, "b/2", true),
            ("max-keys=many", 400, "", false),
            ("continuation-token=%21", 400, "", false),
        ];
        for (query, status, keys, more) in table {
            let answer = list(query);
            assert_eq!(
                (answer.0, answer.1.as_str(), answer.2.is_some()),
                (status, keys, more),
                "{query}"
            );
        }
        let token = list("prefix=b%2F&max-keys=2").2.unwrap();
        let token = token.replace('=', "%3D").replace('+', "%2B").replace('/', "%2F");
        let rest = list(&format!("prefix=b%2F&max-keys=2&continuation-token={token}"));
        assert_eq!((rest.1.as_str(), rest.2), ("b/3", None));
    }

    #[test]
    fn what_is_not_there_is_said_in_the_words_of_s3() {
        let cloud = testing::cloud();
        let objects = cloud.objects();
        objects.ensure("files");
        let table = [
            ("PUT", "/other/a", 404, "NoSuchBucket"),
            ("GET", "/other/a", 404, "NoSuchBucket"),
            ("GET", "/other?list-type=2", 404, "NoSuchBucket"),
            ("GET", "/files/a", 404, "NoSuchKey"),
            ("DELETE", "/files/a", 501, "NotImplemented"),
            ("PUT", "/files", 501, "NotImplemented"),
        ];
        for (method, path, status, code) in table {
            let (answered, text) = ask(objects, method, path, b"");
            assert_eq!(answered, status, "{method} {path}");
            assert!(text.contains(&format!("<Code>{code}</Code>")), "{method} {path}: {text}");
        }
    }

    #[test]
    fn objects_survive_a_restart() {
        let folder = Folder::new("objects");
        let open = || {
            let storage = Storage::Folder(folder.0.clone());
            Cloud::open(storage, VirtualClock::from_system()).unwrap()
        };
        let cloud = open();
        cloud.objects().ensure("files");
        assert_eq!(ask(cloud.objects(), "PUT", "/files/a", b"\x00\x01").0, 200);
        drop(cloud);
        let cloud = open();
        assert_eq!(cloud.objects().get("files", "a").unwrap().as_ref(), b"\x00\x01");
        assert_eq!(cloud.objects().keys("files", ""), ["a"]);
    }
}
