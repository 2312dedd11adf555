use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_000_000);
const MILLISECOND: Duration = Duration::from_millis(1);

fn application(number: u8) -> AppId {
    AppId::from_bytes([number; 16])
}

fn token(counter: u32) -> Token {
    Token { counter, application: application(1) }
}

fn row(counter: u32) -> Row {
    Row {
        counter,
        pepper_id: 3,
        rotated_at: NOW,
        status: SessionStatus::Active,
        idle_expires_at: NOW.plus(Duration::from_secs(3600)),
        absolute_expires_at: NOW.plus(Duration::from_secs(7200)),
        application: application(1),
        grace: GRACE,
    }
}

#[test]
fn a_refresh_is_decided_in_the_order_of_the_checks() {
    use Refused::{Application, Behind, Ended, Expired, Unknown};
    let replay = Rotation::Replay { counter: 7, pepper_id: 3 };
    let refuse = Rotation::Refuse;
    let late = NOW.plus(GRACE).plus(MILLISECOND);
    let foreign = Row { application: application(2), ..row(7) };
    let ended = Row { status: SessionStatus::Revoked, ..row(7) };
    let reused = Row { status: SessionStatus::ReuseRevoked, ..row(7) };
    let idle = Row { idle_expires_at: NOW, ..row(7) };
    let over = Row { absolute_expires_at: NOW, ..row(7) };
    let no_grace = Row { grace: Duration::ZERO, ..row(7) };
    let long_grace = Row { grace: Duration::from_secs(3600), ..row(7) };
    let last = Row { ..row(u32::MAX) };
    let table: [(&str, u32, Option<Row>, Timestamp, Rotation); 24] = [
        ("no session", 7, None, NOW, refuse(Unknown)),
        ("the live token", 7, Some(row(7)), NOW, Rotation::Rotate { counter: 8 }),
        ("the live token, much later", 7, Some(row(7)), late, Rotation::Rotate { counter: 8 }),
        ("just replaced", 6, Some(row(7)), NOW, replay),
        ("end of the grace", 6, Some(row(7)), NOW.plus(GRACE), replay),
        ("clock behind", 6, Some(row(7)), NOW.minus(GRACE), replay),
        ("after the grace", 6, Some(row(7)), late, Rotation::Reuse),
        ("no grace, same moment", 6, Some(no_grace), NOW, replay),
        ("no grace, later", 6, Some(no_grace), NOW.plus(MILLISECOND), Rotation::Reuse),
        ("grace is capped", 6, Some(long_grace), NOW.plus(MAX_GRACE), replay),
        ("past the cap", 6, Some(long_grace), NOW.plus(MAX_GRACE + MILLISECOND), Rotation::Reuse),
        ("two back, within the grace", 5, Some(row(7)), NOW, Rotation::Reuse),
        ("first of a long chain", 0, Some(row(7)), NOW, Rotation::Reuse),
        ("restored backup", 8, Some(row(7)), NOW, refuse(Behind)),
        ("another application", 7, Some(foreign), NOW, refuse(Application)),
        ("another application, replaced", 1, Some(foreign), NOW, refuse(Application)),
        ("ended", 7, Some(ended), NOW, refuse(Ended)),
        ("ended, replaced token", 1, Some(ended), late, refuse(Ended)),
        ("already ended for reuse", 1, Some(reused), late, refuse(Ended)),
        ("idle", 7, Some(idle), NOW, refuse(Expired)),
        ("absolute end", 7, Some(over), NOW, refuse(Expired)),
        ("absolute end within the grace", 6, Some(over), NOW, refuse(Expired)),
        ("expired, replaced token", 1, Some(over), late, refuse(Expired)),
        ("end of the chain", u32::MAX, Some(last), NOW, refuse(Expired)),
    ];
    for (name, counter, row, now, expected) in table {
        assert_eq!(decide(&token(counter), row.as_ref(), now), expected, "{name}");
    }
}

/// A token as its holder has it: what decides whether two are one.
type Held = (u32, u8);

/// What a caller got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Token(Held),
    Error,
}

/// One caller of the model: presents the same first token until an answer arrives.
#[derive(Clone, Copy)]
struct Caller {
    /// Replies that will be lost on the way.
    replies_lost: u8,
    /// A reuse was seen and its transaction is still to come.
    must_revoke: bool,
    answer: Option<Answer>,
}

/// The world between two atomic steps.
#[derive(Clone)]
struct World {
    row: Row,
    callers: Vec<Caller>,
    now: Timestamp,
    revocations: u32,
    /// Whether any caller acted after the grace of the first rotation.
    someone_was_late: bool,
    /// Successors of the first token, as minted or derived.
    successors: Vec<Held>,
    rotations: u32,
}

impl World {
    fn new(callers: Vec<Caller>) -> Self {
        Self {
            row: Row { rotated_at: NOW.minus(Duration::from_secs(100)), ..row(1) },
            callers,
            now: NOW,
            revocations: 0,
            someone_was_late: false,
            successors: Vec::new(),
            rotations: 0,
        }
    }

