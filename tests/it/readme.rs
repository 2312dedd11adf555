//! The README keeps its word: its own commands are run, and print what it shows.

use std::process::Command;

use crate::laptop::{Laptop, root};

/// A block of shell commands and what the README says it prints.
struct Step {
    commands: String,
    printed: Option<String>,
}

fn steps(readme: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut blocks = readme.split("```");
    blocks.next();
    while let (Some(block), _) = (blocks.next(), blocks.next()) {
        let (language, text) = block.split_once('\n').unwrap_or((block, ""));
        match (language, steps.last_mut()) {
            ("sh", _) => steps.push(Step { commands: text.to_owned(), printed: None }),
            (_, Some(step)) => step.printed = Some(text.to_owned()),
            (_, None) => {}
        }
    }
    steps
}

#[test]
fn the_tour_works_as_it_is_written() {
    let laptop = Laptop::start(&["--memory"]);
    let readme = std::fs::read_to_string(root().join("README.md")).expect("a README");
    let steps = steps(&readme);
    assert!(steps.len() >= 5, "the tour has steps");
    let mut script = "set -euo pipefail\n".to_owned();
    for step in &steps {
        script += &step.commands.replace("http://127.0.0.1:8080", laptop.url());
        script += "\nprintf '\\n@@@\\n'\n";
    }
    let run = Command::new("bash").args(["-c", &script]).output().expect("bash runs");
    let (printed, said) =
        (String::from_utf8_lossy(&run.stdout).into_owned(), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{printed}\n{said}");
    for (step, printed) in steps.iter().zip(printed.split("\n@@@\n")) {
        let Some(promised) = &step.printed else { continue };
        let mut rest = printed;
        for fragment in promised.trim().split('…') {
            let found = rest.find(fragment);
            let found = found.unwrap_or_else(|| panic!("{fragment:?} is not printed:\n{printed}"));
            rest = &rest[found + fragment.len()..];
        }
    }
}
