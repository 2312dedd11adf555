//! The schema of the envelope all events travel in.

use events::envelope::{ACTOR_MAX, CORRELATION_MAX, PARTITION_KEY_MAX, SUBJECT_MAX, TRACE_MAX};
use events::event::NAME_MAX;
use serde_json::{Value, json};

/// The envelope, in words of JSON Schema that draft-07 and 2020-12 share.
pub fn envelope_schema() -> Value {
    let text = |longest: usize, description: &str| json!({ "type": "string", "maxLength": longest, "description": description });
    let id = |prefix: &str, description: &str| {
        let pattern = format!("^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$");
        json!({ "type": "string", "pattern": pattern, "description": description })
    };
    let schema_max = "urn:talaria:event::65535".len() + NAME_MAX;
    json!({
        "type": "object",
        "description": "A domain event (CloudEvents 1.0, structured mode). Unknown attributes are \
                        to be ignored.",
        "required": [
            "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema",
            "tenantid", "livemode", "sequence", "partitionkey", "correlationid", "data",
        ],
        "properties": {
            "specversion": { "const": "1.0" },
            "id": id("evt", "Unique together with `source`."),
            "source": {
                "type": "string",
                "pattern": "^/modules/[a-z][a-z0-9]*$",
                "description": "`/modules/<module>`.",
            },
            "type": text(NAME_MAX, "The canonical name of the event."),
            "subject": text(SUBJECT_MAX, "`<entity type>/<id>`."),
            "time": {
                "type": "string",
                "format": "date-time",
                "description": "The instant of the commit.",
            },
            "datacontenttype": { "const": "application/json" },
            "dataschema": text(schema_max, "`urn:talaria:event:<type>:<major>`."),
            "tenantid": id("cli", "The tenant."),
            "livemode": { "type": "boolean" },
            "actorid": text(ACTOR_MAX, "Who did it."),
            "sequence": {
                "type": "string",
                "pattern": "^[0-9]{20}$",
                "description": "Position within the entity.",
            },
            "partitionkey": {
                "type": "string",
                "maxLength": PARTITION_KEY_MAX,
                "pattern": "^[!-~]*$",
                "description": "Events of one key are in order where the entity promises it.",
            },
            "correlationid": text(CORRELATION_MAX, "The request that started the chain."),
            "causationid": id("evt", "The event whose handling caused this one."),
            "traceparent": text(TRACE_MAX, "W3C trace context."),
            "tracestate": text(TRACE_MAX, "What vendors add to that context."),
            "data": { "type": "object" },
        },
    })
}
