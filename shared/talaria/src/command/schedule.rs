use clap::{Args, Subcommand};
use contracts::Nothing;
use contracts::platform::{
    SCHEDULE_CANCEL, SCHEDULE_LIST, SCHEDULE_RUN, ScheduleAddress, ScheduleChoice,
};

use crate::console::Failure;
use crate::operators::{Consent, Lines, Part, Place, json, more, or_dash, plan, run, table};

/// What is planned for a later time: list, run now, cancel.
#[derive(Args)]
pub struct Schedule {
    #[command(subcommand)]
    command: ScheduleCommand,
}

#[derive(Subcommand)]
enum ScheduleCommand {
    Ls(Ls),
    /// Announce a scheduled event now, within a minute.
    Run(Choice),
    /// Cancel a scheduled event.
    Cancel(Choice),
}

/// List what is planned, earliest first.
#[derive(Args)]
struct Ls {
    #[command(flatten)]
    part: Part,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct Choice {
    /// <tenant>/<l|t>/<module>/<key>, as the list prints it.
    schedule: ScheduleAddress,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    place: Place,
}

impl Schedule {
    pub fn run(&self) -> Result<(), Failure> {
        run(async |lines| self.perform(lines).await)
    }

    /// Lists, runs or cancels; refuses where nothing answers.
    pub async fn perform(&self, lines: Lines<'_>) -> Result<(), Failure> {
        let (operation, choice) = match &self.command {
            ScheduleCommand::Ls(ls) => return ls.perform(lines).await,
            ScheduleCommand::Run(choice) => (&SCHEDULE_RUN, choice),
            ScheduleCommand::Cancel(choice) => (&SCHEDULE_CANCEL, choice),
        };
        let request = ScheduleChoice { schedule: choice.schedule.clone() };
        let done = choice.place.desk()?.order(operation, &request, &choice.consent).await?;
        plan(&done, &choice.place, lines);
        Ok(())
    }
}

impl Ls {
    async fn perform(&self, lines: Lines<'_>) -> Result<(), Failure> {
        let request = self.part.of(Nothing::default())?;
        let list = self.place.desk()?.ask(&SCHEDULE_LIST, &request).await?;
        if self.place.json {
            json(&list, lines);
            return Ok(());
        }
        let rows = list.data.iter().map(|line| {
            let schedule = or_dash(line.schedule.as_ref());
            [line.due_at.to_string(), line.kind.clone(), line.what.clone(), schedule]
        });
        table(["due", "kind", "what", "schedule"], &rows.collect::<Vec<_>>(), lines);
        more(list.next_cursor.as_ref(), lines);
        Ok(())
    }
}
