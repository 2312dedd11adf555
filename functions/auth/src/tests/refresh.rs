use local::fault::Fault;

use super::{ADA, Door, Tokens};

#[tokio::test]
async fn a_lost_answer_is_repeated_and_counted_once() {
    let door = Door::open().await;
    let session = door.signed_in(ADA).await;
    let first = door.refresh(session.refresh()).await;
    assert_eq!(first.expect(200).header("x-dynamodb-requests"), "1");
    let again = door.refresh(session.refresh()).await;
    assert_eq!(again.expect(200).refresh(), first.refresh());
    for token in [first.access(), again.access(), session.access()] {
        door.me(token).await.expect(200);
    }
}

#[tokio::test]
async fn a_refresh_that_died_can_be_repeated() {
    for fault in [Fault::CrashBefore, Fault::CrashAfter, Fault::ReplyLost, Fault::ErrorBefore] {
        let door = Door::open().await;
        let session = door.signed_in(ADA).await;
        let faults = door.cloud().faults();
        faults.reset();
        // The first call counts the network, the second moves the session on.
        door.breaks("auth.token_refresh", 2, fault);
        door.refresh(session.refresh()).await;
        assert_eq!(faults.fired().len(), 1, "{fault:?}");
        faults.stop();
        let repeated = door.refresh(session.refresh()).await;
        let next = door.refresh(repeated.expect(200).refresh()).await;
        door.me(next.expect(200).access()).await.expect(200);
    }
}

#[tokio::test]
async fn side_by_side_refreshes_all_get_the_same_next_token() {
    let door = Door::open().await;
    let session = door.signed_in(ADA).await;
    let (one, two, three) = tokio::join!(
        door.refresh(session.refresh()),
        door.refresh(session.refresh()),
        door.refresh(session.refresh()),
    );
    for answer in [&one, &two, &three] {
        assert_eq!(answer.expect(200).refresh(), one.refresh());
    }
    door.refresh(one.refresh()).await.expect(200);
}

#[tokio::test]
async fn a_token_that_comes_back_late_ends_its_session_once() {
    let door = Door::open().await;
    let session = door.signed_in(ADA).await;
    let next = door.refresh(session.refresh()).await;
    door.minutes(1).await;
    for _ in 0..2 {
        door.refresh(session.refresh()).await.refused(401, "credential_invalid");
    }
    door.refresh(next.refresh()).await.refused(401, "credential_invalid");
    door.me(next.access()).await.refused(401, "credential_invalid");
}

#[tokio::test]
async fn a_session_slides_while_it_is_used_and_ends_for_good() {
    let door = Door::open().await;
    let session = door.signed_in(ADA).await;
    door.minutes(11 * 60).await;
    let next = door.refresh(session.refresh()).await;
    assert_eq!(next.expect(200).json["refresh_expires_in"], 12 * 3600);
    door.minutes(11 * 60).await;
    let last = door.refresh(next.refresh()).await;
    let left_s = last.expect(200).json["refresh_expires_in"].as_i64().unwrap();
    assert!((7_100..=7_200).contains(&left_s), "a day from the sign-in on, not more: {left_s}");
    door.minutes(2 * 60).await;
    door.refresh(last.refresh()).await.refused(401, "credential_invalid");

    door.minutes(1).await;
    let idle = door.login(ADA, super::PASSWORD).await;
    door.minutes(12 * 60).await;
    door.refresh(idle.refresh()).await.refused(401, "credential_invalid");
}

#[tokio::test]
async fn what_is_no_refresh_token_reads_nothing() {
    let door = Door::open().await;
    let session = door.signed_in(ADA).await;
    let mut forged = session.refresh().to_owned();
    forged.pop();
    forged.push(if session.refresh().ends_with('A') { 'B' } else { 'A' });
    for token in ["", "trt_", session.access(), session.text_at("/device_token"), &forged] {
        let refused = door.refresh(token).await;
        assert_eq!(refused.refused(401, "credential_invalid").header("x-dynamodb-requests"), "0");
    }
}
