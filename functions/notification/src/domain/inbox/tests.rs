use super::*;

/// Noon of 1 June 2030.
const NOON: Timestamp = Timestamp::from_ms(1_906_545_600_000);

fn days_later(days: i64) -> Timestamp {
    Timestamp::from_seconds(NOON.seconds() + days * DAY_S)
}

fn of(items: u64) -> Inbox {
    let mut inbox = Inbox::empty();
    for seq in 1..=items {
        assert_eq!(inbox.add(NOON).seq, seq);
    }
    inbox
}

fn figures(inbox: &Inbox) -> (u64, u64, u64) {
    let counters = inbox.counters();
    (counters.last_seq, counters.unseen, counters.unread)
}

#[test]
fn counters_follow_from_marks_and_exceptions() {
    type Step = fn(&mut Inbox);
    let table: [(&str, Step, (u64, u64, u64)); 12] = [
        ("new", |_| {}, (5, 5, 5)),
        ("seen", |i| i.see_upto(3), (5, 2, 5)),
        ("seen back", |i| [4, 2].map(|s| i.see_upto(s)).into_iter().collect(), (5, 1, 5)),
        ("seen beyond", |i| i.see_upto(99), (5, 0, 5)),
        ("read", |i| i.read_upto(3), (5, 5, 2)),
        ("read back", |i| [3, 1].map(|s| i.read_upto(s)).into_iter().collect(), (5, 5, 2)),
        ("read one above", |i| i.change(5, Some(true), None).unwrap(), (5, 5, 4)),
        (
            "read one, then all below",
            |i| {
                i.change(2, Some(true), None).unwrap();
                i.read_upto(3);
            },
            (5, 5, 2),
        ),
        (
            "unread one below",
            |i| {
                i.read_upto(4);
                i.change(2, Some(false), None).unwrap();
            },
            (5, 5, 2),
        ),
        (
            "the same mark again reads what was made unread",
            |i| {
                i.read_upto(4);
                i.change(2, Some(false), None).unwrap();
                i.read_upto(4);
            },
            (5, 5, 1),
        ),
        (
            "an older mark does not",
            |i| {
                i.read_upto(4);
                i.change(2, Some(false), None).unwrap();
                i.read_upto(3);
            },
            (5, 5, 2),
        ),
        ("archiving reads", |i| i.change(5, None, Some(true)).unwrap(), (5, 5, 4)),
    ];
    for (name, step, expected) in table {
        let mut inbox = of(5);
        step(&mut inbox);
        assert_eq!(figures(&inbox), expected, "{name}");
    }
}

#[test]
fn an_archived_item_is_read_until_it_comes_back() {
    let mut inbox = of(3);
    assert_eq!(inbox.change(2, Some(false), Some(true)), Err(Refused::UnreadInArchive));
    inbox.change(2, None, Some(true)).unwrap();
    assert!(inbox.is_read(2) && inbox.is_archived(2));
    inbox.change(2, None, Some(false)).unwrap();
    assert!(inbox.is_read(2) && !inbox.is_archived(2));
    inbox.change(2, None, Some(true)).unwrap();
    inbox.change(2, Some(false), None).unwrap();
    assert!(!inbox.is_read(2) && !inbox.is_archived(2));
    inbox.change(2, Some(true), Some(true)).unwrap();
    assert!(inbox.is_read(2) && inbox.is_archived(2));
}

#[test]
fn numbers_that_are_not_there_are_unknown() {
    let mut inbox = of(2);
    for seq in [0, 3, u64::MAX] {
        assert_eq!(inbox.change(seq, Some(true), None), Err(Refused::Unknown), "{seq}");
    }
    assert_eq!(Inbox::empty().change(1, Some(true), None), Err(Refused::Unknown));
}

#[test]
fn a_full_window_drops_the_oldest_with_its_exceptions() {
    let mut inbox = of(WINDOW);
    inbox.change(1, None, Some(true)).unwrap();
    inbox.change(2, Some(true), None).unwrap();
    assert_eq!(inbox.counters().unread, WINDOW - 2);
    inbox.add(NOON);
    inbox.add(NOON);
    assert_eq!(figures(&inbox), (WINDOW + 2, WINDOW, WINDOW));
    assert_eq!(inbox.change(2, Some(false), None), Err(Refused::Unknown));
    assert_eq!(inbox.page(Filter::Archived, None, 10), (vec![], false));
}

#[test]
fn items_leave_together_with_their_day() {
    let mut inbox = of(2);
    let first = inbox.add(NOON);
    assert_eq!(first.expires_at, (NOON.seconds().div_euclid(DAY_S) + 91) * DAY_S);
    let second = inbox.add(days_later(1));
    assert_eq!(second.expires_at, first.expires_at + DAY_S);
    inbox.change(1, Some(true), None).unwrap();
    let last = Timestamp::from_seconds(first.expires_at - 1);
    assert_eq!(figures(&inbox.clone().aged(last)), (4, 4, 3));
    let over = Timestamp::from_seconds(first.expires_at);
    assert_eq!(figures(&inbox.clone().aged(over)), (4, 1, 1));
    assert_eq!(figures(&inbox.clone().aged(days_later(200))), (4, 0, 0));
    let mut reborn = inbox.aged(days_later(200));
    assert_eq!(reborn.add(days_later(200)).seq, 5);
    assert_eq!(figures(&reborn), (5, 1, 1));
}

