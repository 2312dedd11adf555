//! Where invocations come in: the program of a module, each kind of event to its pipeline, and the
//! command's way to the functions of operators.

mod background;
mod invoke;
pub mod operate;
mod operator;
mod run;

pub use run::run;
