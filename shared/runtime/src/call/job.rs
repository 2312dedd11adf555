//! Messages to jobs: work a function leaves to a private queue.

use kernel::Error;
use kernel::problem::DEPENDENCY_UNAVAILABLE;

use super::ctx::Ctx;
use crate::ports::name::resource_name;

impl<Who> Ctx<Who> {
    /// Sends a message to a job's private queue, so many seconds late (900 at most).
    pub async fn enqueue<D: serde::Serialize>(
        &self,
        job: &str,
        message: &D,
        delay_s: u32,
    ) -> Result<(), Error> {
        let body = serde_json::to_string(message)
            .map_err(|fault| Error::internal(format!("job {job}: {fault}")))?;
        let ports = self.ports();
        let queue = ports.queue_url(&resource_name(job));
        let request = ports.sqs.send_message().queue_url(queue).message_body(body);
        let request = request.delay_seconds(i32::try_from(delay_s.min(900)).unwrap_or(900));
        let sent = request.send().await.map(|_| ());
        sent.map_err(|_| DEPENDENCY_UNAVAILABLE.because("a queue did not answer; try again"))
    }
}
