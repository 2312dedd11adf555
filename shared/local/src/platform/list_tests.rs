//! Lists: pages one after the other are the whole list, and a cursor works where it was made.

use interface::{Endpoint, Granted};
use kernel::{Error, List, Page, TenantId, UserId};
use runtime::module::{every, serve};
use runtime::page::CURSOR_SEAL;
use runtime::{Ctx, Group, Principal, Reply, System};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Change, Key, Query, Scope, Stored, Table, Token};

use super::*;
use crate::harness::{Caller, Harness};
use crate::seed::{DEMO_TENANT, PLATFORM_TENANT};

const BOOKS: Table = Table::new("books");
/// Books of one shelf, at most: their sort keys have three digits.
const BOOKS_MAX: u64 = 999;
const ADA: (TenantId, u8) = (DEMO_TENANT, 1);

static SHELF: Granted<List<Shelf>, Page<u64>> =
    Endpoint::list("library.shelf", "/v1/shelf").any_principal();
static CELLAR: Granted<List<Shelf>, Page<u64>> =
    Endpoint::list("library.cellar", "/v1/cellar").any_principal();

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Shelf {
    #[serde(default)]
    colour: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Book {
    #[serde(flatten)]
    key: Key,
    number: u64,
}

impl Stored for Book {
    const TABLE: Table = BOOKS;

    fn key(&self) -> Key {
        self.key.clone()
    }
}

fn library() -> Module {
    let rows = [
        serve(&SHELF, shelf).reads([BOOKS]),
        serve(&CELLAR, shelf).reads([BOOKS]),
        every("library.keep_seal", "rate(1 day)", keep_seal).keeps([CURSOR_SEAL]),
    ];
    Module::new("library", Group::Identity, "A test.", rows).owns([BOOKS])
}

/// The books of the tenant, newest first.
async fn shelf(ctx: Ctx<Principal>, list: List<Shelf>) -> Result<Reply<Page<u64>>, Error> {
    let query = Query::table(BOOKS, ctx.scope().partition("BOOKS", "-")).descending();
    let page: Page<Book> = ctx.page(query, &list).await?;
    Ok(Reply::new(page.map(|book| book.number)))
}

async fn keep_seal(ctx: Ctx<System>) -> Result<(), Error> {
    ctx.secrets().create(CURSOR_SEAL, &SealKeys::first([7; 32])).await.map(|_| ())
}

struct Library {
    harness: Harness,
}

impl Library {
    async fn with_books(books: u64) -> Self {
        let library = Self { harness: Harness::of(vec![library()]).await };
        library.arrive(1..=books).await;
        library
    }

    /// These books arrive, at the head of the list.
    async fn arrive(&self, numbers: std::ops::RangeInclusive<u64>) {
        for number in numbers {
            assert!(number <= BOOKS_MAX, "the sort key has three digits");
            let pk = Scope::tenant(DEMO_TENANT).partition("BOOKS", "-");
            let mut change = Change::new();
            change.create(&Book { key: Key::new(pk, format!("{number:03}")), number });
            let token = Token::of(&number.to_be_bytes(), 0);
            self.harness.ports().store.commit(change, &token).await.unwrap();
        }
    }

    async fn asks(&self, (tenant, person): (TenantId, u8), path: &str) -> (u16, Value) {
        let person = Caller::person(UserId::from_bytes([person; 16])).of(tenant);
        let answer = self.harness.get(path).by(&person).send().await;
        (answer.status, answer.json)
    }
}

fn numbers(page: &Value) -> Vec<u64> {
    page["data"].as_array().unwrap().iter().map(|one| one.as_u64().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn pages_one_after_the_other_are_the_list_as_it_was_while_more_arrive() {
    for (books, limit, arriving) in [
        (0, 1, 1),
        (1, 1, 1),
        (7, 2, 0),
        (7, 2, 1),
        (7, 3, 5),
        (25, 25, 3),
        (26, 25, 3),
        (101, 100, 2),
    ] {
        let library = Library::with_books(books).await;
        let (mut seen, mut next, mut head) = (Vec::new(), String::new(), books);
        loop {
            let path = format!("/v1/shelf?limit={limit}{next}");
            let (status, page) = library.asks(ADA, &path).await;
            assert_eq!(status, 200, "{page}");
            assert!(numbers(&page).len() <= limit, "{page}");
            seen.extend(numbers(&page));
            library.arrive(head + 1..=head + arriving).await;
            head += arriving;
            match page["next_cursor"].as_str() {
                Some(cursor) => next = format!("&cursor={cursor}"),
                None => {
                    assert_eq!(page["has_more"], false);
                    break;
                }
            }
        }
        let whole: Vec<u64> = (1..=books).rev().collect();
        assert_eq!(seen, whole, "{books} books, {limit} a page, {arriving} arriving");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_is_wrong_foreign_truncated_or_stale_is_refused() {
    let library = Library::with_books(3).await;
    let first = library.asks(ADA, "/v1/shelf?limit=1&colour=red").await.1;
    let cursor = first["next_cursor"].as_str().unwrap();
    let goes_on = |path: &str| format!("{path}&cursor={cursor}");
    let refused = [
        (ADA, "/v1/shelf?colour=red&cursor=nonsense".to_owned()),
        (ADA, "/v1/shelf?colour=red&cursor=".to_owned()),
        (ADA, format!("/v1/shelf?colour=red&cursor={}", &cursor[..cursor.len() - 1])),
        (ADA, format!("/v1/shelf?colour=red&cursor={cursor}AAAA")),
        (ADA, goes_on("/v1/shelf?colour=blue")),
        (ADA, goes_on("/v1/shelf?limit=1")),
        (ADA, goes_on("/v1/cellar?colour=red")),
        ((DEMO_TENANT, 2), goes_on("/v1/shelf?colour=red")),
        ((PLATFORM_TENANT, 1), goes_on("/v1/shelf?colour=red")),
    ];
    let (status, page) = library.asks(ADA, &goes_on("/v1/shelf?colour=red&limit=2")).await;
    assert_eq!((status, numbers(&page)), (200, vec![2, 1]), "another limit is no other list");
    for (who, path) in refused {
        let (status, problem) = library.asks(who, &path).await;
        let told = (status, &problem["error"]["code"], &problem["error"]["param"]);
        assert_eq!(told, (400, &json!("cursor_invalid"), &json!("cursor")), "{path}");
    }
    let secrets = &library.harness.ports().secrets;
    secrets.replace(CURSOR_SEAL, &SealKeys::first([8; 32])).await.unwrap();
    let (status, problem) = library.asks(ADA, &goes_on("/v1/shelf?colour=red")).await;
    assert_eq!((status, &problem["error"]["code"]), (400, &json!("cursor_invalid")), "stale");
}

#[tokio::test(start_paused = true)]
async fn a_page_holds_one_to_a_hundred_items() {
    let library = Library::with_books(30).await;
    for (limit, items) in [("", 25), ("?limit=1", 1), ("?limit=100", 30)] {
        let (status, page) = library.asks(ADA, &format!("/v1/shelf{limit}")).await;
        assert_eq!((status, numbers(&page).len()), (200, items), "{limit}");
    }
    for (limit, status) in [("0", 422), ("101", 422), ("-1", 400), ("many", 400)] {
        let (told, problem) = library.asks(ADA, &format!("/v1/shelf?limit={limit}")).await;
        assert_eq!((told, &problem["error"]["param"]), (status, &json!("limit")), "{limit}");
    }
}
