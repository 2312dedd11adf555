//! Committing a change: one transaction, sent until its outcome is known, decided or out of time.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::transact_write_items::builders::TransactWriteItemsFluentBuilder;
use aws_sdk_dynamodb::types::{
    CancellationReason, ConditionCheck, Delete, Put, ReturnConsumedCapacity,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use kernel::Error;
use kernel::problem::STATE_CONFLICT;

use crate::change::{Change, Write};
use crate::condition::Placeholders;
use crate::error::{Failure, StoreError, failure};
use crate::fold::{Folded, folded};
use crate::item::Item;
use crate::meter::Operation;
use crate::retry::Backoff;
use crate::store::{Store, key_attributes};
use crate::update;

/// The `ClientRequestToken`: repetitions of one attempt are one effect for ten minutes. It only
/// saves work; correctness rests on the conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token of the n-th attempt for this cause: a change decided anew is a new attempt. The
    /// cause is any bytes that name it, for example a request id or a hash.
    pub fn of(cause: &[u8], attempt: u16) -> Self {
        // 128-bit FNV-1a, of which 120 bits fit the 36 characters besides the attempt. A collision
        // is a conflict, and costs a repetition.
        let hash =
            cause.iter().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
                (hash ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
            });
        Self(format!("{:030x}-{attempt}", hash >> 8))
    }
}

/// A change that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// How many requests it took.
    pub attempts: u32,
    /// The answer was lost, and the stored rows told that the change had happened.
    pub found: bool,
}

/// A change that did not happen, or of which it is not known.
#[derive(Clone, Debug, PartialEq)]
pub enum NotCommitted {
    /// A condition did not hold: nothing was written. Label, old item (`None` where there is none)
    /// and error are those of the action that decides; the others follow in their order.
    Refused {
        label: Option<&'static str>,
        old: Option<Item>,
        error: Option<Error>,
        others: Vec<Refusal>,
    },
    /// Another write was changing the same items: nothing was written. Read again and repeat.
    Conflict,
    /// No capacity, after all retries: nothing was written.
    Throttled,
    /// The answer was lost: it may or may not have happened. Read back before repeating.
    Unknown,
    /// It was not sent, or refused as a request: nothing was written.
    Failed(StoreError),
}

/// One refused action.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The label the action was given.
    pub label: Option<&'static str>,
    /// The stored item the condition was compared with; `None` when there is none.
    pub old: Option<Item>,
    /// The error the action was given.
    pub error: Option<Error>,
}

/// How far a commit has come, for the case that the deadline cuts it off.
#[derive(Default)]
struct Progress {
    attempts: u32,
    /// A request is out, or the answer of an earlier one was lost.
    in_doubt: bool,
    lost: bool,
    throttled: bool,
}

impl Progress {
    fn cut_off(&self) -> NotCommitted {
        match (self.in_doubt, self.throttled) {
            (true, _) => NotCommitted::Unknown,
            (false, true) => NotCommitted::Throttled,
            (false, false) => NotCommitted::Conflict,
        }
    }
}

impl Store {
    /// Commits a change as one transaction.
    ///
    /// A lost answer is asked for again with the same token, and where the token is forgotten, the
    /// stored rows tell whether the change had happened. Conflicts and throttles are repeated (5
    /// times, 10–160 ms apart) only for a [`Change::blind`] change: any other has to be decided
    /// again from what is stored now.
    ///
    /// # Errors
    /// [`NotCommitted`]; of its variants only `Unknown` leaves open whether something was written.
    pub async fn commit(&self, change: Change, token: &Token) -> Result<Committed, NotCommitted> {
        let blind = change.blind;
        let actions = folded(change).map_err(NotCommitted::Failed)?;
        let request = self.transaction(&actions, token).map_err(NotCommitted::Failed)?;
        let mut progress = Progress::default();
        let work = self.attempts(&request, &actions, blind, &mut progress);
        let outcome = self.until_deadline(work).await;
        match outcome {
            Some(outcome) => outcome,
            None => Err(progress.cut_off()),
        }
    }

