//! Which credential a request carries: at most one, in one header, in a form that can be one.

use runtime::authorizer::{Inquiry, Standing};

use super::Refusal;

/// The access token of the request, or why there is none to verify. Nothing is read and no
/// cryptography is done.
pub(super) fn bearer(inquiry: &Inquiry) -> Result<&str, Refusal> {
    let invalid = |why| Refusal::new(Standing::Invalid, why);
    let header = match (inquiry.authorization.as_slice(), inquiry.api_key.as_slice()) {
        ([], []) => return Err(Refusal::new(Standing::None, "no_credential")),
        ([header], []) => header,
        ([], [_]) => return Err(invalid("api_key_unknown")),
        _ => return Err(Refusal::new(Standing::Multiple, "multiple_credentials")),
    };
    let (scheme, token) = header.split_once(' ').ok_or(invalid("scheme"))?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(invalid("scheme"));
    }
    if !is_token68(token) {
        return Err(invalid("syntax"));
    }
    if ["sk_", "rk_", "pk_"].iter().any(|prefix| token.starts_with(prefix)) {
        return Err(invalid("api_key_unknown"));
    }
    Ok(token)
}

/// `b64token` of RFC 6750 section 2.1.
fn is_token68(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !body.is_empty() && body.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Headers = &'static [&'static str];
    type Found = Result<&'static str, (Standing, &'static str)>;

    fn inquiry(authorization: &[&str], api_key: &[&str]) -> Inquiry {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Inquiry {
            authorization: owned(authorization),
            api_key: owned(api_key),
            source_ip: String::new(),
            route_key: String::new(),
        }
    }

    #[test]
    fn at_most_one_credential_in_one_form_is_looked_at() {
        use Standing::{Invalid, Multiple, None};
        let table: [(Headers, Headers, Found); 13] = [
            (&[], &[], Err((None, "no_credential"))),
            (&["Bearer a.b.c"], &[], Ok("a.b.c")),
            (&["bEARER a.b.c="], &[], Ok("a.b.c=")),
            (&["Bearer a", "Bearer b"], &[], Err((Multiple, "multiple_credentials"))),
            (&["Bearer a"], &["b"], Err((Multiple, "multiple_credentials"))),
            (&[], &["a", "b"], Err((Multiple, "multiple_credentials"))),
            (&[], &["sk_live_x"], Err((Invalid, "api_key_unknown"))),
            (&["Bearer sk_live_x"], &[], Err((Invalid, "api_key_unknown"))),
            (&[""], &[], Err((Invalid, "scheme"))),
            (&["Basic YTpi"], &[], Err((Invalid, "scheme"))),
            (&["Bearer "], &[], Err((Invalid, "syntax"))),
            (&["Bearer  a"], &[], Err((Invalid, "syntax"))),
            (&["Bearer a=b"], &[], Err((Invalid, "syntax"))),
        ];
        for (authorization, api_key, expected) in table {
            let inquiry = inquiry(authorization, api_key);
            let found = bearer(&inquiry).map_err(|refusal| (refusal.standing, refusal.why));
            assert_eq!(found, expected, "{authorization:?} {api_key:?}");
        }
    }
}
