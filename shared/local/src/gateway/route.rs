//! Which route answers a request (API Gateway Developer Guide, "Develop HTTP APIs", "Create routes
//! for HTTP APIs in API Gateway").
//!
//! A full match of route and method comes first, then a greedy path variable, then `$default`; between
//! full matches, words win over parameters from the left.

use std::collections::HashMap;

use interface::{Method, Spec};
use percent_encoding::percent_decode_str;
use runtime::{Module, Trigger};

/// The route key that answers where nothing else fits.
pub const DEFAULT: &str = "$default";

/// The routes of all APIs.
#[derive(Debug, Default)]
pub struct Routes {
    /// Routes without a greedy variable by number of segments, the most specific first.
    exact: HashMap<usize, Vec<Route>>,
    /// Routes with a greedy variable, the longest first.
    greedy: Vec<Route>,
    default: Option<Route>,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Function id.
    pub function: &'static str,
    /// `METHOD /path`, or `$default`.
    pub key: String,
    /// Whether the authorizer is asked first.
    pub authorized: bool,
    method: Method,
    segments: Vec<Segment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Word(&'static str),
    Parameter(&'static str),
    Greedy(&'static str),
}

/// The route of a request and what its path variables hold, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched<'a> {
    /// The route.
    pub route: &'a Route,
    /// (name, value) in the order of the path.
    pub parameters: Vec<(&'static str, String)>,
}

impl Routes {
    /// The routes the rows of these modules declare, aliases included.
    pub fn of(modules: &[Module]) -> Self {
        let mut routes = Self::default();
        for row in modules.iter().flat_map(|module| &module.rows) {
            if let Trigger::Http(spec) = &row.trigger {
                for path in [spec.path].iter().chain(spec.aliases) {
                    routes.add(spec, path);
                }
            }
        }
        for alike in routes.exact.values_mut() {
            alike.sort_by(|one, other| one.segments.cmp(&other.segments));
        }
        routes.greedy.sort_by_key(|route| std::cmp::Reverse(route.segments.len()));
        routes
    }

    fn add(&mut self, spec: &Spec, path: &'static str) {
        let key = match path {
            DEFAULT => DEFAULT.to_owned(),
            _ => format!("{} {path}", spec.method.as_str()),
        };
        let segments: Vec<_> = match path {
            DEFAULT => Vec::new(),
            _ => path.split('/').skip(1).map(Segment::parse).collect(),
        };
        let authorized = spec.access.wants_evidence();
        let route = Route { function: spec.id, key, authorized, method: spec.method, segments };
        if path == DEFAULT {
            self.default = Some(route);
        } else if matches!(route.segments.last(), Some(Segment::Greedy(_))) {
            self.greedy.push(route);
        } else {
            self.exact.entry(route.segments.len()).or_default().push(route);
        }
    }

    /// The route of this method and path, as sent; `None` where not even `$default` is there.
    pub fn find(&self, method: &str, path: &str) -> Option<Matched<'_>> {
        let segments: Vec<String> = path.split('/').skip(1).map(decoded).collect();
        let exact = self.exact.get(&segments.len());
        let candidates = exact.into_iter().flatten().chain(&self.greedy);
        let found = candidates
            .filter(|route| route.takes(method))
            .find_map(|route| Some(Matched { parameters: route.parameters(&segments)?, route }));
        found.or_else(|| {
            self.default.as_ref().map(|route| Matched { route, parameters: Vec::new() })
        })
    }

    /// Every route key, sorted.
    pub fn keys(&self) -> Vec<&str> {
        let exact = self.exact.values().flatten();
        let all = exact.chain(&self.greedy).chain(&self.default);
        let mut keys: Vec<_> = all.map(|route| route.key.as_str()).collect();
        keys.sort_unstable();
        keys
    }
}

impl Segment {
    fn parse(text: &'static str) -> Self {
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        match inner.map(|name| (name, name.strip_suffix('+'))) {
            None => Self::Word(text),
            Some((_, Some(name))) => Self::Greedy(name),
            Some((name, None)) => Self::Parameter(name),
        }
    }
}

impl Route {
    fn takes(&self, method: &str) -> bool {
        self.method == Method::Any || self.method.as_str() == method
    }

    /// What the variables hold for this path; `None` where the path does not fit.
    fn parameters(&self, segments: &[String]) -> Option<Vec<(&'static str, String)>> {
        let mut parameters = Vec::new();
        for (at, segment) in self.segments.iter().enumerate() {
            let rest = segments.get(at..).filter(|rest| !rest.is_empty())?;
            let sent = rest.first()?;
            match segment {
                Segment::Word(word) if word == sent => {}
                Segment::Word(_) => return None,
                Segment::Parameter(_) if sent.is_empty() => return None,
                Segment::Parameter(name) => parameters.push((*name, sent.clone())),
                Segment::Greedy(name) => parameters.push((*name, rest.join("/"))),
            }
        }
        Some(parameters)
    }
}

/// Percent-decoded text. A broken escape stays as it is, bytes that are no UTF-8 become U+FFFD.
pub(super) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use interface::{Empty, Endpoint, Nothing, Public};
    use runtime::module::serve;
    use runtime::{Group, Reply};

    use super::*;

    macro_rules! endpoints {
        ($($name:ident = $endpoint:expr;)+) => {
            $(const $name: Public<Nothing, Empty> = $endpoint.public("a test");)+

            fn routes() -> Routes {
                let rows = [$({
                    static DECIDED: Public<Nothing, Empty> = $name;
                    serve(&DECIDED, |_, _: Nothing| async { Ok(Reply::new(Empty {})) })
                }),+];
                Routes::of(&[Module::new("shop", Group::Money, "A test.", rows)])
            }
        };
    }

    endpoints! {
        CURRENT = Endpoint::get("shop.current", "/v1/orders/current").aliases(&["/orders/now"]);
        GET = Endpoint::get("shop.get", "/v1/orders/{order}");
        PATCH = Endpoint::patch("shop.change", "/v1/orders/{order}");
        LINES = Endpoint::get("shop.lines", "/v1/orders/{order}/lines/{line}");
        FIRST = Endpoint::get("shop.first", "/v1/orders/{order}/lines/first");
        FILES = Endpoint::get("shop.files", "/v1/files/{path+}");
        PREFLIGHT = Endpoint::options("shop.preflight", "/{proxy+}");
        FALLBACK = Endpoint::fallback("shop.fallback");
    }

    #[test]
    fn the_most_specific_route_answers() {
        let rows = [
            ("GET", "/v1/orders/current", "shop.current", ""),
            ("GET", "/orders/now", "shop.current", ""),
            ("GET", "/v1/orders/o_1", "shop.get", "order=o_1"),
            ("GET", "/v1/orders/a%2Fb%20c", "shop.get", "order=a/b c"),
            ("GET", "/v1/orders/%C3%BC", "shop.get", "order=ü"),
            ("GET", "/v1/orders/100%", "shop.get", "order=100%"),
            ("GET", "/v1/orders/%zz", "shop.get", "order=%zz"),
            ("GET", "/v1/orders/%ff", "shop.get", "order=\u{fffd}"),
            ("PATCH", "/v1/orders/current", "shop.change", "order=current"),
            ("GET", "/v1/orders/o_1/lines/first", "shop.first", "order=o_1"),
            ("GET", "/v1/orders/o_1/lines/2", "shop.lines", "order=o_1 line=2"),
            ("GET", "/v1/files/a/b/c.txt", "shop.files", "path=a/b/c.txt"),
            ("OPTIONS", "/v1/orders/o_1", "shop.preflight", "proxy=v1/orders/o_1"),
            ("OPTIONS", "/", "shop.preflight", "proxy="),
            ("GET", "/v1/orders/", "shop.fallback", ""),
            ("GET", "/v1/orders", "shop.fallback", ""),
            ("GET", "/v1/files", "shop.fallback", ""),
            ("DELETE", "/v1/orders/o_1", "shop.fallback", ""),
            ("HEAD", "/v1/orders/o_1", "shop.fallback", ""),
            ("GET", "/V1/orders/current", "shop.fallback", ""),
        ];
        let routes = routes();
        for (method, path, function, parameters) in rows {
            let found = routes.find(method, path).unwrap();
            let held: Vec<_> =
                found.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!((found.route.function, held.join(" ").as_str()), (function, parameters));
        }
    }

    #[test]
    fn without_a_default_route_nothing_answers() {
        assert_eq!(Routes::default().find("GET", "/"), None);
    }
}
