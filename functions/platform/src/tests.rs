mod dead_letters;
mod demo;
mod desk;
mod outbox;
mod replays;
mod schedules;
mod shown;
