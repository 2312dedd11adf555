use http::Request;
use serde_json::{Value, json};

use super::route::{Matched, Routes};
use super::*;

/// A request on one protected route with a variable, as an event.
fn event_of(request: Request<&str>) -> Value {
    event_of_bytes(request.map(str::as_bytes))
}

fn event_of_bytes(request: Request<&[u8]>) -> Value {
    let (parts, body) = request.into_parts();
    let routes = Routes::of(&[crate::echo::module()]);
    let matched = routes.find(parts.method.as_str(), parts.uri.path()).unwrap();
    event(&parts, body, &matched, &arrival())
}

fn arrival() -> Arrival {
    Arrival {
        api_id: API_ID,
        request_id: "r-1".to_owned(),
        source_ip: "203.0.113.7".to_owned(),
        at_ms: 1_583_348_638_390,
    }
}

fn get(path: &str) -> Request<&'static str> {
    Request::get(path).header("host", "api.example:8080").body("").unwrap()
}

#[test]
fn a_whole_event_has_the_shape_of_the_developer_guide() {
    let request = Request::post("/v1/echo/o%20ne?a=1&a=2&b=x%20y+z&flag")
        .header("Host", "api.example:8080")
        .header("Content-Type", "application/json; charset=utf-8")
        .header("X-Many", "1")
        .header("x-many", "2")
        .header("Cookie", "a=b; c=d")
        .header("cookie", "e=f")
        .header("User-Agent", "test/1")
        .body(r#"{"ü":1}"#)
        .unwrap();
    let expected = json!({
        "version": "2.0",
        "routeKey": "POST /v1/echo/{word}",
        "rawPath": "/v1/echo/o ne",
        "rawQueryString": "a=1&a=2&b=x%20y+z&flag",
        "cookies": ["a=b", "c=d", "e=f"],
        "headers": {
            "host": "api.example:8080",
            "content-type": "application/json; charset=utf-8",
            "x-many": "1,2",
            "user-agent": "test/1",
            "x-forwarded-for": "203.0.113.7",
            "x-forwarded-proto": "http",
        },
        "queryStringParameters": { "a": "1,2", "b": "x y z", "flag": "" },
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": "api.example",
            "domainPrefix": "api",
            "http": {
                "method": "POST",
                "path": "/v1/echo/o ne",
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "test/1",
            },
            "requestId": "r-1",
            "routeKey": "POST /v1/echo/{word}",
            "stage": "$default",
            "time": "04/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1_583_348_638_390_i64,
        },
        "pathParameters": { "word": "o ne" },
        "body": r#"{"ü":1}"#,
        "isBase64Encoded": false,
    });
    assert_eq!(event_of(request), expected);
}

#[test]
fn members_without_content_are_left_out() {
    let event = event_of(get("/nowhere"));
    let names: Vec<&str> = event.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "version",
        "routeKey",
        "rawPath",
        "rawQueryString",
        "headers",
        "requestContext",
        "isBase64Encoded",
    ];
    assert_eq!(names, expected);
    assert_eq!(event["routeKey"], "$default");
}

#[test]
fn paths_and_queries_are_decoded_where_aws_decodes_them() {
    // (target, rawPath, rawQueryString, query parameters, the variable)
    let rows = [
        ("/v1/echo/%C3%BC", "/v1/echo/ü", "", json!(null), json!("ü")),
        ("/v1/echo/a%2Fb", "/v1/echo/a/b", "", json!(null), json!("a/b")),
        ("/v1/echo/a%3Fb", "/v1/echo/a", "", json!(null), json!("a?b")),
        ("/v1/echo/a%3Fb?c=d", "/v1/echo/a", "c=d", json!({ "c": "d" }), json!("a?b")),
        ("/v1/echo/%zz", "/v1/echo/%zz", "", json!(null), json!("%zz")),
        ("/v1/echo/x?q=%zz", "/v1/echo/x", "q=%zz", json!({ "q": "%zz" }), json!("x")),
        ("/v1/echo/x?q=%E2%82%AC", "/v1/echo/x", "q=%E2%82%AC", json!({ "q": "€" }), json!("x")),
        (
            "/v1/echo/x?q=a%2Cb&q=c",
            "/v1/echo/x",
            "q=a%2Cb&q=c",
            json!({ "q": "a,b,c" }),
            json!("x"),
        ),
        ("/v1/echo/x?q=a=b", "/v1/echo/x", "q=a=b", json!({ "q": "a=b" }), json!("x")),
        ("/v1/echo/x?&&", "/v1/echo/x", "&&", json!(null), json!("x")),
    ];
    for (target, path, query, parameters, variable) in rows {
        let event = event_of(Request::post(target).body("").unwrap());
        assert_eq!(event["rawPath"], path, "{target}");
        assert_eq!(event["rawQueryString"], query, "{target}");
        assert_eq!(event["queryStringParameters"], parameters, "{target}");
        assert_eq!(event["pathParameters"]["word"], variable, "{target}");
    }
}

#[test]
fn bodies_that_are_no_text_travel_as_base64() {
    // (media type, body, in the event, base64)
    let rows: [(Option<&str>, &[u8], Value, bool); 8] = [
        (Some("application/json"), b"{}", json!("{}"), false),
        (Some("application/problem+json"), b"{}", json!("{}"), false),
        (Some("text/plain"), "é".as_bytes(), json!("é"), false),
        (Some("text/plain"), b"\xff\xfe", json!("//4="), true),
        (Some("application/json"), b"\xff", json!("/w=="), true),
        (Some("application/octet-stream"), b"hi", json!("aGk="), true),
        (Some("application/x-www-form-urlencoded"), b"a=b", json!("YT1i"), true),
        (None, b"hi", json!("hi"), false),
    ];
    for (media, body, expected, encoded) in rows {
        let request = Request::post("/v1/echo/x");
        let request = media.map_or(request, |_| Request::post("/v1/echo/x"));
        let mut request = request.body(body).unwrap();
        if let Some(media) = media {
            request.headers_mut().insert("content-type", media.parse().unwrap());
        }
        let event = event_of_bytes(request);
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&expected, &json!(encoded)));
    }
}

#[test]
fn the_authorizer_is_asked_about_the_request_without_its_body() {
    let request = Request::post("/v1/echo/x?a=1").header("authorization", "Bearer t");
    let inquiry = inquiry(&event_of(request.body("secret").unwrap()));
    let arn = "arn:aws:execute-api:us-east-1:000000000000:local/$default/POST/v1/echo/x";
    assert_eq!(inquiry["version"], "2.0");
    assert_eq!(inquiry["type"], "REQUEST");
    assert_eq!(inquiry["routeArn"], arn);
    assert_eq!(inquiry["headers"]["authorization"], "Bearer t");
    assert_eq!(inquiry["requestContext"]["http"]["method"], "POST");
    assert!(!inquiry.to_string().contains("secret"));
    assert_eq!(inquiry.get("identitySource"), None);
}

#[test]
fn the_route_key_names_the_declared_path_never_the_sent_one() {
    let routes = Routes::of(&[crate::echo::module()]);
    let Matched { route, .. } = routes.find("POST", "/v1/echo/x").unwrap();
    assert_eq!((route.key.as_str(), route.authorized), ("POST /v1/echo/{word}", true));
}