    /// One atomic step of a caller: the conditional write with its answer, or the revocation.
    fn step(&mut self, index: usize, newest_pepper: u8) {
        let caller = self.callers[index];
        if caller.must_revoke {
            // Only the transaction that flips the state counts (and would emit the event).
            if self.row.status == SessionStatus::Active {
                self.row.status = SessionStatus::ReuseRevoked;
                self.revocations += 1;
            }
            self.callers[index].must_revoke = false;
            self.callers[index].answer = Some(Answer::Error);
            return;
        }
        if self.rotations > 0 && self.now.since(self.row.rotated_at) > self.row.grace {
            self.someone_was_late = true;
        }
        let answer = match decide(&token(1), Some(&self.row), self.now) {
            Rotation::Rotate { counter } => {
                self.row =
                    Row { counter, pepper_id: newest_pepper, rotated_at: self.now, ..self.row };
                self.rotations += 1;
                Answer::Token((counter, newest_pepper))
            }
            Rotation::Replay { counter, pepper_id } => Answer::Token((counter, pepper_id)),
            Rotation::Reuse => {
                self.callers[index].must_revoke = true;
                return;
            }
            Rotation::Refuse(_) => Answer::Error,
        };
        if let Answer::Token(held) = answer {
            self.successors.push(held);
        }
        if caller.replies_lost > 0 {
            self.callers[index].replies_lost -= 1;
        } else {
            self.callers[index].answer = Some(answer);
        }
    }

    /// What must hold whatever happened so far.
    fn check(&self) {
        assert!(self.rotations <= 1, "the first token was rotated twice");
        assert!(self.successors.windows(2).all(|pair| pair[0] == pair[1]), "two successors");
        assert!(self.revocations <= 1, "the session was revoked twice");
        assert!(self.revocations == 0 || self.someone_was_late, "a client in time was punished");
        let live = (0..4).filter(|counter| {
            matches!(decide(&token(*counter), Some(&self.row), self.now), Rotation::Rotate { .. })
        });
        assert!(live.count() <= 1, "two live tokens");
    }

    /// What must hold when everybody has an answer.
    fn check_end(&self) {
        for caller in &self.callers {
            assert!(
                caller.answer != Some(Answer::Error)
                    || self.someone_was_late
                    || self.now >= self.row.absolute_expires_at,
                "a refresh in time failed"
            );
        }
        assert_eq!(self.revocations, u32::from(self.someone_was_late), "a thief got away");
        if self.row.status == SessionStatus::ReuseRevoked {
            let afterwards = decide(&token(self.row.counter), Some(&self.row), self.now);
            assert_eq!(afterwards, Rotation::Refuse(Refused::Ended));
        }
    }
}

/// Walks every order of steps, with the clock standing still, moving within the grace, or past it
/// before each step, and the newest pepper changing with every step.
fn explore(world: &World, jumps: &[Duration], budget_of_jumps: u8, steps: u8, count: &mut u64) {
    world.check();
    let waiting: Vec<usize> =
        (0..world.callers.len()).filter(|index| world.callers[*index].answer.is_none()).collect();
    if waiting.is_empty() {
        world.check_end();
        *count += 1;
        return;
    }
    for index in waiting {
        for jump in jumps {
            if !jump.is_zero() && budget_of_jumps == 0 {
                continue;
            }
            let mut next = world.clone();
            next.now = next.now.plus(*jump);
            next.step(index, steps);
            let left = budget_of_jumps - u8::from(!jump.is_zero());
            explore(&next, jumps, left, steps + 1, count);
        }
    }
}

fn callers(parallel: usize, losers: usize) -> Vec<Caller> {
    (0..parallel)
        .map(|index| Caller {
            replies_lost: u8::from(index < losers),
            must_revoke: false,
            answer: None,
        })
        .collect()
}

#[test]
fn no_order_of_parallel_refreshes_and_lost_replies_within_the_grace_loses_or_forks_a_session() {
    let mut schedules = 0;
    for parallel in 1..=4 {
        for losers in 0..=parallel {
            let jumps = [Duration::ZERO, GRACE / 2];
            explore(&World::new(callers(parallel, losers)), &jumps, 2, 10, &mut schedules);
        }
    }
    assert!(schedules > 10_000, "{schedules}");
}

#[test]
fn a_replaced_token_after_the_grace_ends_the_session_exactly_once_in_every_order() {
    let mut schedules = 0;
    for parallel in 1..=4 {
        for losers in 0..=parallel.min(2) {
            let jumps = [Duration::ZERO, GRACE + MILLISECOND];
            explore(&World::new(callers(parallel, losers)), &jumps, 2, 10, &mut schedules);
        }
    }
    assert!(schedules > 10_000, "{schedules}");
}

#[test]
fn the_absolute_end_holds_in_every_order() {
    let mut schedules = 0;
    for parallel in 1..=4 {
        let mut world = World::new(callers(parallel, parallel));
        world.row.absolute_expires_at = NOW.plus(Duration::from_secs(5));
        explore(&world, &[Duration::ZERO, Duration::from_secs(5)], 1, 10, &mut schedules);
        let mut late = world;
        late.now = late.row.absolute_expires_at;
        for index in 0..parallel {
            late.step(index, 99);
        }
        assert!(late.successors.is_empty());
    }
    assert!(schedules > 1_000, "{schedules}");
}
