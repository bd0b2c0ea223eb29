//! Machines that lack what a run needs: the run says so, and does not blame the server.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use rstest::rstest;
use tempfile::TempDir;

/// Runs checks of an echo server that has no fault.
fn check(transport: &str) -> Command {
    let server = if transport == "tcp6" { "tcp" } else { transport };
    let program = Path::new(env!("CARGO_BIN_EXE_echo-tcp")).with_file_name(format!("echo-{server}"));
    let mut check = Command::new(env!("CARGO_BIN_EXE_echospec"));
    check.args(["check", transport, "--quick", "--"]).arg(program).arg("{addr}");
    check
}

/// Fails unless the run ended at once and named what is missing.
fn assert_limited(output: &Output, requirement: &str) {
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(3), "{out}{errors}");
    assert!(errors.contains(&format!("limited on this machine: {requirement}")), "{out}{errors}");
    assert!(errors.contains("; help: "), "{errors}");
    assert!(!out.contains("fail "), "{out}");
}

#[test]
fn few_descriptors() {
    let mut limited = Command::new("sh");
    let check = check("tcp");
    limited
        .args(["-c", r#"ulimit -n 40 && exec "$@""#, "sh"])
        .arg(check.get_program())
        .args(check.get_args());
    assert_limited(&limited.output().unwrap(), "descriptors: ");
}

/// echospec raises its own limit where the usual one is low, as on macOS, and gives the former to servers.
#[test]
fn a_limit_that_a_check_sets_holds_where_the_usual_one_is_low() {
    let place = TempDir::new().unwrap();
    let seen = place.path().join("limits");
    let server = check("tcp").get_args().nth(4).unwrap().to_owned();
    let output = Command::new("sh")
        .args(["-c", r#"ulimit -Sn 256 && exec "$@""#, "sh", env!("CARGO_BIN_EXE_echospec")])
        .args(["check", "tcp", "--only", "load/out-of-descriptors", "--", "sh", "-c"])
        .args([r#"ulimit -Sn >>"$1" && exec "$2" "$0""#, "{addr}"])
        .args([seen.as_os_str(), &server])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let limits = fs::read_to_string(seen).unwrap();
    let limits: Vec<_> = limits.lines().collect();
    assert!(limits.contains(&"256") && limits.contains(&"64"), "{limits:?}");
}

#[test]
fn a_place_for_temporary_files_that_cannot_be_written() {
    let place = TempDir::new().unwrap();
    let absent = place.path().join("absent");
    assert_limited(&check("unix").env("TMPDIR", absent).output().unwrap(), "temporary directory: ");
}

/// Runs `command` as a user that may have `processes` processes and has none.
fn as_user_with(processes: u32, command: &Command, place: &Path) -> Output {
    const USER: u32 = 64_321;
    // The user need not be able to reach the directory of the build.
    let program = place.join("echospec");
    // A file that this process writes cannot be executed while a child that another test forks has it open (ETXTBSY).
    let copied = Command::new("cp").arg("-p").args([command.get_program(), program.as_os_str()]).status();
    assert!(copied.unwrap().success());
    fs::set_permissions(place, fs::Permissions::from_mode(0o777)).unwrap();
    let script = format!(r#"{{ ulimit -u {processes} || ulimit -p {processes}; }} 2>/dev/null; exec "$@""#);
    let mut limited = Command::new("sh");
    limited.args(["-c", &script, "sh"]).arg(program).args(["check", "pipe", "--quick", "--", "cat"]);
    limited.env("TMPDIR", place).current_dir(place).uid(USER).gid(USER).output().unwrap()
}

#[rstest]
#[case::none_for_a_server(20, "limited on this machine: processes: ")]
#[case::none_for_a_thread(1, "Resource temporarily unavailable")]
fn few_processes(#[case] processes: u32, #[case] words: &str) {
    if !nix::unistd::geteuid().is_root() {
        return testing::skip("only root can run a program as another user");
    }
    let place = TempDir::new().unwrap();
    let output = as_user_with(processes, &check("pipe"), place.path());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{errors}");
    assert!(errors.contains(words), "{errors}");
}

/// Runs `command` in new namespaces after the shell commands `prepare`: unshare(1). Returns `None` if this user cannot
/// make them.
fn output_in(namespaces: &str, prepare: &str, command: &Command) -> Option<Output> {
    let made = Command::new("unshare").args([namespaces, "true"]).output();
    if !made.is_ok_and(|made| made.status.success()) {
        testing::skip(format!("cannot run unshare {namespaces}"));
        return None;
    }
    let mut unshare = Command::new("unshare");
    unshare.args([namespaces, "sh", "-c", &format!(r#"{prepare} && exec "$@""#), "sh"]);
    unshare.arg(command.get_program()).args(command.get_args());
    let changed = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    Some(unshare.envs(changed).output().unwrap())
}

const UNREACHABLE: &str = "127.0.0.1 cannot be reached: Network is unreachable";

#[rstest]
#[case::tcp("tcp", &format!("loopback interface: {UNREACHABLE}"))]
#[case::udp("udp", &format!("loopback interface: {UNREACHABLE}"))]
#[case::without_ipv6("tcp6", "IPv6 loopback: ::1 cannot be reached: ")]
fn loopback_interface_is_down(#[case] transport: &str, #[case] requirement: &str) {
    let Some(output) = output_in("-n", "true", &check(transport)) else { return };
    assert_limited(&output, requirement);
}

#[test]
fn a_unix_socket_needs_no_loopback_interface() {
    let Some(output) = output_in("-n", "true", &check("unix")) else { return };
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

#[rstest]
#[case::absent("-m", "umount -l /proc", "does not list our own process")]
#[case::of_other_processes("-fp", "true", "does not list our own process")]
fn process_table_cannot_be_used(#[case] namespaces: &str, #[case] prepare: &str, #[case] reason: &str) {
    let Some(output) = output_in(namespaces, prepare, &check("tcp")) else { return };
    assert_limited(&output, &format!("process table: {reason}"));
}

#[rstest]
#[case::full("size=128k", "No space left on device")]
#[case::read_only("ro", "Read-only file system")]
fn temporary_directory_takes_no_files(#[case] option: &str, #[case] reason: &str) {
    let place = TempDir::new().unwrap();
    let prepare = format!(r#"mount -t tmpfs -o {option} none "$TMPDIR""#);
    let Some(output) = output_in("-m", &prepare, check("unix").env("TMPDIR", place.path())) else { return };
    assert_limited(&output, "temporary directory: ");
    assert!(String::from_utf8_lossy(&output.stderr).contains(reason), "{output:?}");
}