    async fn attempts(
        &self,
        request: &TransactWriteItemsFluentBuilder,
        actions: &[Folded],
        blind: bool,
        progress: &mut Progress,
    ) -> Result<Committed, NotCommitted> {
        let mut conflicts = Backoff::of_conflicts();
        let mut losses = Backoff::of_lost_answers();
        loop {
            progress.attempts += 1;
            progress.in_doubt = true;
            self.meter.sent(Operation::Transaction);
            let error = match request.clone().send().await {
                Ok(answer) => {
                    let capacity = answer.consumed_capacity.unwrap_or_default();
                    self.meter.wrote(actions.len(), &capacity);
                    return Ok(Committed { attempts: progress.attempts, found: false });
                }
                Err(error) => error,
            };
            let verdict = verdict(&error, actions, progress.lost);
            progress.lost |= matches!(verdict, Verdict::Lost);
            progress.in_doubt = progress.lost;
            progress.throttled = matches!(verdict, Verdict::Throttled);
            let pause = match verdict {
                Verdict::Applied => {
                    return Ok(Committed { attempts: progress.attempts, found: true });
                }
                Verdict::Unclear => return Err(NotCommitted::Unknown),
                Verdict::Refused(refused) => return Err(refused.into()),
                Verdict::Failed(error) => return Err(NotCommitted::Failed(error)),
                // A lost attempt may still be running and be what this one conflicts with.
                _ if progress.lost => losses.pause(self.random()).ok_or(NotCommitted::Unknown)?,
                Verdict::Throttled if blind => {
                    conflicts.pause(self.random()).ok_or(NotCommitted::Throttled)?
                }
                Verdict::Throttled => return Err(NotCommitted::Throttled),
                Verdict::Conflict if blind => {
                    conflicts.pause(self.random()).ok_or(NotCommitted::Conflict)?
                }
                Verdict::Conflict | Verdict::Lost => return Err(NotCommitted::Conflict),
            };
            tokio::time::sleep(pause).await;
        }
    }

    fn transaction(
        &self,
        actions: &[Folded],
        token: &Token,
    ) -> Result<TransactWriteItemsFluentBuilder, StoreError> {
        let Some(first) = actions.first() else {
            return Err(StoreError::Invalid("a change without actions".to_owned()));
        };
        let endpoint = self.endpoint(&first.table);
        if let Some(far) = actions.iter().find(|one| self.endpoint(&one.table) != endpoint) {
            let (one, other) = (first.table.name(), far.table.name());
            return Err(StoreError::Invalid(format!(
                "tables {one} and {other} are behind different endpoints: one change cannot write \
                 both"
            )));
        }
        let items = actions.iter().map(|action| self.sent(action)).collect::<Result<_, _>>()?;
        Ok(self
            .client(&first.table)
            .transact_write_items()
            .set_transact_items(Some(items))
            .client_request_token(&token.0)
            .return_consumed_capacity(ReturnConsumedCapacity::Total))
    }

    fn sent(&self, action: &Folded) -> Result<TransactWriteItem, StoreError> {
        const OLD: ReturnValuesOnConditionCheckFailure =
            ReturnValuesOnConditionCheckFailure::AllOld;
        let mut holders = Placeholders::default();
        let condition = action.condition(&mut holders)?;
        let table = self.physical(&action.table);
        let key = Some(key_attributes(&action.key)?);
        let one = TransactWriteItem::builder();
        let one = match &action.write {
            Write::Put(item) | Write::Save(item, _) => one.put(
                Put::builder()
                    .table_name(table)
                    .set_item(Some(item.attributes().clone()))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(holders.names())
                    .set_expression_attribute_values(holders.values())
                    .return_values_on_condition_check_failure(OLD)
                    .build()
                    .map_err(unbuilt)?,
            ),
            Write::Update(steps, _) => one.update(
                Update::builder()
                    .table_name(table)
                    .set_key(key)
                    .update_expression(update::render(steps, &mut holders))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(holders.names())
                    .set_expression_attribute_values(holders.values())
                    .return_values_on_condition_check_failure(OLD)
                    .build()
                    .map_err(unbuilt)?,
            ),
            Write::Delete => one.delete(
                Delete::builder()
                    .table_name(table)
                    .set_key(key)
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(holders.names())
                    .set_expression_attribute_values(holders.values())
                    .return_values_on_condition_check_failure(OLD)
                    .build()
                    .map_err(unbuilt)?,
            ),
            Write::Check => one.condition_check(
                ConditionCheck::builder()
                    .table_name(table)
                    .set_key(key)
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(holders.names())
                    .set_expression_attribute_values(holders.values())
                    .return_values_on_condition_check_failure(OLD)
                    .build()
                    .map_err(unbuilt)?,
            ),
        };
        Ok(one.build())
    }
}

pub(crate) fn unbuilt(error: aws_sdk_dynamodb::error::BuildError) -> StoreError {
    StoreError::Invalid(error.to_string())
}

