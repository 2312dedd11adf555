//! How many messages a queue holds.

use aws_sdk_sqs::types::QueueAttributeName;

use crate::call::ctx::Ctx;

/// What is ready, what is being handled, and what is delayed.
const COUNTED: [QueueAttributeName; 3] = [
    QueueAttributeName::ApproximateNumberOfMessages,
    QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    QueueAttributeName::ApproximateNumberOfMessagesDelayed,
];

impl<Who> Ctx<Who> {
    /// About how many messages the queue of this name after the stage's prefix holds, those being
    /// handled or delayed included; nothing where it does not answer. Approximate by nature (SQS
    /// API reference, `GetQueueAttributes`).
    pub async fn queue_depth(&self, queue: &str) -> Option<u64> {
        let request = self.sqs().get_queue_attributes().queue_url(self.ports().queue_url(queue));
        let request = request.set_attribute_names(Some(COUNTED.to_vec()));
        let attributes = request.send().await.ok()?.attributes?;
        COUNTED.iter().map(|name| attributes.get(name)?.parse::<u64>().ok()).sum()
    }
}
