use std::process::Command;

use clap::Args;

use crate::console::Failure;
use crate::workspace::Workspace;

/// The test that runs as long as it is told to.
const SOAK: &str = "simulation::random_plans_end_well";

/// Run the simulation longer than the tests do: many seeds, faults at every AWS call.
#[derive(Args)]
pub struct Simulate {
    /// So many seeds.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// At most so many minutes.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    minutes: u64,
    /// The first seed; a failing one repeats its run exactly.
    #[arg(long)]
    seed: Option<u64>,
}

impl Simulate {
    /// Runs it and passes its progress on; refuses where a seed failed.
    pub fn run(&self) -> Result<(), Failure> {
        let status = self.program().status().map_err(|fault| Failure::program("cargo", fault))?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::refused("the simulation failed; the seed it printed repeats the run: --seed"))
    }

    fn program(&self) -> Command {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let mut program = Command::new(cargo);
        program
            .current_dir(Workspace::find().root())
            .args(["test", "--quiet", "--package", "tests", "--test", "it", "--"])
            .args([SOAK, "--exact", "--nocapture"])
            .env("TALARIA_SIMULATE_SEEDS", self.seeds.to_string())
            .env("TALARIA_SIMULATE_MINUTES", self.minutes.to_string());
        if let Some(seed) = self.seed {
            program.env("TALARIA_SIMULATE_SEED", seed.to_string());
        }
        program
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_simulation_is_told_how_long_to_run() {
        let simulate = Simulate { seeds: 7, minutes: 3, seed: Some(42) };
        let program = simulate.program();
        let arguments: Vec<_> = program.get_args().collect();
        assert!(arguments.ends_with(&[
            "--".as_ref(),
            SOAK.as_ref(),
            "--exact".as_ref(),
            "--nocapture".as_ref()
        ]));
        let name = SOAK.rsplit(':').next().unwrap();
        let tests = Workspace::find().at("tests/it/simulation.rs");
        let tests = std::fs::read_to_string(tests).unwrap();
        assert!(tests.contains(&format!("fn {name}()")), "there is no test {SOAK}");
        let told: Vec<(String, String)> = program
            .get_envs()
            .filter_map(|(name, value)| {
                Some((name.to_str()?.to_owned(), value?.to_str()?.to_owned()))
            })
            .collect();
        let expected = [("MINUTES", "3"), ("SEED", "42"), ("SEEDS", "7")];
        let expected =
            expected.map(|(name, value)| (format!("TALARIA_SIMULATE_{name}"), value.to_owned()));
        assert_eq!(told, expected);
    }
}