/// What one failed attempt means.
enum Verdict {
    /// An earlier attempt, whose answer was lost, had happened.
    Applied,
    /// Refused after a lost attempt, and the stored items cannot tell whether that was ours.
    Unclear,
    Refused(Vec<Refusal>),
    Conflict,
    Throttled,
    Lost,
    Failed(StoreError),
}

fn verdict<R>(
    error: &SdkError<TransactWriteItemsError, R>,
    actions: &[Folded],
    lost: bool,
) -> Verdict {
    match failure(error) {
        Failure::Cancelled => {
            let reasons = match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    cancelled.cancellation_reasons()
                }
                _ => &[],
            };
            cancelled(reasons, actions, lost)
        }
        // Something with this cause has been done already: the caller's next read shows it.
        Failure::Conflict | Failure::TokenReused => Verdict::Conflict,
        Failure::Throttled => Verdict::Throttled,
        Failure::Lost(_) | Failure::InProgress => Verdict::Lost,
        Failure::Invalid(reason) => Verdict::Failed(StoreError::Invalid(reason)),
        Failure::Condition => Verdict::Failed(StoreError::Invalid("a lone condition".to_owned())),
    }
}

/// The first action that stood in the way decides. Codes: API reference, `CancellationReason`.
fn cancelled(reasons: &[CancellationReason], actions: &[Folded], lost: bool) -> Verdict {
    let old = |reason: &CancellationReason| reason.item.clone().map(Item::from);
    let failed: Vec<(&Folded, Option<Item>)> = actions
        .iter()
        .zip(reasons)
        .filter(|(_, reason)| reason.code() == Some("ConditionalCheckFailed"))
        .map(|(action, reason)| (action, old(reason)))
        .collect();
    if lost && !failed.is_empty() {
        match had_happened(&failed) {
            Some(true) => return Verdict::Applied,
            Some(false) => {}
            None => return Verdict::Unclear,
        }
    }
    let stood = |reason: &&CancellationReason| !matches!(reason.code(), None | Some("None"));
    let Some(first) = reasons.iter().find(stood) else {
        return Verdict::Failed(StoreError::Invalid("cancelled without a reason".to_owned()));
    };
    match first.code().unwrap_or_default() {
        "ConditionalCheckFailed" => Verdict::Refused(refusals(failed)),
        "TransactionConflict" => Verdict::Conflict,
        "ProvisionedThroughputExceeded" | "ThrottlingError" => Verdict::Throttled,
        code => {
            let message = first.message().unwrap_or_default();
            Verdict::Failed(StoreError::Invalid(format!("{code}: {message}")))
        }
    }
}

fn refusals(failed: Vec<(&Folded, Option<Item>)>) -> Vec<Refusal> {
    let refusal = |(action, old): (&Folded, Option<Item>)| Refusal {
        label: action.label,
        old,
        error: action.refusal.clone(),
    };
    failed.into_iter().map(refusal).collect()
}

impl From<Vec<Refusal>> for NotCommitted {
    fn from(refusals: Vec<Refusal>) -> Self {
        let mut refusals = refusals.into_iter();
        let Some(Refusal { label, old, error }) = refusals.next() else {
            return Self::Failed(StoreError::Invalid("refused without an action".to_owned()));
        };
        Self::Refused { label, old, error, others: refusals.collect() }
    }
}

/// Whether refusals after a lost attempt are its own traces. A transaction is all or nothing, so
/// the strongest kind of evidence decides: rows that must not have existed, then replaced rows,
/// then updated ones, and all of that kind have to agree.
fn had_happened(failed: &[(&Folded, Option<Item>)]) -> Option<bool> {
    let shown = failed.iter().filter_map(|(action, old)| {
        let shown = match old {
            Some(old) => action.shows_in(old),
            None => Some(false).filter(|_| action.proof() > 0),
        };
        Some((action.proof(), shown?))
    });
    let shown: Vec<(u8, bool)> = shown.collect();
    let strongest = shown.iter().map(|(proof, _)| *proof).max()?;
    Some(shown.iter().filter(|(proof, _)| *proof == strongest).all(|(_, shown)| *shown))
}

impl From<NotCommitted> for Error {
    fn from(outcome: NotCommitted) -> Self {
        match outcome {
            NotCommitted::Refused { error: Some(error), .. } => error,
            NotCommitted::Refused { error: None, .. } => STATE_CONFLICT.error(),
            NotCommitted::Conflict | NotCommitted::Throttled => StoreError::Conflict.into(),
            NotCommitted::Unknown => StoreError::Unknown.into(),
            NotCommitted::Failed(error) => error.into(),
        }
    }
}
