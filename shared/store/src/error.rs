//! What can go wrong with a request, sorted by what the caller can do about it.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use kernel::Error;
use kernel::problem::{DEPENDENCY_UNAVAILABLE, LOCK_TIMEOUT};

use crate::item::ItemError;
use crate::key::KeyError;

/// A request that gave no answer to the caller's question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another write was changing the same item. Nothing was written: read again and repeat.
    #[error("another write is changing the same item: read again and repeat")]
    Conflict,
    /// The table takes no more for the moment, after all retries. Nothing was written.
    #[error("the table is throttled: try again later")]
    Throttled,
    /// The database does not answer or answers with a fault of its own. For a read.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The deadline passed. For a read.
    #[error("the database did not answer before the deadline")]
    Timeout,
    /// A write was sent and its answer lost: it may or may not have happened.
    #[error("the outcome of a write is unknown: read it back before repeating it")]
    Unknown,
    /// The request is wrong and will always be: a defect of the caller.
    #[error("the request is invalid: {0}")]
    Invalid(String),
    /// A stored row is not what its type says: a defect of whoever wrote it.
    #[error("a stored row of {table} cannot be read: {reason}")]
    Corrupt { table: &'static str, reason: String },
}

impl From<KeyError> for StoreError {
    fn from(error: KeyError) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl From<ItemError> for StoreError {
    fn from(error: ItemError) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// What callers of the API see: trying again may help, or it is our own fault.
impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => LOCK_TIMEOUT.error().retry_after(1),
            StoreError::Throttled
            | StoreError::Unavailable(_)
            | StoreError::Timeout
            | StoreError::Unknown => DEPENDENCY_UNAVAILABLE.error().retry_after(1),
            StoreError::Invalid(_) | StoreError::Corrupt { .. } => {
                Self::internal(error.to_string())
            }
        }
    }
}

/// One failed attempt, before anybody decides about retrying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// A condition of a single write did not hold.
    Condition,
    /// A transaction was cancelled; its reasons tell why.
    Cancelled,
    /// Refused because of another write of the same item: nothing was written.
    Conflict,
    /// Refused for capacity: nothing was written.
    Throttled,
    /// A transaction with the same token is still running.
    InProgress,
    /// The token was used before, with other contents.
    TokenReused,
    /// No answer, or an answer that does not say whether the request was carried out.
    Lost(String),
    /// Refused for what it says.
    Invalid(String),
}

/// Sorts an SDK error. Codes: DynamoDB developer guide, "Error handling".
pub(crate) fn failure<E, R>(error: &SdkError<E, R>) -> Failure
where
    E: ProvideErrorMetadata,
{
    let refused = match error {
        SdkError::ServiceError(refused) => refused.err(),
        SdkError::ConstructionFailure(_) => {
            return Failure::Invalid("the request could not be built".to_owned());
        }
        SdkError::DispatchFailure(failure) if failure.is_user() => {
            return Failure::Invalid("the connector refused the request".to_owned());
        }
        SdkError::TimeoutError(_) => return Failure::Lost("no answer in time".to_owned()),
        SdkError::DispatchFailure(_) => return Failure::Lost("the connection failed".to_owned()),
        _ => return Failure::Lost("the answer could not be read".to_owned()),
    };
    let code = refused.code().unwrap_or_default();
    match code {
        "ConditionalCheckFailedException" => Failure::Condition,
        "TransactionCanceledException" => Failure::Cancelled,
        "TransactionConflictException" | "ReplicatedWriteConflictException" => Failure::Conflict,
        "TransactionInProgressException" => Failure::InProgress,
        "IdempotentParameterMismatchException" => Failure::TokenReused,
        "ProvisionedThroughputExceededException"
        | "ProvisionedThroughputExceeded"
        | "RequestLimitExceeded"
        | "ThrottlingException"
        | "Throttling" => Failure::Throttled,
        "InternalServerError"
        | "InternalFailure"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "" => Failure::Lost(format!("the database failed {code}")),
        _ => Failure::Invalid(format!("{code}: {}", refused.message().unwrap_or_default())),
    }
}

impl Failure {
    /// What a read that stays without an answer reports.
    pub(crate) fn of_read(self) -> StoreError {
        match self {
            Self::Conflict | Self::Cancelled => StoreError::Conflict,
            Self::Throttled => StoreError::Throttled,
            Self::Lost(reason) => StoreError::Unavailable(reason),
            Self::Invalid(reason) => StoreError::Invalid(reason),
            Self::Condition | Self::InProgress | Self::TokenReused => {
                StoreError::Invalid(format!("a read was answered with {self:?}"))
            }
        }
    }

    /// What a single write reports.
    pub(crate) fn of_write(self) -> StoreError {
        match self {
            Self::Conflict | Self::Cancelled | Self::InProgress | Self::TokenReused => {
                StoreError::Conflict
            }
            Self::Throttled => StoreError::Throttled,
            Self::Lost(_) => StoreError::Unknown,
            Self::Invalid(reason) => StoreError::Invalid(reason),
            Self::Condition => StoreError::Invalid("an unconditional write was refused".to_owned()),
        }
    }
}
