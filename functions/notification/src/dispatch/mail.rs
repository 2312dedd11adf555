use std::time::Duration;

use contracts::auth::Account;
use kernel::{Error, RequestId};
use runtime::mail::{MailError, Mailer, Message};
use runtime::{Ctx, Outcome, Worker};

use crate::domain::hand_off::{self, Next, ProviderError, SWEEP_SLACK, Standing};
use crate::domain::outcome::{Outcome as End, SkipReason};
use crate::store::contacts::Contacts;
use crate::store::keys::RowName;
use crate::store::outbox::{HandOver, Outbox};
use crate::store::outbox_row::OutboxRow;

/// What one hand-over may take, with everything around it. No row is taken with less time left.
pub const TIME_NEEDED: Duration = Duration::from_secs(25);
/// How soon a row is dispatched again that could not be checked.
const CHECK_AGAIN: Duration = Duration::from_secs(10);

/// Claims the row, checks it as of now, and hands it over. Killed before the provider is called,
/// nothing left; killed after, the outcome is unknown and the next dispatcher sends a copy with the
/// same `Message-ID`.
pub async fn deliver(ctx: &Ctx<Worker>, name: &RowName) -> Result<Outcome, Error> {
    if ctx.remaining() < TIME_NEEDED {
        return Ok(Outcome::Wait { seconds: 1, code: "no_time_left" });
    }
    let mailer = ctx.mailer()?;
    let outbox = Outbox::of(ctx);
    let Some(row) = outbox.row(name).await? else { return Ok(Outcome::Skip("row_gone")) };
    match hand_off::standing(&row.progress(), ctx.now()) {
        Standing::Settled => return Ok(Outcome::Skip("settled")),
        Standing::Held(until) => {
            let seconds = u32::try_from(until.since(ctx.now()).as_secs() + 1).unwrap_or(u32::MAX);
            return Ok(Outcome::Wait { seconds, code: "held" });
        }
        Standing::Free => {}
    }
    let claim: RequestId = ctx.new_id();
    match outbox.claim(&row, claim).await? {
        Some(row) => Dispatch { ctx, outbox, mailer, claim }.run(row).await,
        None => Ok(LOST),
    }
}

const LOST: Outcome = Outcome::Wait { seconds: 5, code: "claim_lost" };

/// One dispatcher's hold on one row.
struct Dispatch<'a> {
    ctx: &'a Ctx<Worker>,
    outbox: Outbox<'a>,
    mailer: &'a dyn Mailer,
    claim: RequestId,
}

impl Dispatch<'_> {
    async fn run(&self, mut row: OutboxRow) -> Result<Outcome, Error> {
        let account = match self.check(&row).await {
            Ok(Ok(account)) => account,
            Ok(Err(end)) => return self.settle(&row, end).await,
            Err(error) => {
                let due_at = self.ctx.now().plus(CHECK_AGAIN).plus(SWEEP_SLACK);
                self.give_back(&row, row.attempts, error.code(), due_at).await?;
                return Err(error);
            }
        };
        let before = row.attempts;
        match self.outbox.hand_over(&mut row, self.claim, self.mailer.name()).await? {
            HandOver::Granted => {}
            HandOver::Lost => return Ok(LOST),
            HandOver::Duplicate => {
                return self.settle(&row, End::Skipped(SkipReason::Duplicate)).await;
            }
        }
        let Err(refused) = self.mailer.send(letter(&row, account)).await else {
            return self.settle(&row, End::Accepted).await;
        };
        let after = |seconds: u32| self.ctx.now().plus(Duration::from_secs(u64::from(seconds)));
        match hand_off::next(class(refused), row.attempts) {
            Next::Settle(end) => self.settle(&row, end).await,
            Next::Again { in_s, code } => {
                // The queue comes first; the sweeper only where its message got lost.
                let due_at = after(in_s).plus(SWEEP_SLACK);
                self.give_back(&row, row.attempts, code, due_at).await?;
                Ok(Outcome::Retry(code))
            }
            Next::Wait { in_s } => {
                // Waiting is the sweeper's: a message that waits would wear out its attempts.
                self.give_back(&row, before, "provider_limited", after(in_s)).await?;
                Ok(Outcome::Skip("provider_limited"))
            }
        }
    }

    /// The account to write to, or the end of a row that must not be sent any more.
    async fn check(&self, row: &OutboxRow) -> Result<Result<Account, End>, Error> {
        if let Some(end) = hand_off::too_late(&row.progress(), self.ctx.now()) {
            return Ok(Err(end));
        }
        let account = Contacts::of(self.ctx).account(row.user_id).await?;
        let reachable = account.filter(|account| {
            let proven = account.verified || !row.category.demands_verified();
            proven && !account.email.is_empty()
        });
        Ok(reachable.ok_or(End::Skipped(SkipReason::NoAddress)))
    }

    async fn settle(&self, row: &OutboxRow, end: End) -> Result<Outcome, Error> {
        let mine = self.outbox.settle(row, self.claim, end).await?;
        Ok(if mine { Outcome::Done } else { LOST })
    }

    async fn give_back(
        &self,
        row: &OutboxRow,
        attempts: u32,
        code: &str,
        due_at: kernel::Timestamp,
    ) -> Result<(), Error> {
        self.outbox.release(row, self.claim, attempts, code, due_at).await
    }
}

/// The mail of a row; every copy of it has the same `Message-ID`.
fn letter(row: &OutboxRow, account: Account) -> Message {
    let letter = row.template.letter(&account.name);
    Message {
        message_id: row.row_id.to_string(),
        to: account.email,
        subject: letter.subject.to_owned(),
        text: letter.text,
        html: letter.html,
    }
}

fn class(error: MailError) -> ProviderError {
    match error {
        MailError::Transient => ProviderError::Transient,
        MailError::Limited { retry_after_s } => ProviderError::Limited { retry_after_s },
        MailError::Address => ProviderError::Address,
        MailError::Content => ProviderError::Content,
        MailError::Auth => ProviderError::Auth,
        MailError::Unknown => ProviderError::Unknown,
    }
}
