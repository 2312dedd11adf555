//! The embedded engine behind the SDK's connector, with faults on demand.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, retry::RetryConfig};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use dynoxide::{Database, DynoxideError};
use serde_json::{Value, json};

use super::WALLETS;
use crate::{Names, PLATFORM_TABLES, Projection, SortType, Store, Table};

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing goes wrong.
    None,
    /// It is carried out, and the connection breaks before the answer.
    ReplyLost,
    /// The service fails before doing anything.
    ErrorBefore,
    /// The service refuses it for its load.
    Throttle,
    /// Another transaction is at the first item.
    Conflict,
    /// A batch read answers its first key only.
    OneKeyOnly,
    /// It never answers.
    Hangs,
}

/// One engine in memory. Clones share it.
#[derive(Clone)]
pub struct Engine {
    database: Database,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    faults: VecDeque<Fault>,
    forever: Option<Fault>,
    forgets_tokens: bool,
    calls: usize,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Engine")
    }
}

impl Engine {
    /// An engine with all tables, and a store on it.
    pub fn start() -> (Self, Store) {
        let engine = Self { database: Database::memory().unwrap(), state: Arc::default() };
        let tables = PLATFORM_TABLES.iter().chain([&WALLETS]);
        tables.for_each(|table| engine.create(table));
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "tests"))
            .retry_config(RetryConfig::disabled())
            .sleep_impl(TokioSleep::new())
            .http_client(engine.clone())
            .build();
        let client = aws_sdk_dynamodb::Client::from_conf(config);
        let store = Store::new(client, Names::prefixed("talaria-test-"), Arc::new(|| 7));
        (engine, store)
    }

    /// The faults of the next requests, in order.
    pub fn next<const N: usize>(&self, faults: [Fault; N]) {
        self.state.lock().unwrap().faults.extend(faults);
    }

    /// The fault of every request from now on.
    pub fn always(&self, fault: Fault) {
        self.state.lock().unwrap().forever = Some(fault);
    }

    /// Request tokens are ignored, as after ten minutes.
    pub fn forget_tokens(&self) {
        self.state.lock().unwrap().forgets_tokens = true;
    }

    /// Requests so far.
    pub fn calls(&self) -> usize {
        self.state.lock().unwrap().calls
    }

    fn create(&self, table: &Table) {
        let mut types = std::collections::BTreeMap::from([("pk", "S"), ("sk", "S")]);
        let mut indexes = Vec::new();
        for index in table.all_indexes() {
            types.insert(index.partition(), "S");
            let number = index.sort_type() == SortType::Number;
            types.insert(index.sort(), if number { "N" } else { "S" });
            let projection = match index.projection() {
                Projection::All => json!({"ProjectionType": "ALL"}),
                Projection::Keys => json!({"ProjectionType": "KEYS_ONLY"}),
                Projection::Keep(names) => {
                    json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": names})
                }
            };
            indexes.push(json!({
                "IndexName": index.name(),
                "KeySchema": schema(index.partition(), index.sort()),
                "Projection": projection,
            }));
        }
        let types: Vec<_> = types
            .into_iter()
            .map(|(name, kind)| json!({"AttributeName": name, "AttributeType": kind}))
            .collect();
        let mut body = json!({
            "TableName": format!("talaria-test-{}", table.name()),
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": schema("pk", "sk"),
            "AttributeDefinitions": types,
        });
        if !indexes.is_empty() {
            body["GlobalSecondaryIndexes"] = json!(indexes);
        }
        self.database.create_table(serde_json::from_value(body).unwrap()).unwrap();
    }

    fn fault(&self) -> (Fault, bool) {
        let mut state = self.state.lock().unwrap();
        state.calls += 1;
        let next = state.faults.pop_front().or(state.forever).unwrap_or(Fault::None);
        (next, state.forgets_tokens)
    }

    fn answer(&self, operation: &str, mut body: Value) -> Result<HttpResponse, ConnectorError> {
        let (fault, forgets_tokens) = self.fault();
        if forgets_tokens && let Some(body) = body.as_object_mut() {
            body.remove("ClientRequestToken");
        }
        Ok(match fault {
            Fault::ErrorBefore => error(500, "InternalServerError", json!({})),
            Fault::Throttle => error(400, "ThrottlingException", json!({})),
            Fault::Conflict if operation.starts_with("Transact") => {
                let items = body["TransactItems"].as_array().unwrap().len();
                let mut reasons = vec![json!({"Code": "None"}); items];
                reasons[0] = json!({"Code": "TransactionConflict"});
                error(400, "TransactionCanceledException", json!({"CancellationReasons": reasons}))
            }
            Fault::Conflict => error(400, "TransactionConflictException", json!({})),
            Fault::OneKeyOnly => {
                let mut left = json!({});
                for (table, wanted) in body["RequestItems"].as_object_mut().unwrap() {
                    let keys = wanted["Keys"].as_array_mut().unwrap();
                    let rest = keys.split_off(1);
                    if !rest.is_empty() {
                        left[table] = json!({"Keys": rest});
                    }
                }
                let mut answer = self.run(operation, body).unwrap();
                answer["UnprocessedKeys"] = left;
                response(200, &answer)
            }
            Fault::None | Fault::ReplyLost | Fault::Hangs => {
                let answer = match self.run(operation, body) {
                    Ok(answer) => response(200, &answer),
                    Err(refused) => {
                        let json = serde_json::from_str(&refused.to_json()).unwrap();
                        response(refused.status_code(), &json)
                    }
                };
                if fault == Fault::ReplyLost {
                    let broken = std::io::Error::other("the connection broke");
                    return Err(ConnectorError::io(broken.into()));
                }
                answer
            }
        })
    }

    fn run(&self, operation: &str, body: Value) -> Result<Value, DynoxideError> {
        macro_rules! run {
            ($call:ident) => {{
                let request = serde_json::from_value(body).expect("a readable request");
                serde_json::to_value(self.database.$call(request)?).unwrap()
            }};
        }
        Ok(match operation {
            "GetItem" => run!(get_item),
            "PutItem" => run!(put_item),
            "UpdateItem" => run!(update_item),
            "DeleteItem" => run!(delete_item),
            "Query" => run!(query),
            "BatchGetItem" => run!(batch_get_item),
            "TransactWriteItems" => run!(transact_write_items),
            "TransactGetItems" => run!(transact_get_items),
            other => panic!("the store must not send {other}"),
        })
    }
}

impl HttpClient for Engine {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Engine {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap().to_owned();
        let operation = target.rsplit('.').next().unwrap().to_owned();
        let body = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let engine = self.clone();
        HttpConnectorFuture::new(async move {
            tokio::task::yield_now().await;
            if engine.state.lock().unwrap().forever == Some(Fault::Hangs) {
                std::future::pending::<()>().await;
            }
            engine.answer(&operation, body)
        })
    }
}

fn schema(partition: &str, sort: &str) -> Value {
    json!([
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ])
}

fn error(status: u16, code: &str, mut body: Value) -> HttpResponse {
    body["__type"] = json!(format!("com.amazonaws.dynamodb.v20120810#{code}"));
    body["message"] = json!("injected");
    response(status, &body)
}

fn response(status: u16, body: &Value) -> HttpResponse {
    HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_string()))
}
