use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::{Args, ValueEnum};

use crate::console::{Failure, complain, say};
use crate::workspace::Workspace;

/// Newest symbols of the C library that Amazon Linux 2023 has.
const GLIBC_MAX: (u32, u32) = (2, 34);
/// Largest artefact we aim at, in bytes, zipped.
const ZIPPED_GOAL_BYTES: usize = 3_500_000;

/// Build the artefact of every module into target/lambda.
#[derive(Args)]
pub struct Build {
    /// The processor the functions run on; the one of this machine unless stated.
    #[arg(long)]
    arch: Option<Arch>,
    /// Only this module; may be repeated.
    #[arg(long = "module")]
    modules: Vec<String>,
}

/// A processor Lambda has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Arch {
    #[value(name = "x86_64")]
    X86_64,
    #[value(name = "arm64")]
    Arm64,
}

impl Arch {
    const fn target(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-unknown-linux-gnu",
            Self::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }

    /// Whether this machine has it.
    fn is_ours(self) -> bool {
        self.target().starts_with(std::env::consts::ARCH)
    }
}

impl Build {
    /// Builds once for all modules; refuses an artefact that Lambda's C library cannot run. Building for
    /// another processor needs its Rust target and linker installed.
    pub fn run(&self) -> Result<(), Failure> {
        let workspace = Workspace::find();
        let modules = match self.modules.is_empty() {
            true => workspace.folders("functions"),
            false => self.modules.clone(),
        };
        let foreign = self.arch.filter(|arch| !arch.is_ours()).map(Arch::target);
        compile(&workspace, &modules, foreign)?;
        let folder = match foreign {
            Some(target) => target_folder(&workspace).join(target).join("release"),
            None => target_folder(&workspace).join("release"),
        };
        let mut all = 0;
        for module in &modules {
            let bootstrap = install(&workspace, &folder, module)?;
            all += describe(module, &bootstrap)?;
        }
        say(format!("{:>9} bytes zipped, all modules", all));
        Ok(())
    }
}

fn target_folder(workspace: &Workspace) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.at("target"), PathBuf::from)
}

fn compile(workspace: &Workspace, modules: &[String], target: Option<&str>) -> Result<(), Failure> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(workspace.root()).args(["build", "--release", "--bins"]);
    cargo.args(modules.iter().flat_map(|module| ["--package", module]));
    cargo.args(target.iter().flat_map(|target| ["--target", target]));
    let status = cargo.status().map_err(|fault| Failure::program("cargo", fault))?;
    if status.success() { Ok(()) } else { Err(Failure::program("cargo build", status)) }
}

/// Copies a module's program to where the templates look for it.
fn install(workspace: &Workspace, folder: &Path, module: &str) -> Result<PathBuf, Failure> {
    let place = workspace.at(&format!("target/lambda/{module}"));
    std::fs::create_dir_all(&place).map_err(|fault| Failure::file(&place, fault))?;
    let (program, bootstrap) = (folder.join(module), place.join("bootstrap"));
    std::fs::copy(&program, &bootstrap).map_err(|fault| Failure::file(&program, fault))?;
    Ok(bootstrap)
}

/// Prints sizes and checks symbols; answers the zipped size in bytes.
fn describe(module: &str, bootstrap: &Path) -> Result<usize, Failure> {
    let raw = std::fs::metadata(bootstrap).map_err(|fault| Failure::file(bootstrap, fault))?.len();
    let zipped = output("gzip", &["-9", "-c"], bootstrap).map(|bytes| bytes.len());
    let symbols = output("objdump", &["-T"], bootstrap);
    let glibc = symbols.as_deref().map(|text| newest_glibc(&String::from_utf8_lossy(text)));
    let shown = match glibc {
        None => "not checked: objdump is missing".to_owned(),
        Some(None) => "none".to_owned(),
        Some(Some((major, minor))) => format!("{major}.{minor}"),
    };
    let size = zipped.map_or_else(|| "?".to_owned(), |bytes| bytes.to_string());
    say(format!("{size:>9} bytes zipped {raw:>9} raw  glibc {shown}  {module}"));
    if let Some(Some(found)) = glibc
        && found > GLIBC_MAX
    {
        let (major, minor) = GLIBC_MAX;
        return Err(Failure::refused(format!(
            "{module} needs glibc {shown}; Lambda has {major}.{minor}: build on an older system"
        )));
    }
    if zipped.is_some_and(|bytes| bytes > ZIPPED_GOAL_BYTES) {
        complain(format!("{module} is larger than the goal of {ZIPPED_GOAL_BYTES} bytes zipped"));
    }
    Ok(zipped.unwrap_or(0))
}

/// What a program prints about a file; `None` where the program is missing or fails.
fn output(program: &str, arguments: &[&str], file: &Path) -> Option<Vec<u8>> {
    let run = Command::new(program).args(arguments).arg(file).stderr(Stdio::null()).output();
    run.ok().filter(|run| run.status.success()).map(|run| run.stdout)
}

/// The newest version of the C library that symbols ask for.
fn newest_glibc(symbols: &str) -> Option<(u32, u32)> {
    let versions = symbols.split("GLIBC_").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let mut numbers = rest.get(..end)?.split('.').map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    });
    versions.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        let symbols =
            "(GLIBC_2.2.5) open\n(GLIBC_2.34) x\n(GLIBC_2.4) y\n(GCC_3.0) z\nGLIBC_PRIVATE";
        assert_eq!(newest_glibc(symbols), Some((2, 34)));
        assert_eq!(newest_glibc("nothing"), None);
        assert!((2, 35) > GLIBC_MAX && (2, 4) < GLIBC_MAX);
    }
}
