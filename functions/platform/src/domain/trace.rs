//! The trace an event belongs to.

/// The trace id of a W3C `traceparent` (Trace Context, section 3.2.2) or of an X-Ray tracing header
/// (X-Ray developer guide, "Tracing header"); nothing where it is neither.
pub fn id_of(context: &str) -> Option<String> {
    let w3c = context.split('-').nth(1).filter(|_| context.starts_with("00-"));
    let w3c = w3c.filter(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()));
    let x_ray = || context.split(';').find_map(|part| part.strip_prefix("Root="));
    w3c.or_else(x_ray).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_trace_are_read() {
        let table = [
            (
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                Some("0af7651916cd43dd8448eb211c80319c"),
            ),
            (
                "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
                Some("1-5759e988-bd862e3fe1be46a994272793"),
            ),
            ("00-short-b7ad6b7169203331-01", None),
            ("", None),
        ];
        for (context, expected) in table {
            assert_eq!(id_of(context).as_deref(), expected, "{context}");
        }
    }
}
