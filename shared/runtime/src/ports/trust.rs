//! The certificate authorities AWS endpoints chain to (<https://www.amazontrust.com/repository/>).
//! Built in: reading a system's whole store costs more than everything else at a cold start.

use aws_smithy_http_client::HttpClientError;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

const ROOTS: [&[u8]; 5] = [
    include_bytes!("trust/amazon-root-ca-1.pem"),
    include_bytes!("trust/amazon-root-ca-2.pem"),
    include_bytes!("trust/amazon-root-ca-3.pem"),
    include_bytes!("trust/amazon-root-ca-4.pem"),
    include_bytes!("trust/starfield-services-root-g2.pem"),
];

/// One HTTP client for all SDK clients. Certificates come with the program: reading the system's costs
/// more than everything else at a cold start.
pub(crate) fn https() -> Result<SharedHttpClient, HttpClientError> {
    Ok(aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(context()?)
        .build_https())
}

/// A TLS context that trusts these roots and no others.
fn context() -> Result<TlsContext, HttpClientError> {
    let empty = TrustStore::empty().with_native_roots(false);
    let store = ROOTS.iter().fold(empty, |store, pem| store.with_pem_certificate(*pem));
    TlsContext::builder().with_trust_store(store).build()
}
