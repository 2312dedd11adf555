//! The provider metadata (OpenID Connect Discovery 1.0 §3, RFC 8414 §2): exactly what is built.

use serde_json::{Map, Value, json};

/// An endpoint that clients may be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `/oauth2/authorize`.
    Authorization,
    /// `/oauth2/token`.
    Token,
    /// `/oauth2/userinfo`.
    Userinfo,
    /// `/.well-known/jwks.json`.
    Jwks,
    /// `/oauth2/revoke`.
    Revocation,
    /// `/oauth2/introspect`.
    Introspection,
    /// `/oauth2/logout`.
    EndSession,
}

impl Endpoint {
    /// All endpoints, in the order of the document.
    pub const ALL: [Self; 7] = [
        Self::Authorization,
        Self::Token,
        Self::Userinfo,
        Self::Jwks,
        Self::Revocation,
        Self::Introspection,
        Self::EndSession,
    ];

    /// Member name and path.
    fn row(self) -> (&'static str, &'static str) {
        match self {
            Self::Authorization => ("authorization_endpoint", "/oauth2/authorize"),
            Self::Token => ("token_endpoint", "/oauth2/token"),
            Self::Userinfo => ("userinfo_endpoint", "/oauth2/userinfo"),
            Self::Jwks => ("jwks_uri", "/.well-known/jwks.json"),
            Self::Revocation => ("revocation_endpoint", "/oauth2/revoke"),
            Self::Introspection => ("introspection_endpoint", "/oauth2/introspect"),
            Self::EndSession => ("end_session_endpoint", "/oauth2/logout"),
        }
    }

    /// The members that only mean something with this endpoint.
    fn capabilities(self) -> Value {
        match self {
            Self::Authorization => json!({
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": true,
                "claims_parameter_supported": false,
                "request_parameter_supported": false,
                "request_uri_parameter_supported": false,
                "acr_values_supported": ["aal1", "aal2"],
                "prompt_values_supported": ["none", "login", "consent", "select_account"],
            }),
            Self::Token => json!({
                "grant_types_supported":
                    ["authorization_code", "refresh_token", "client_credentials"],
                "token_endpoint_auth_methods_supported":
                    ["client_secret_basic", "client_secret_post", "none"],
            }),
            Self::Userinfo => json!({
                "claim_types_supported": ["normal"],
                "claims_supported": [
                    "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr",
                    "at_hash", "sid", "name", "given_name", "family_name", "preferred_username",
                    "picture", "locale", "zoneinfo", "updated_at", "email", "email_verified",
                ],
            }),
            Self::Jwks | Self::EndSession => json!({}),
            Self::Revocation => json!({
                "revocation_endpoint_auth_methods_supported":
                    ["client_secret_basic", "client_secret_post", "none"],
            }),
            Self::Introspection => json!({
                "introspection_endpoint_auth_methods_supported":
                    ["client_secret_basic", "client_secret_post"],
            }),
        }
    }
}

/// What this installation offers.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// The configured issuer, without trailing slash.
    pub issuer: &'a str,
    /// The endpoints that exist.
    pub endpoints: &'a [Endpoint],
    /// The scopes that can be asked for.
    pub scopes: &'a [&'a str],
    /// The algorithms ID tokens are signed with.
    pub id_token_algorithms: &'a [&'a str],
}

/// The discovery document. Members without a value are left out, never null or empty.
pub fn document(offer: &Offer<'_>) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("issuer".to_owned(), json!(offer.issuer));
    let built = || Endpoint::ALL.into_iter().filter(|one| offer.endpoints.contains(one));
    for endpoint in built() {
        let (name, path) = endpoint.row();
        members.insert(name.to_owned(), json!(format!("{}{path}", offer.issuer)));
    }
    members.insert("subject_types_supported".to_owned(), json!(["public"]));
    let lists = [
        ("scopes_supported", offer.scopes),
        ("id_token_signing_alg_values_supported", offer.id_token_algorithms),
    ];
    for (name, values) in lists.into_iter().filter(|(_, values)| !values.is_empty()) {
        members.insert(name.to_owned(), json!(values));
    }
    for endpoint in built() {
        if let Value::Object(capabilities) = endpoint.capabilities() {
            members.extend(capabilities);
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://identity.example.com";

    #[test]
    fn without_oauth_endpoints_only_issuer_keys_and_subjects_are_told() {
        let offer = Offer {
            issuer: ISSUER,
            endpoints: &[Endpoint::Jwks],
            scopes: &[],
            id_token_algorithms: &["ES256"],
        };
        assert_eq!(
            json!(document(&offer)),
            json!({
                "issuer": ISSUER,
                "jwks_uri": "https://identity.example.com/.well-known/jwks.json",
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
            })
        );
    }

    #[test]
    fn a_full_document_has_every_member_of_the_contract() {
        let offer = Offer {
            issuer: ISSUER,
            endpoints: &Endpoint::ALL,
            scopes: &["openid", "profile", "email", "offline_access", "api"],
            id_token_algorithms: &["RS256", "ES256"],
        };
        let document = document(&offer);
        let mut found: Vec<&str> = document.keys().map(String::as_str).collect();
        found.sort_unstable();
        let mut expected = vec![
            "issuer",
            "authorization_endpoint",
            "token_endpoint",
            "userinfo_endpoint",
            "jwks_uri",
            "revocation_endpoint",
            "introspection_endpoint",
            "end_session_endpoint",
            "scopes_supported",
            "response_types_supported",
            "response_modes_supported",
            "grant_types_supported",
            "subject_types_supported",
            "id_token_signing_alg_values_supported",
            "token_endpoint_auth_methods_supported",
            "revocation_endpoint_auth_methods_supported",
            "introspection_endpoint_auth_methods_supported",
            "code_challenge_methods_supported",
            "authorization_response_iss_parameter_supported",
            "claims_parameter_supported",
            "request_parameter_supported",
            "request_uri_parameter_supported",
            "claim_types_supported",
            "claims_supported",
            "acr_values_supported",
            "prompt_values_supported",
        ];
        expected.sort_unstable();
        assert_eq!(found, expected);
    }

    #[test]
    fn nothing_is_null_or_empty_whatever_is_built() {
        for present in 0..1 << Endpoint::ALL.len() {
            let endpoints: Vec<Endpoint> = Endpoint::ALL
                .into_iter()
                .enumerate()
                .filter(|(index, _)| present >> index & 1 == 1)
                .map(|(_, endpoint)| endpoint)
                .collect();
            let offer = Offer {
                issuer: ISSUER,
                endpoints: &endpoints,
                scopes: &[],
                id_token_algorithms: &[],
            };
            for (name, value) in &document(&offer) {
                assert!(!value.is_null() && value != &json!([]) && value != "", "{name}");
            }
        }
    }
}
