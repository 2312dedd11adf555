//! Typed calls between modules: one function asks another, in-process locally, by Lambda invoke on AWS.

use std::marker::PhantomData;

/// Everything about a typed call but its types.
#[derive(Clone, Copy, Debug)]
pub struct CallSpec {
    /// `module.verb`.
    pub id: &'static str,
    pub docs: &'static str,
}

/// A typed call: who declares it may make it, nobody else.
pub struct Call<Request, Answer> {
    pub spec: CallSpec,
    types: PhantomData<fn(Request) -> Answer>,
}

impl<Request, Answer> Call<Request, Answer> {
    /// A call of the given id.
    pub const fn new(id: &'static str) -> Self {
        Self { spec: CallSpec { id, docs: "" }, types: PhantomData }
    }

    /// What the call does; the [`calls!`](crate::calls) table fills it in.
    pub const fn documented(mut self, docs: &'static str) -> Self {
        self.spec.docs = docs;
        self
    }
}
