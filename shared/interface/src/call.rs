//! Typed calls between modules: one function asks another, in-process locally, by Lambda invoke on AWS.

use std::marker::PhantomData;

use kernel::Problem;

/// Everything about a typed call but its types.
#[derive(Clone, Copy, Debug)]
pub struct CallSpec {
    /// `module.verb`.
    pub id: &'static str,
    /// What it refuses with: the caller hears it by kind and code.
    pub refuses: &'static [&'static Problem],
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
        Self { spec: CallSpec { id, refuses: &[], docs: "" }, types: PhantomData }
    }

    /// Refuses with these.
    pub const fn refuses(mut self, problems: &'static [&'static Problem]) -> Self {
        self.spec.refuses = problems;
        self
    }

    /// What the call does; the [`calls!`](crate::calls) table fills it in.
    pub const fn documented(mut self, docs: &'static str) -> Self {
        self.spec.docs = docs;
        self
    }
}
