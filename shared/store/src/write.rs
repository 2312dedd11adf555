//! Single conditional writes: for steps that are their own work, never for a change of state.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    ConsumedCapacity, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure,
};

use crate::condition::{Condition, Placeholders};
use crate::error::{Failure, StoreError, failure};
use crate::item::{Item, Stored, Value};
use crate::key::Key;
use crate::meter::Operation;
use crate::retry::Backoff;
use crate::store::{Store, key_attributes};
use crate::table::Table;
use crate::update::{self, Update};

const OLD: ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure::AllOld;

/// What came of a conditional write.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum Written {
    /// It happened; the item as it is now (for a deletion: as it was).
    Done(Item),
    /// The condition did not hold; the item it was compared with, if there is one.
    Refused(Option<Item>),
}

impl Written {
    /// The written item, or nothing when the condition did not hold.
    pub fn done(self) -> Option<Item> {
        match self {
            Self::Done(item) => Some(item),
            Self::Refused(_) => None,
        }
    }
}

/// What an acknowledged write returned: attributes and capacity.
type Answer = (Option<HashMap<String, Value>>, Option<ConsumedCapacity>);

/// How one kind of write is repeated and recognised after a lost answer.
struct Repeating<'a> {
    /// Twice is the same as once.
    harmless: bool,
    /// Whether the stored item shows that the lost attempt happened.
    shown: &'a (dyn Fn(Option<&Item>) -> bool + Sync),
}

impl Store {
    /// Does one update. A conflict or throttle is repeated; a lost answer only when repeating is
    /// harmless (nothing is added or appended).
    ///
    /// # Errors
    /// [`StoreError`]; after `Unknown` it may or may not have happened.
    pub async fn update(&self, update: Update) -> Result<Written, StoreError> {
        if let Some(fault) = update.fault {
            return Err(fault.into());
        }
        if update.steps.is_empty() {
            return Err(StoreError::Invalid("an update without steps".to_owned()));
        }
        let mut holders = Placeholders::default();
        let condition =
            update.condition.as_ref().map(|one| one.render(&mut holders)).transpose()?;
        let expression = update::render(&update.steps, &mut holders);
        let request = self
            .client(&update.table)
            .update_item()
            .table_name(self.physical(&update.table))
            .set_key(Some(key_attributes(&update.key)?))
            .update_expression(expression)
            .set_condition_expression(condition)
            .set_expression_attribute_names(holders.names())
            .set_expression_attribute_values(holders.values())
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(OLD)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let shown = |old: Option<&Item>| {
            old.and_then(|old| update::shows(&update.steps, old)).unwrap_or(false)
        };
        let repeating = Repeating { harmless: update.is_repeatable(), shown: &shown };
        let send = || async {
            let answer = request.clone().send().await?;
            Ok((answer.attributes, answer.consumed_capacity))
        };
        let old = |error: &UpdateItemError| match error {
            UpdateItemError::ConditionalCheckFailedException(refused) => refused.item.clone(),
            _ => None,
        };
        self.written(repeating, send, old).await
    }

    /// Puts a row unless there is one with its key.
    ///
    /// # Errors
    /// [`StoreError`]; after `Unknown` it may or may not have happened.
    pub async fn put_if_absent<T: Stored>(&self, row: &T) -> Result<Written, StoreError> {
        self.put_when(row, Some(Condition::no_item())).await
    }

