use super::*;

#[tokio::test]
async fn a_mapping_to_nothing_is_refused_with_its_name() {
    let cloud = testing::cloud();
    let mappings = Mappings::new(&cloud, Script::ok());
    assert!(mappings.map_queue(queue_mapping("none")).unwrap_err().to_string().contains("none"));
    assert!(mappings.map_stream(outbox_mapping()).is_err());
    outbox(&cloud);
    let filter = Some(serde_json::json!({"dynamodb": "pending"}));
    let bad = mappings.map_stream(StreamMapping { filter, ..outbox_mapping() });
    assert!(matches!(bad, Err(MappingError::BadFilter { .. })));
}

/// Lambda API reference, CreateEventSourceMapping: the ranges of its numbers.
#[tokio::test]
async fn a_mapping_with_numbers_out_of_range_is_refused_with_the_number() {
    let cloud = testing::cloud();
    outbox(&cloud);
    cloud.queues().ensure("jobs", []).unwrap();
    let mappings = Mappings::new(&cloud, Script::ok());
    let queue = || queue_mapping("jobs");
    for (mapping, setting) in [
        (QueueMapping { batch_size: 0, ..queue() }, "batch_size 0"),
        (QueueMapping { batch_size: 11, ..queue() }, "batch_size 11"),
        (QueueMapping { maximum_concurrency: 0, ..queue() }, "maximum_concurrency 0"),
        (QueueMapping { maximum_concurrency: 1_001, ..queue() }, "maximum_concurrency 1001"),
    ] {
        let refused = mappings.map_queue(mapping).unwrap_err().to_string();
        assert!(refused.contains(setting), "{refused}");
    }
    for (mapping, setting) in [
        (StreamMapping { batch_size: 0, ..outbox_mapping() }, "batch_size 0"),
        (StreamMapping { parallelization: 11, ..outbox_mapping() }, "parallelization 11"),
        (StreamMapping { retries: 10_001, ..outbox_mapping() }, "retries 10001"),
        (StreamMapping { max_age_ms: 59_999, ..outbox_mapping() }, "max_age_ms 59999"),
    ] {
        let refused = mappings.map_stream(mapping).unwrap_err().to_string();
        assert!(refused.contains(setting), "{refused}");
    }
    mappings.map_queue(QueueMapping { maximum_concurrency: 1_000, ..queue() }).unwrap();
}
