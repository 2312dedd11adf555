//! The project folder and its files.

use std::path::{Path, PathBuf};

use crate::console::Failure;

/// The folder of the project: where `functions/` and `template.yaml` are.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The project around the current folder, or the one this command was built in.
    pub fn find() -> Self {
        let around = std::env::current_dir().unwrap_or_default();
        let holds_modules = |folder: &&Path| {
            folder.join("functions").is_dir() && folder.join("shared/catalog").is_dir()
        };
        let found = around.ancestors().find(holds_modules).map(Path::to_path_buf);
        Self { root: found.unwrap_or_else(Self::of_build) }
    }

    fn of_build() -> PathBuf {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        here.ancestors().nth(2).unwrap_or(here).to_path_buf()
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file or folder at this path from the root.
    pub fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The text of a file; refuses a file that is not there or not UTF-8.
    pub fn read(&self, path: &str) -> Result<String, Failure> {
        let path = self.at(path);
        std::fs::read_to_string(&path).map_err(|fault| Failure::file(&path, fault))
    }

    /// Writes a file and the folders around it.
    pub fn write(&self, path: &str, text: &str) -> Result<(), Failure> {
        let path = self.at(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|fault| Failure::file(folder, fault))?;
        }
        std::fs::write(&path, text).map_err(|fault| Failure::file(&path, fault))
    }

    /// Names of the files in a folder, sorted; none where there is no such folder.
    pub fn files(&self, folder: &str) -> Vec<String> {
        self.entries(folder, |kind| kind.is_file())
    }

    /// Names of the folders in a folder, sorted; none where there is no such folder.
    pub fn folders(&self, folder: &str) -> Vec<String> {
        self.entries(folder, |kind| kind.is_dir())
    }

    fn entries(&self, folder: &str, wanted: fn(&std::fs::FileType) -> bool) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.at(folder)) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .filter_map(Result::ok)
            .filter(|entry| entry.file_type().is_ok_and(|kind| wanted(&kind)))
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort_unstable();
        names
    }
}
