//! The roles of a module's functions. Functions with identical grants share one: the role is what is
//! allowed, and says it in its name.

mod name;
mod statement;

use runtime::Module;
use serde_json::{Value, json};

use super::Resources;
use super::intrinsic::{attribute, logical, reference, resource};

pub use statement::allow;

/// The roles of a module, in the order of their first functions.
pub struct Roles {
    roles: Vec<Role>,
}

struct Role {
    name: String,
    functions: Vec<&'static str>,
    statements: Vec<Value>,
}

impl Roles {
    /// One role for every set of grants that a function of the module has.
    pub fn of(module: &Module) -> Self {
        let mut roles: Vec<Role> = Vec::new();
        for row in &module.rows {
            let statements = statement::statements(module, row);
            match roles.iter_mut().find(|role| role.statements == statements) {
                Some(role) => role.functions.push(row.id),
                None => {
                    let functions = vec![row.id];
                    roles.push(Role { name: String::new(), functions, statements });
                }
            }
        }
        for at in 0..roles.len() {
            let name = named(module, &roles, at);
            if let Some(role) = roles.get_mut(at) {
                role.name = name;
            }
        }
        Self { roles }
    }

    /// The ARN of the role of a function, by its id.
    pub fn arn(&self, id: &str) -> Value {
        let role = self.roles.iter().find(|role| role.functions.contains(&id));
        role.map_or(Value::Null, |role| attribute(&role.name, "Arn"))
    }

    /// The roles as resources.
    pub fn resources(&self) -> Resources {
        let all = self.roles.iter();
        all.map(|role| {
            let statements = json!(role.statements);
            (role.name.clone(), of_service("lambda.amazonaws.com", "declared", statements))
        })
        .collect()
    }
}

/// A role of one function is named after it, any other after what it allows; where two allow the same
/// words to different rows, the later one has a number.
fn named(module: &Module, roles: &[Role], at: usize) -> String {
    let Some(Role { functions, .. }) = roles.get(at) else { return String::new() };
    let words = match functions.as_slice() {
        [id] => logical(id),
        [id, ..] => module.row(id).map_or_else(String::new, |row| name::of_row(module, row)),
        [] => String::new(),
    };
    let taken = |name: &String| roles.iter().any(|role| role.name == *name);
    let numbers = std::iter::once(String::new()).chain((2..).map(|number| number.to_string()));
    let mut names = numbers.map(|number| format!("{words}{number}Role"));
    names.find(|name| !taken(name)).unwrap_or(words)
}

/// A role that a service takes on, with these statements as its one policy.
pub fn of_service(service: &str, policy: &str, statements: Value) -> Value {
    let properties = json!({
        "AssumeRolePolicyDocument": trusted(service),
        "Policies": [{
            "PolicyName": policy,
            "PolicyDocument": { "Version": "2012-10-17", "Statement": statements },
        }],
    });
    resource("AWS::IAM::Role", properties)
}

/// The trust of a role that one service takes on, for this account alone where it says for whom it
/// works: not every service does in every request.
fn trusted(service: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": service },
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEqualsIfExists": { "aws:SourceAccount": reference("AWS::AccountId") },
            },
        }],
    })
}

#[cfg(test)]
mod tests;
