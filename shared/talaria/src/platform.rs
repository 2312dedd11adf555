//! Everything the generators read, gathered once: module tables, contracts and events.

use contracts::{Method, Spec};
use events::catalogue::Entry;
use runtime::module::Listening;
use runtime::{Group, Module, Row, Trigger};
use serde_json::{Map, Value};

/// A contract with the JSON Schemas of what it takes and gives.
pub struct Page {
    pub spec: Spec,
    pub request: Value,
    pub answer: Value,
}

/// The whole platform as declared.
pub struct Platform {
    /// By name.
    pub modules: Vec<Module>,
    /// Every contract, in the order of the modules' tables.
    pub pages: Vec<Page>,
    /// Every typed call that is declared.
    pub calls: Vec<contracts::call::CallSpec>,
    /// Every operation that is declared.
    pub operations: Vec<contracts::operation::OperationSpec>,
    /// Everything a call may be refused with.
    pub problems: Vec<&'static kernel::Problem>,
    /// The schemas the pages refer to.
    pub schemas: Map<String, Value>,
    /// Every event.
    pub events: Vec<Entry>,
    /// The schemas the events refer to.
    pub event_schemas: Map<String, Value>,
}

impl Platform {
    /// The platform as it is declared in this build.
    pub fn read() -> Self {
        Self::of(catalog::modules())
    }

    /// A platform of these modules, with all declared contracts and events.
    pub fn of(modules: Vec<Module>) -> Self {
        let mut book = contracts::book();
        let mut catalogue = events::catalogue();
        let schemas = book.components();
        let event_schemas = catalogue.components();
        let pages = book.pages.into_iter().map(|page| Page {
            spec: page.spec,
            request: page.request.to_value(),
            answer: page.answer.to_value(),
        });
        Self {
            modules,
            pages: pages.collect(),
            calls: book.calls,
            operations: book.operations,
            problems: book.problems,
            schemas,
            events: catalogue.entries,
            event_schemas,
        }
    }

    /// Every entry point with its module.
    pub fn rows(&self) -> impl Iterator<Item = (&Module, &Row)> {
        self.modules.iter().flat_map(|module| module.rows.iter().map(move |row| (module, row)))
    }

    /// Every HTTP entry point with its contract.
    pub fn routes(&self) -> impl Iterator<Item = (&Module, &Row, &Spec)> {
        self.rows().filter_map(|(module, row)| row.http().map(|spec| (module, row, spec)))
    }

    /// Every listener.
    pub fn listeners(&self) -> impl Iterator<Item = (&Module, &Row, &Listening)> {
        self.rows().filter_map(|(module, row)| row.listening().map(|heard| (module, row, heard)))
    }

    /// The contract of this id with its schemas.
    pub fn page(&self, id: &str) -> Option<&Page> {
        self.pages.iter().find(|page| page.spec.id == id)
    }

    /// Whether this contract is served by a module table.
    pub fn serves(&self, id: &str) -> bool {
        self.routes().any(|(_, row, _)| row.id == id)
    }

    /// The newest major of the event of this name, with its schema and golden sample.
    pub fn event(&self, name: &str) -> Option<&Entry> {
        let majors = self.events.iter().filter(|entry| entry.spec.name == name);
        majors.max_by_key(|entry| entry.spec.major)
    }

    /// The events a listener hears, in every major it takes.
    pub fn heard<'a>(&'a self, heard: &'a Listening) -> impl Iterator<Item = &'a Entry> {
        heard.events.iter().flat_map(move |spec| {
            let majors = self.events.iter().filter(|entry| entry.spec.name == spec.name);
            majors.filter(|entry| heard.accepts.contains(&entry.spec.major))
        })
    }
}

/// Whether a contract stands in every API: the answer to `OPTIONS` and the fallback.
pub fn is_everywhere(spec: &Spec) -> bool {
    matches!(spec.method, Method::Options | Method::Any)
}

/// The APIs an entry has routes in.
pub fn apis_of(module: &Module, spec: &Spec) -> Vec<Group> {
    if is_everywhere(spec) { Group::ALL.to_vec() } else { vec![module.group] }
}

/// The route keys of a contract: `GET /v1/profile`, or `$default`; the path first, then its aliases.
pub fn route_keys(spec: &Spec) -> Vec<String> {
    let key = |path: &&str| match spec.method {
        Method::Any => (*path).to_owned(),
        method => format!("{} {path}", method.as_str()),
    };
    [spec.path].iter().chain(spec.aliases).map(key).collect()
}

/// The names of the parameters in a path: `user_id` of `/v1/profiles/{user_id}`.
pub fn path_parameters(path: &str) -> Vec<&str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| name.trim_end_matches('+'))
        .collect()
}

/// What starts an entry, in one word.
pub const fn trigger_word(trigger: &Trigger) -> &'static str {
    match trigger {
        Trigger::Http(_) => "http",
        Trigger::Authorizer => "authorizer",
        Trigger::Listener(_) => "listener",
        Trigger::Stream { .. } => "stream",
        Trigger::Schedule(_) => "schedule",
        Trigger::Call(_) => "call",
        Trigger::Job => "job",
        Trigger::Operator(_) => "operator",
        Trigger::Socket(_) => "socket",
    }
}
