mod dead_letters;
mod outbox;
mod replays;
mod shown;
mod world;
