use super::*;

#[test]
fn a_plan_fires_at_its_call_and_at_no_other() {
    let faults = Faults::default();
    faults.inject(FaultPlan::Nth { n: 2, fault: Fault::Throttle });
    faults.inject(FaultPlan::NthOf { function: "b".to_owned(), n: 2, fault: Fault::CrashAfter });
    let happened: Vec<_> = ["a", "b", "a", "b", "b"].map(|f| faults.next(f)).to_vec();
    assert_eq!(happened, [None, Some(Fault::Throttle), None, Some(Fault::CrashAfter), None]);
    assert_eq!(faults.fired().iter().map(|f| f.call).collect::<Vec<_>>(), [2, 4]);
    faults.reset();
    assert_eq!((faults.calls(), faults.fired().len()), (0, 0));
}

#[test]
fn one_seed_gives_one_run_and_another_seed_another() {
    let run = |seed| {
        let faults = Faults::default();
        faults.chaos(seed);
        (0..2_000).map(|_| faults.next("f")).collect::<Vec<_>>()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
    let share = run(7).iter().flatten().count();
    assert!((10..=90).contains(&share), "{share} of 2000");
}

#[test]
fn two_plans_hit_a_pair_of_calls_and_another_plan_does_not_shift_them() {
    let run = |noise: bool| {
        let faults = Faults::default();
        if noise {
            faults.inject(FaultPlan::Random { seed: 1, per_mille: 0, faults: Fault::ALL.to_vec() });
            faults.inject(FaultPlan::At(vec![(9, Fault::Conflict)]));
        }
        faults.inject(FaultPlan::Nth { n: 2, fault: Fault::ReplyLost });
        faults.inject(FaultPlan::Nth { n: 5, fault: Fault::CrashAfter });
        (0..6).for_each(|_| {
            faults.next("f");
        });
        faults.schedule().calls
    };
    assert_eq!(run(false), [(2, Fault::ReplyLost), (5, Fault::CrashAfter)]);
    assert_eq!(run(true), run(false));
}

#[test]
fn what_happened_once_can_be_written_down_and_happens_again() {
    let faults = Faults::default();
    faults.chaos(11);
    let run = |faults: &Faults| {
        let calls = (0..500).map(|_| faults.next("f")).collect::<Vec<_>>();
        (calls, (0..500).map(|_| faults.next_delivery("f")).collect::<Vec<_>>())
    };
    let first = run(&faults);
    let schedule = faults.schedule();
    assert!(schedule.calls.len() > 3 && schedule.deliveries.len() > 3, "{schedule:?}");
    let written = serde_json::to_string(&schedule).unwrap();
    let read: Schedule = serde_json::from_str(&written).unwrap();
    assert_eq!(read, schedule);
    faults.reset();
    faults.replay(&read);
    assert_eq!(run(&faults), first);
    assert_eq!(faults.schedule(), schedule);
}

#[test]
fn a_schedule_in_json_names_the_faults_in_words() {
    let schedule: Schedule =
        serde_json::from_str(r#"{"calls":[[3,{"entry_refused":2}],[7,{"delay":50}]]}"#).unwrap();
    assert_eq!(schedule.calls, [(3, Fault::EntryRefused(2)), (7, Fault::Delay(50))]);
    assert_eq!(schedule.deliveries, []);
}
