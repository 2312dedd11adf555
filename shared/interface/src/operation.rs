//! Work of an operator: what the command asks of a function through Lambda's `Invoke`. Never routed;
//! who may invoke the function may do it.

use std::marker::PhantomData;

use kernel::{List, Page, Problem};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Everything about an operation but its types.
#[derive(Clone, Copy, Debug)]
pub struct OperationSpec {
    /// `module.verb`.
    pub id: &'static str,
    /// Whether it changes something: then it is a dry run until confirmed, and needs a reason.
    pub changes: bool,
    /// Whether it answers pages of a list, and so opens and seals cursors.
    pub pages: bool,
    /// What it refuses with beside what follows from the rest.
    pub refuses: &'static [&'static Problem],
    pub docs: &'static str,
}

/// An operation with the types of its request and answer.
pub struct Operation<Request, Answer> {
    pub spec: OperationSpec,
    types: PhantomData<fn(Request) -> Answer>,
}

impl<Filters, Item> Operation<List<Filters>, Page<Item>> {
    /// An operation that lists: filters, `limit` and `cursor` in the request, a page in the answer.
    pub const fn list(id: &'static str) -> Self {
        let mut list = Self::new(id);
        list.spec.pages = true;
        list
    }
}

impl<Request, Answer> Operation<Request, Answer> {
    /// An operation that only looks.
    pub const fn new(id: &'static str) -> Self {
        Self {
            spec: OperationSpec { id, changes: false, pages: false, refuses: &[], docs: "" },
            types: PhantomData,
        }
    }

    /// Changes something.
    pub const fn changing(mut self) -> Self {
        self.spec.changes = true;
        self
    }

    /// Refuses with these too.
    pub const fn refuses(mut self, problems: &'static [&'static Problem]) -> Self {
        self.spec.refuses = problems;
        self
    }

    /// What it does; the [`operations!`](crate::operations) table fills it in.
    pub const fn documented(mut self, docs: &'static str) -> Self {
        self.spec.docs = docs;
        self
    }
}

/// The shortest and the longest reason, in characters.
pub const REASON_CHARACTERS: std::ops::RangeInclusive<usize> = 3..=500;

/// What the command sends.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Order {
    /// Who asks, as the command knows it; written into the record of the action.
    pub operator: String,
    /// Why, for whatever changes something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether to do it; otherwise the answer says what would be done.
    #[serde(default)]
    pub confirmed: bool,
    /// Names the order: sent again, it is done once.
    pub key: String,
    pub request: Value,
}

/// What the function answers.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    Done(Value),
    /// The order was not carried out.
    Refused {
        code: String,
        message: String,
    },
}

/// Declares the operations a module serves.
#[macro_export]
macro_rules! operations {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ty = $operation:expr;)+) => {
        $($(#[doc = $doc])+
        pub const $name: $kind = $operation.documented(concat!($($doc, "\n"),+));)+

        /// Every operation of this module, without its types.
        pub const OPERATIONS: &[$crate::operation::OperationSpec] = &[$($name.spec),+];
    };
}
