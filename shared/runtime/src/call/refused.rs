//! A handler refuses with what its contract lists, and with nothing else: clients know those codes,
//! and callers within the house are built on them.

use kernel::{Error, Problem};

use crate::ports::config::Config;

/// The error as it was, where it is a case of a listed problem. On a laptop and in tests any other is
/// our own fault, and says which word is missing; a deployment answers what the handler said.
pub(crate) fn listed(
    config: &Config,
    id: &str,
    listed: &[&'static Problem],
    error: Error,
) -> Error {
    if !config.is_local() || listed.iter().any(|problem| error.is(problem)) {
        return error;
    }
    let code = error.code();
    Error::internal(format!(
        "{id} refuses with {code}, and its contract does not say so: add the problem to .refuses(…) \
         there, or answer another ({error})"
    ))
}

#[cfg(test)]
mod tests {
    use kernel::problem::{NOT_FOUND, STATE_CONFLICT};

    use super::*;

    fn config(stage: &str) -> Config {
        let set = [("TALARIA_ISSUER", "http://127.0.0.1"), ("TALARIA_STAGE", stage)];
        let set = set.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Config::read(&set.into()).unwrap()
    }

    #[test]
    fn an_unlisted_refusal_is_named_where_code_is_tried_and_answered_where_it_is_used() {
        let judged = |stage, error| listed(&config(stage), "a.b", &[&NOT_FOUND], error);
        let unlisted = judged("local", STATE_CONFLICT.error());
        assert!(unlisted.message().starts_with("a.b refuses with state_conflict"), "{unlisted}");
        assert!(judged("prod", STATE_CONFLICT.error()).is(&STATE_CONFLICT));
        for stage in ["local", "prod"] {
            assert_eq!(judged(stage, NOT_FOUND.error()), NOT_FOUND.error());
        }
    }
}
