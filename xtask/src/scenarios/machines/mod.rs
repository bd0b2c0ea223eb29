//! Machines that this one is not: the bundled servers, linked statically, with another C library, on another processor
//! and on older kernels.
//!
//! qemu runs a kernel of Debian, and an archive in memory with the programs and busybox. Results come over the console.

use anyhow::Result;

use super::linuxes::Linux;
use super::selection::Selection;
use super::servers_on::{Programs, Results, names};
pub use list::MACHINES;
use list::{Emulator, Machine};
pub use packages::Packages;

mod accelerator;
mod archive;
mod build;
mod emulate;
mod list;
mod packages;

impl Machine {
    /// Checks the bundled servers on this machine.
    pub fn run(&self, packages: &Packages, selection: &Selection) -> Result<Results> {
        let missing = self.missing(packages)?;
        if !missing.is_empty() {
            let unavailable = Some(format!("missing: {}", missing.join("; ")));
            return Ok(Results { unavailable, ..Results::default() });
        }
        let folder = self.toolchain.build()?;
        let Some(emulator) = &self.emulator else {
            let here = Linux { name: self.name, steps: &[], refusals: &[] };
            return Programs::copy_from(&folder, selection)?.run_on(&here);
        };
        let commands = selection.commands()?;
        let options = if selection.quick { "--quick" } else { "" };
        let programs = (&*folder, names(&commands));
        emulate::Run { emulator, packages, programs, commands: &commands, options }.results()
    }

    /// Returns what this machine lacks to build the programs and to run them.
    fn missing(&self, packages: &Packages) -> Result<Vec<String>> {
        let mut missing = self.toolchain.missing()?;
        if let Some(emulator @ Emulator { program, package, .. }) = &self.emulator {
            if !build::is_installed(program) {
                missing.push(format!("{program} (apt-get install {package})"));
            }
            missing.extend(packages.missing(emulator));
        }
        Ok(missing)
    }
}
