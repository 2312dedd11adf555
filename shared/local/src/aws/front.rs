//! The same services over loopback ports, for other programs: real bootstraps, the `aws` command,
//! any SDK. Signatures are not checked; faults and the tenant guard do not apply; writes ring the
//! same bells.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;
use tokio::net::TcpListener;

use super::{Answer, Request, Services};

/// Largest body accepted: DynamoDB's 16 MB is the largest of the services' limits.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// A router that answers every service, told apart by target, form and extension. One port serves
/// them all; several ports may be served for clarity's sake.
fn router(services: &Services) -> Router {
    Router::new()
        .fallback(answer)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(services.clone())
}

/// Serves the router on a listener that is bound already, until `shutdown` resolves and the
/// requests under way are answered. Refuses any address that is not loopback.
pub(crate) async fn serve(
    services: &Services,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(not_loopback(address));
    }
    axum::serve(listener, router(services)).with_graceful_shutdown(shutdown).await
}

fn not_loopback(address: SocketAddr) -> std::io::Error {
    std::io::Error::other(format!(
        "{address} is not a loopback address; the local cloud checks no signature, so it must not \
         be reachable from elsewhere"
    ))
}

async fn answer(State(services): State<Services>, parts: Parts, body: Bytes) -> Response {
    if let Some(request) = Request::recognise(&parts, &body) {
        return services.answer(&request).await.into_http("local").map(Body::from);
    }
    if let Some(extension) = services.extension(&parts) {
        let request = http::Request::from_parts(parts, body);
        return extension.answer(request).await.map(Body::from);
    }
    let message = "the local cloud does not know this request; it answers DynamoDB, SQS, SNS, \
                   Secrets Manager and S3";
    Answer::error_json(404, "UnknownOperationException", message).into_http("local").map(Body::from)
}

#[cfg(test)]
mod tests {
    use aws_smithy_http_client::Builder;

    use super::*;
    use crate::aws::dynamodb::TableSpec;
    use crate::testing;

    /// A client of another program: real sockets, nothing shared but the port.
    macro_rules! outside {
        ($sdk:ident, $address:expr) => {{
            let config = $sdk::Config::builder()
                .behavior_version($sdk::config::BehaviorVersion::latest())
                .region($sdk::config::Region::new("eu-central-1"))
                .credentials_provider(testing::credentials())
                .endpoint_url(format!("http://{}", $address))
                .http_client(Builder::new().build_http())
                .build();
            $sdk::Client::from_conf(config)
        }};
    }

    #[tokio::test]
    async fn other_programs_use_every_service_on_one_port_and_ring_the_same_bells() {
        let cloud = testing::cloud();
        let spec = TableSpec { stream: true, ..TableSpec::named("talaria-outbox") };
        cloud.tables().ensure(&spec).unwrap();
        cloud.secrets().ensure("a", "1").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let served = tokio::spawn({
            let cloud = cloud.clone();
            async move { serve(cloud.services(), listener, async { drop(stopped.await) }).await }
        });
        let bell = cloud.tables().bell("talaria-outbox");
        let dynamodb = outside!(aws_sdk_dynamodb, address);
        let key = |value: &str| aws_sdk_dynamodb::types::AttributeValue::S(value.to_owned());
        let put = dynamodb.put_item().table_name("talaria-outbox");
        put.item("pk", key("a")).item("sk", key("b")).send().await.unwrap();
        assert!(bell.has_changed().unwrap());
        let sqs = outside!(aws_sdk_sqs, address);
        let made = sqs.create_queue().queue_name("jobs").send().await.unwrap();
        let url = made.queue_url.unwrap();
        assert_eq!(url, format!("http://{address}/000000000000/jobs"));
        let sns = outside!(aws_sdk_sns, address);
        let topic = sns.create_topic().name("events").send().await.unwrap().topic_arn.unwrap();
        let subscribe = sns.subscribe().topic_arn(&topic).protocol("sqs");
        subscribe.endpoint(crate::aws::sqs::queue_arn("jobs")).send().await.unwrap();
        sns.publish().topic_arn(&topic).message("m").send().await.unwrap();
        let got = sqs.receive_message().queue_url(&url).wait_time_seconds(1).send().await.unwrap();
        assert_eq!(got.messages().len(), 1);
        let secrets = outside!(aws_sdk_secretsmanager, address);
        let got = secrets.get_secret_value().secret_id("a").send().await.unwrap();
        assert_eq!(got.secret_string(), Some("1"));
        drop((dynamodb, sqs, sns, secrets));
        stop.send(()).unwrap();
        served.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn an_address_others_can_reach_is_refused() {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let refused = serve(testing::cloud().services(), listener, async {}).await;
        assert!(refused.unwrap_err().to_string().contains("loopback"));
    }
}
