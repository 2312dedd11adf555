use runtime::Row;
use runtime::module::react;
use runtime::secrets::SecretName;
use runtime::wiring::{Grants, READS, WRITES};
use store::{PLATFORM, Table};

use super::statement::{allow, statements};
use super::*;
use crate::fixture;
use crate::template::intrinsic::queue_arn;

fn granted(id: &str) -> Vec<(&'static str, Vec<&'static str>, bool)> {
    let module = fixture::module();
    granted_in(&module, id)
}

fn granted_in(module: &Module, id: &str) -> Vec<(&'static str, Vec<&'static str>, bool)> {
    let grants = Grants::of(module, module.row(id).unwrap());
    let tables = grants.tables.into_iter();
    tables
        .map(|one| (one.table.name(), one.operations.into_iter().collect(), one.tenants_only))
        .collect()
}

#[test]
fn a_function_gets_the_tables_it_declares_and_those_of_its_pipeline() {
    let cells = ("gateway", vec!["GetItem", "UpdateItem"], false);
    let cases = [
        ("profile.get", vec![cells.clone(), ("profile", READS.to_vec(), true)]),
        (
            "profile.update",
            vec![
                cells,
                ("idempotency", vec!["GetItem", "PutItem"], true),
                ("outbox", vec!["GetItem", "PutItem", "Query", "UpdateItem"], true),
                ("profile", WRITES.to_vec(), true),
            ],
        ),
        (
            "demo.on_updated",
            vec![
                ("inbox", vec!["BatchGetItem", "GetItem", "PutItem", "UpdateItem"], true),
                ("platform", vec!["BatchGetItem", "DeleteItem", "PutItem"], true),
            ],
        ),
        ("demo.tidy", vec![("profile", WRITES.to_vec(), false)]),
        ("demo.relay", vec![("outbox", WRITES.to_vec(), false)]),
    ];
    for (id, expected) in cases {
        assert_eq!(granted(id), expected, "{id}");
    }
}

#[test]
fn who_plans_a_timer_may_send_to_the_job_that_fires_timers_and_write_rows_of_tenants() {
    let module = fixture::module();
    let row = module.row("profile.update").unwrap().clone().schedules([]);
    let all = statements(&module, &row);
    let about_queues: Vec<&Value> =
        all.iter().filter(|one| one.to_string().contains("sqs:")).collect();
    let fire = json!([queue_arn("platform-schedule_fire")]);
    assert_eq!(about_queues, [&allow(&["sqs:SendMessage"], fire)]);
    assert!(Grants::of(&module, &row).table(PLATFORM.name()).unwrap().tenants_only);
}

#[test]
fn who_commits_may_do_what_its_inline_listeners_and_reactors_do() {
    let (noted, tallied) = (Table::new("notes"), Table::new("tallies"));
    let updated = events::profile::UPDATED;
    let mut module = fixture::module();
    module.rows.push(
        fixture::hears("demo.on_saved", updated.spec)
            .inline(300)
            .writes([noted])
            .opens([SecretName::new("k")]),
    );
    let tally = react("demo.tally", &updated, |_| Ok(store::Change::new()));
    module = module.reacts([tally.writes([tallied])]);
    let tables = |id| -> Vec<_> {
        granted_in(&module, id)
            .into_iter()
            .map(|(table, operations, _)| (table, operations))
            .collect()
    };
    let inbox = ("inbox", vec!["BatchGetItem", "GetItem", "PutItem", "UpdateItem"]);
    let update = tables("profile.update");
    for granted in [inbox, ("notes", WRITES.to_vec()), ("tallies", WRITES.to_vec())] {
        assert!(update.contains(&granted), "{granted:?}: {update:?}");
    }
    let text = |id| json!(statements(&module, module.row(id).unwrap())).to_string();
    assert!(text("profile.update").contains("SecretPrefix}k"));
    assert!(!text("profile.update").contains("ReceiveMessage"));
    let get = tables("profile.get");
    assert!(get.iter().all(|(table, _)| !["inbox", "notes", "tallies"].contains(table)));
}

