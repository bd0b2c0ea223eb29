//! Two runs in two threads of one program, beside children that the program has launched itself. Alone in its process,
//! because it looks at all children.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::thread;

use echospec::sys;
use echospec::{Interrupt, Pid, Transport};
use testing as _;

#[test]
fn two_runs_and_other_children_do_not_disturb_each_other() {
    let was_subreaper = sys::set_subreaper(false);
    let mut living = Command::new("sleep").arg("1000").spawn().unwrap();
    let mut exited = Command::new("true").spawn().unwrap();
    let interrupt = Interrupt::new();
    thread::scope(|scope| {
        // Answers nothing, so that each check waits for its deadline.
        let hanging = check_hanging(&interrupt);
        let hanging = scope.spawn(move || hanging.run().unwrap());
        let sound = scope.spawn(|| echospec::check(Transport::PIPE, ["cat"]).only("echo/half-*").run());
        let sound = sound.join().unwrap().unwrap();
        assert!(sound.is_ok(), "{sound}");
        assert!(!hanging.is_finished(), "it has to be interrupted");
        interrupt.trigger();
        let hanging = hanging.join().unwrap();
        assert!(hanging.is_interrupted() && !hanging.is_ok());
        assert!(hanging.to_string().ends_with("interrupted: the other checks were not run"), "{hanging}");
    });
    assert!(living.try_wait().unwrap().is_none(), "the other child was killed");
    assert!(exited.wait().unwrap().success(), "the other child was reaped");
    living.kill().unwrap();
    assert_eq!(living.wait().unwrap().signal(), Some(9));
    let children = sys::children(Pid::this()).unwrap_or_default();
    assert!(children.is_empty(), "the guard or a server is left: {children:?}");
    assert!(!sys::set_subreaper(was_subreaper), "this process is still a subreaper");
}

fn check_hanging(interrupt: &Interrupt) -> echospec::CheckRun {
    echospec::check(Transport::PIPE, ["sleep", "1000"]).only("echo/*").jobs(2).interrupt(interrupt)
}
