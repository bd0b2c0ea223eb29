//! Demonstrations of operating-system mechanisms: real programs, drawn step by step from live kernel state.
//!
//! A demo runs bundled programs, stops them at the moments worth seeing, and shows which process holds which
//! descriptor. It verifies every claim; a claim that does not hold on this system fails the demo. Each demo is one
//! file. `support` holds the code that they share.

mod support;

mod activation;
mod everything_is_a_file;
mod fds;
mod fork;
mod greeting;
mod half_close;
mod many_clients;
mod pipe;
mod redirect;
mod reset;
mod socket;
mod time_wait;
mod udp;
mod unix;

pub use support::{Block, Demo, DemoRun, Renderer, SvgDocument, TerminalOptions, TerminalRenderer};

/// Every demo, in the order in which a beginner should see them.
pub const DEMOS: &[&Demo] = &[
    &fds::DEMO,
    &redirect::DEMO,
    &pipe::DEMO,
    &fork::DEMO,
    &socket::DEMO,
    &greeting::DEMO,
    &many_clients::DEMO,
    &half_close::DEMO,
    &reset::DEMO,
    &time_wait::DEMO,
    &udp::DEMO,
    &unix::DEMO,
    &activation::DEMO,
    &everything_is_a_file::DEMO,
];

/// Returns the demo called `name`, such as `pipe`.
#[must_use]
pub fn find_demo(name: &str) -> Option<&'static Demo> {
    DEMOS.iter().copied().find(|demo| demo.name == name)
}

#[cfg(test)]
mod tests {
    use std::fs;

    #[test]
    fn every_demo_of_this_folder_is_listed() {
        let folder = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/demo")).unwrap();
        for path in folder.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
            let text = fs::read_to_string(&path).unwrap();
            let name = path.file_stem().unwrap().to_str().unwrap();
            let is_demo = name != "mod" && text.contains("const DEMO: Demo");
            let listed = super::find_demo(&name.replace('_', "-")).is_some();
            assert!(!is_demo || listed, "{} is not in DEMOS", path.display());
        }
    }
}
