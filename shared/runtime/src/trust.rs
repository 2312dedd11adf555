//! The certificate authorities AWS endpoints chain to (<https://www.amazontrust.com/repository/>).
//! Built in: reading a system's whole store costs more than everything else at a cold start.

use aws_smithy_http_client::tls::{TlsContext, TrustStore};

const ROOTS: [&[u8]; 5] = [
    include_bytes!("trust/amazon-root-ca-1.pem"),
    include_bytes!("trust/amazon-root-ca-2.pem"),
    include_bytes!("trust/amazon-root-ca-3.pem"),
    include_bytes!("trust/amazon-root-ca-4.pem"),
    include_bytes!("trust/starfield-services-root-g2.pem"),
];

/// A TLS context that trusts these roots and no others.
pub(crate) fn context() -> Result<TlsContext, aws_smithy_http_client::HttpClientError> {
    let empty = TrustStore::empty().with_native_roots(false);
    let store = ROOTS.iter().fold(empty, |store, pem| store.with_pem_certificate(*pem));
    TlsContext::builder().with_trust_store(store).build()
}
