use super::*;
use crate::fault::{DeliveryFault, FaultPlan};

#[tokio::test(start_paused = true)]
async fn each_delivery_fault_does_what_its_name_says() {
    // (fault, invocations, receive count of the last one, messages left in flight)
    let cases = [
        (DeliveryFault::Twice, 2, "1", 0),
        (DeliveryFault::Late(500), 1, "1", 0),
        (DeliveryFault::Lost, 0, "", 1),
        (DeliveryFault::EarlyVisibility, 2, "2", 0),
    ];
    for (fault, invocations, receives, left) in cases {
        let script = Script::taking(Duration::from_secs(1), |_| Ok(Value::Null));
        let (cloud, mappings) = mapped_queue("jobs", script.clone(), 2);
        cloud.faults().inject_delivery(FaultPlan::Nth { n: 1, fault });
        send(&cloud, "jobs", "m");
        mappings.quiesce().await;
        let events = script.events();
        assert_eq!(events.len(), invocations, "{fault:?}");
        if let Some(event) = events.last() {
            let attributes = &event["Records"][0]["attributes"];
            assert_eq!(attributes["ApproximateReceiveCount"], receives, "{fault:?}");
        }
        assert_eq!(cloud.queues().depth("jobs").unwrap().in_flight, left, "{fault:?}");
        assert_eq!(cloud.faults().fired_deliveries().len(), 1);
    }
}