#[test]
fn a_clock_that_runs_back_lets_no_item_leave_early() {
    let mut inbox = Inbox::empty();
    let today = inbox.add(days_later(3));
    assert_eq!(inbox.add(NOON), Added { seq: 2, expires_at: today.expires_at });
}

#[test]
fn pages_go_from_new_to_old_and_know_their_end() {
    let mut inbox = of(6);
    inbox.change(5, None, Some(true)).unwrap();
    inbox.read_upto(2);
    let table = [
        (Filter::Current, None, 2, vec![6, 4], true),
        (Filter::Current, Some(4), 3, vec![3, 2, 1], false),
        (Filter::Current, None, 0, vec![], true),
        (Filter::Unread, None, 10, vec![6, 4, 3], false),
        (Filter::Unread, Some(6), 1, vec![4], true),
        (Filter::Archived, None, 10, vec![5], false),
        (Filter::Archived, Some(5), 10, vec![], false),
    ];
    for (filter, before, limit, numbers, more) in table {
        assert_eq!(inbox.page(filter, before, limit), (numbers, more), "{filter:?} {before:?}");
    }
    assert_eq!(Inbox::empty().page(Filter::Current, None, 0), (vec![], false));
}

/// An inbox that remembers each item by itself.
#[derive(Default)]
struct Naive {
    items: Vec<NaiveItem>,
    seen_mark: u64,
    read_mark: u64,
}

#[derive(Clone, Copy, Default)]
struct NaiveItem {
    seen: bool,
    read: bool,
    archived: bool,
    gone: bool,
}

impl Naive {
    fn upto(&mut self, seq: u64) -> impl Iterator<Item = &mut NaiveItem> {
        let count = usize::try_from(seq).unwrap().min(self.items.len());
        self.items[..count].iter_mut()
    }

    fn see(&mut self, seq: u64) {
        self.seen_mark = self.seen_mark.max(seq);
        self.upto(seq).for_each(|item| item.seen = true);
    }

    fn read(&mut self, seq: u64) {
        if seq >= self.read_mark {
            self.read_mark = seq;
            self.upto(seq).for_each(|item| item.read = true);
        }
    }

    fn add(&mut self) {
        self.items.push(NaiveItem::default());
        if let Some(oldest) = self.items.len().checked_sub(usize::try_from(WINDOW).unwrap()) {
            self.items[..oldest].iter_mut().for_each(|item| item.gone = true);
        }
    }

    fn count(&self, which: fn(&NaiveItem) -> bool) -> u64 {
        let there = self.items.iter().filter(|item| !item.gone);
        u64::try_from(there.filter(|item| which(item)).count()).unwrap()
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same steps for the same seed everywhere.
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

#[test]
fn three_devices_always_see_what_a_naive_inbox_would_show() {
    for seed in 0..40 {
        let mut random = SplitMix(seed);
        let (mut inbox, mut naive) = (Inbox::empty(), Naive::default());
        // What each device believes the newest item to be: it only refreshes now and then.
        let mut known = [0_u64; 3];
        for step in 0..2_500 {
            let device = usize::try_from(random.below(3)).unwrap();
            let about = 1 + random.below(known[device].max(1));
            match random.below(10) {
                0..=4 => {
                    inbox.add(NOON);
                    naive.add();
                }
                5 => known[device] = inbox.counters().last_seq,
                6 => {
                    inbox.see_upto(about.min(known[device]));
                    naive.see(about.min(known[device]));
                }
                7 if random.below(8) == 0 => {
                    inbox.read_upto(about.min(known[device]));
                    naive.read(about.min(known[device]));
                }
                _ => {
                    let (read, archived) = [
                        (Some(true), None),
                        (Some(false), None),
                        (None, Some(true)),
                        (None, Some(false)),
                    ][usize::try_from(random.below(4)).unwrap()];
                    let index = usize::try_from(about - 1).unwrap();
                    let item = naive.items.get_mut(index).filter(|item| !item.gone);
                    assert_eq!(inbox.change(about, read, archived).is_ok(), item.is_some());
                    if let Some(item) = item {
                        item.archived = archived.unwrap_or(item.archived && read != Some(false));
                        item.read = read.unwrap_or(item.read || archived == Some(true));
                    }
                }
            }
            let figures = inbox.counters();
            let expected = (naive.count(|item| !item.seen), naive.count(|item| !item.read));
            assert_eq!((figures.unseen, figures.unread), expected, "seed {seed}, step {step}");
        }
        let unread = inbox.page(Filter::Unread, None, usize::MAX - 1).0;
        assert_eq!(u64::try_from(unread.len()).unwrap(), inbox.counters().unread);
        let archived = inbox.page(Filter::Archived, None, usize::MAX - 1).0;
        assert_eq!(u64::try_from(archived.len()).unwrap(), naive.count(|item| item.archived));
    }
}