#[test]
fn below_archive_who_writes_may_put_who_reads_may_list_and_get_and_nothing_else() {
    let module = fixture::module();
    let row = module.row("demo.tidy").unwrap();
    let about_s3 = |row: &Row| {
        let all = statements(&module, row).into_iter();
        all.filter(|one| one.to_string().contains("s3:")).collect::<Vec<_>>()
    };
    assert_eq!(about_s3(row), Vec::<Value>::new());
    let files = json!({ "Fn::Sub": "arn:${AWS::Partition}:s3:::${ArchiveBucket}/archive/*" });
    assert_eq!(about_s3(&row.clone().archives()), [allow(&["s3:PutObject"], files.clone())]);
    assert_eq!(about_s3(&row.clone().names_archive()), Vec::<Value>::new());
    let listing = json!({
        "Effect": "Allow",
        "Action": ["s3:ListBucket"],
        "Resource": { "Fn::Sub": "arn:${AWS::Partition}:s3:::${ArchiveBucket}" },
        "Condition": { "StringLike": { "s3:prefix": ["archive/*"] } },
    });
    let reads = about_s3(&row.clone().reads_archive());
    assert_eq!(reads, [allow(&["s3:GetObject"], files), listing]);
}

#[test]
fn nobody_scans_and_only_logs_traces_and_streams_are_unnamed() {
    let module = fixture::module();
    for row in &module.rows {
        for statement in statements(&module, row) {
            let actions = statement["Action"].to_string();
            assert!(!actions.contains("Scan") && !actions.contains('*'), "{}: {actions}", row.id);
            if statement["Resource"] == json!("*") {
                assert!(actions.contains("xray:") || actions.contains("ListStreams"), "{actions}");
            }
        }
    }
}

#[test]
fn functions_with_the_same_grants_share_a_role_that_says_what_it_allows() {
    let get = |id| {
        let mut row = fixture::module().row("profile.get").unwrap().clone();
        row.id = id;
        row
    };
    let rows = [get("demo.a"), fixture::module().row("demo.tidy").unwrap().clone(), get("demo.b")];
    let roles = Roles::of(&fixture::module_of(rows));
    let names: Vec<String> = roles.resources().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["ReadsProfileCountsRole", "DemoTidyRole"]);
    assert_eq!(roles.arn("demo.a"), json!({ "Fn::GetAtt": ["ReadsProfileCountsRole", "Arn"] }));
    assert_eq!(roles.arn("demo.a"), roles.arn("demo.b"));
}

#[test]
fn whoever_has_a_grant_more_has_another_role() {
    let row = || fixture::module().row("profile.get").unwrap().clone();
    let more: [Row; 6] = [
        row().reads([Table::new("notes")]),
        row().writes([fixture::DEMO]),
        row().opens([SecretName::new("k")]),
        row().emits([events::profile::UPDATED.spec]),
        row().calls(&contracts::auth::ACCOUNT_GET),
        row().reads_archive(),
    ];
    for (at, mut other) in more.into_iter().enumerate() {
        other.id = "demo.other";
        let roles = Roles::of(&fixture::module_of([row(), other]));
        assert_ne!(roles.arn("profile.get"), roles.arn("demo.other"), "{at}");
    }
}

#[test]
fn roles_whose_words_are_the_same_are_told_apart() {
    let row = |id, table: Table| {
        let mut row = fixture::module().row("profile.get").unwrap().clone();
        (row.id, row.reads) = (id, vec![table]);
        row
    };
    let (kept, open) = (Table::new("notes").guarded(), Table::new("notes"));
    let rows = [row("demo.a", kept), row("demo.b", open), row("demo.c", kept), row("demo.d", open)];
    let names: Vec<String> = Roles::of(&fixture::module_of(rows))
        .resources()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["ReadsNotesCountsRole", "ReadsNotesCounts2Role"]);
}

#[test]
fn no_pattern_of_queues_fits_a_queue_of_another_stack() {
    let module = fixture::module();
    let row = module.row("demo.tidy").unwrap().clone();
    let row = row.sends().watches_queues().clears_dead_letters();
    let all = statements(&module, &row).into_iter();
    let about_queues: Vec<Value> = all
        .filter(|one| one.to_string().contains("sqs:Send") || one.to_string().contains("*-dlq"))
        .collect();
    assert!(!about_queues.is_empty());
    for statement in about_queues {
        let place = statement["Resource"]["Fn::Sub"].as_str().unwrap();
        // Names of stacks have letters, digits and hyphens.
        assert!(place.contains(":${Name}_"), "{place}");
    }
}

#[test]
fn a_role_is_taken_on_for_this_account_alone() {
    for (name, role) in Roles::of(&fixture::module()).resources() {
        let trust = &role["Properties"]["AssumeRolePolicyDocument"]["Statement"][0];
        let account = &trust["Condition"]["StringEqualsIfExists"]["aws:SourceAccount"];
        assert_eq!(*account, json!({ "Ref": "AWS::AccountId" }), "{name}");
    }
}
