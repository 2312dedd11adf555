//! Which events notify whom, about what, on which channels.

use std::time::Duration;

use super::category::Category;
use super::channel::Channel;
use super::template::Template;

/// What one event type leads to. The audience is the person the event's data names as `user_id`.
#[derive(Debug, PartialEq, Eq)]
pub struct Binding {
    /// The event's canonical name.
    pub event: &'static str,
    pub category: Category,
    pub template: Template,
    pub channels: &'static [Channel],
    /// After this long the message is worth nothing.
    pub expires_after: Option<Duration>,
}

/// Every binding. `user.created` is the configured name of the first row's fact as module `user`
/// will announce it; until that module exists, the account's registration is the announcement.
pub const BINDINGS: &[Binding] = &[Binding {
    event: "auth.user.registered",
    category: Category::Account,
    template: Template::Welcome,
    channels: &[Channel::Database, Channel::Mail],
    expires_after: None,
}];

/// The binding of this event type.
pub fn of(event: &str) -> Option<&'static Binding> {
    BINDINGS.iter().find(|binding| binding.event == event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registered_person_is_told_in_app_and_by_mail() {
        let binding = of("auth.user.registered").unwrap();
        assert_eq!(binding.channels, [Channel::Database, Channel::Mail]);
        assert_eq!((binding.category, binding.expires_after), (Category::Account, None));
        assert_eq!(of("auth.user.forgotten"), None);
    }
}