    /// Puts a row over whatever is there, on this condition if one is given.
    ///
    /// # Errors
    /// [`StoreError`]; after `Unknown` it may or may not have happened.
    pub async fn put_when<T: Stored>(
        &self,
        row: &T,
        condition: Option<Condition>,
    ) -> Result<Written, StoreError> {
        row.key().texts()?;
        let item = Item::row(row)?;
        let mut holders = Placeholders::default();
        let condition = condition.map(|one| one.render(&mut holders)).transpose()?;
        let request = self
            .client(&T::TABLE)
            .put_item()
            .table_name(self.physical(&T::TABLE))
            .set_item(Some(item.attributes().clone()))
            .set_condition_expression(condition)
            .set_expression_attribute_names(holders.names())
            .set_expression_attribute_values(holders.values())
            .return_values_on_condition_check_failure(OLD)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let shown = |old: Option<&Item>| old == Some(&item);
        let send = || async {
            let answer = request.clone().send().await?;
            Ok((Some(item.attributes().clone()), answer.consumed_capacity))
        };
        let old = |error: &PutItemError| match error {
            PutItemError::ConditionalCheckFailedException(refused) => refused.item.clone(),
            _ => None,
        };
        self.written(Repeating { harmless: true, shown: &shown }, send, old).await
    }

    /// Deletes an item, on this condition if one is given. A missing item is `Done` with an empty
    /// item, unless the condition asks for one.
    ///
    /// # Errors
    /// [`StoreError`]; after `Unknown` it may or may not have happened.
    pub async fn delete(
        &self,
        table: &Table,
        key: &Key,
        condition: Option<Condition>,
    ) -> Result<Written, StoreError> {
        let mut holders = Placeholders::default();
        let condition = condition.map(|one| one.render(&mut holders)).transpose()?;
        let request = self
            .client(table)
            .delete_item()
            .table_name(self.physical(table))
            .set_key(Some(key_attributes(key)?))
            .set_condition_expression(condition)
            .set_expression_attribute_names(holders.names())
            .set_expression_attribute_values(holders.values())
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(OLD)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let shown = |old: Option<&Item>| old.is_none();
        let send = || async {
            let answer = request.clone().send().await?;
            Ok((answer.attributes, answer.consumed_capacity))
        };
        let old = |error: &DeleteItemError| match error {
            DeleteItemError::ConditionalCheckFailedException(refused) => refused.item.clone(),
            _ => None,
        };
        self.written(Repeating { harmless: true, shown: &shown }, send, old).await
    }

    async fn written<E, R, F>(
        &self,
        repeating: Repeating<'_>,
        mut send: impl FnMut() -> F,
        old: impl Fn(&E) -> Option<HashMap<String, Value>>,
    ) -> Result<Written, StoreError>
    where
        F: Future<Output = Result<Answer, SdkError<E, R>>>,
        E: ProvideErrorMetadata,
    {
        // What the caller hears when the deadline cuts the work off.
        let mut cut_off = StoreError::Unknown;
        let mut lost = false;
        let mut conflicts = Backoff::of_conflicts();
        let mut losses = Backoff::of_lost_answers();
        let work = async {
            loop {
                cut_off = StoreError::Unknown;
                self.meter.sent(Operation::Write);
                let error = match send().await {
                    Ok((attributes, capacity)) => {
                        self.meter.wrote(1, capacity.as_slice());
                        return Ok(Written::Done(Item::from(attributes.unwrap_or_default())));
                    }
                    Err(error) => error,
                };
                let failed = failure(&error);
                if failed == Failure::Condition {
                    let stored = error.as_service_error().and_then(&old).map(Item::from);
                    return Ok(if lost && (repeating.shown)(stored.as_ref()) {
                        Written::Done(stored.unwrap_or_default())
                    } else {
                        Written::Refused(stored)
                    });
                }
                let random = self.random();
                let pause = match &failed {
                    Failure::Conflict | Failure::Throttled => conflicts.pause(random),
                    Failure::Lost(_) if repeating.harmless => {
                        lost = true;
                        losses.pause(random)
                    }
                    _ => None,
                };
                let Some(pause) = pause else {
                    return Err(if lost { StoreError::Unknown } else { failed.of_write() });
                };
                if !lost {
                    cut_off = failed.of_write();
                }
                tokio::time::sleep(pause).await;
            }
        };
        let outcome = self.until_deadline(work).await;
        outcome.unwrap_or(Err(cut_off))
    }
}
