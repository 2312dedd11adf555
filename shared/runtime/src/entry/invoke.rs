//! From an event of the platform to the pipeline of its kind.

use super::{background, operator};
use crate::events::{collect, listener};
use crate::http;
use crate::module::function::{Function, InvocationFailed, Meta};
use crate::module::handler::Handler;
use crate::module::row::Trigger;

impl Function {
    /// Handles one event: JSON in, JSON out, exactly as on AWS.
    pub async fn invoke(&self, event: &str, meta: &Meta) -> Result<String, InvocationFailed> {
        match (&*self.row.handler, &self.row.trigger) {
            (Handler::Http(_), _) => Ok(http::serve(self, event, meta).await),
            (Handler::Listener(handler), _) => listener::serve(self, handler, event, meta).await,
            (Handler::Call(handler), Trigger::Call(spec)) => {
                background::call(self, spec, handler, event, meta).await
            }
            (Handler::Call(_), _) => {
                Err(InvocationFailed("this function answers no calls".to_owned()))
            }
            (Handler::Job(handler), _) => background::job(self, handler, event, meta).await,
            (Handler::Batch(handler), _) => {
                let work = collect::job(&self.row, handler);
                background::job(self, &*work, event, meta).await
            }
            (Handler::Operator(handler), Trigger::Operator(spec)) => {
                operator::serve(self, spec, handler, event, meta).await
            }
            (Handler::Operator(_), _) => {
                Err(InvocationFailed("this function takes no orders".to_owned()))
            }
            (Handler::Schedule(handler), _) => background::schedule(self, handler, meta).await,
            (Handler::Stream(handler), _) => background::stream(self, handler, event, meta).await,
            (Handler::Authorizer(handler), _) => {
                background::authorize(self, handler, event, meta).await
            }
            (Handler::Socket(handler), _) => background::socket(self, handler, event, meta).await,
        }
    }
}
