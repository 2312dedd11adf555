mod dead_letters;
mod desk;
mod outbox;
mod replays;
mod schedules;
mod shown;
