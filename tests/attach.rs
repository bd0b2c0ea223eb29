//! `echospec check --connect`: a server that runs already.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;

use assert_cmd::Command;
use echospec::checks::{Check, QUICK_CHECK_IDS, all_checks};
use echospec::outcome::Outcome;
use echospec::runner::{self, RunOptions};
use echospec::server::{LaunchOptions, Server, Spec, Start, bundled_specs};
use echospec::transport::Capabilities;
use predicates::str::contains;
use rstest::rstest;
use socket2::{Domain, Socket, Type};

#[rstest]
fn bundled_server_is_checked_while_it_runs(
    #[files("src/bin/echo-*.rs")]
    #[files("src/bin/echo-*/main.rs")]
    #[files("src/bin/echo-*/echo-*.rs")]
    source: PathBuf,
) {
    let plans = bundled_specs(&fs::read_to_string(&source).unwrap()).unwrap();
    for launched in plans.iter().filter(|spec| spec.start() == Start::Bind) {
        if launched.transport().is_inherited() {
            continue;
        }
        let Ok(mut server) = Server::launch(launched, LaunchOptions::default()) else {
            testing::skip(format!("cannot launch {}", launched.command_line()));
            continue;
        };
        let pid = server.pid().unwrap();
        let spec = Spec::attached(launched.transport(), server.address().clone(), Some(pid)).unwrap();
        let spec = spec.speaking(launched.protocol().as_ref().clone()).unwrap();
        let is_chosen = |check: &&Check| {
            let looks = check.requires.contains(Capabilities::PROCESSES) && check.area() != "load";
            check.applies_to(spec.promised_capabilities()) && (looks || QUICK_CHECK_IDS.contains(&check.id))
        };
        let checks: Vec<_> = all_checks().filter(is_chosen).collect();
        assert!(!checks.is_empty(), "{}", launched.command_line());
        for result in runner::run_checks(&spec, &checks, &RunOptions::default(), |_| ()).unwrap() {
            let is_good = matches!(result.outcome, Outcome::Pass | Outcome::Info | Outcome::Unsupported);
            assert!(is_good, "{}: {result:#?}", launched.command_line());
        }
        assert_eq!(server.instance().unwrap().ended(), None, "{}", launched.command_line());
        server.connect().and_then(|mut client| client.exchange(b"and still")).unwrap();
    }
}

/// A process that is killed when the value is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the bundled server `name` at `address`, and returns it with the address that it announces.
fn start(name: &str, address: &str) -> (Running, String) {
    let program = programs().join(name);
    let mut child = std::process::Command::new(program).arg(address).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let announced = line.strip_prefix("ready ").and_then(|rest| rest.split_whitespace().nth(1));
    let announced = announced.unwrap_or_else(|| panic!("{name} says {line:?}")).to_owned();
    (Running(child), announced)
}

/// Starts `echo-tcp` at a port that the kernel chooses.
fn start_tcp() -> (Running, String) {
    start("echo-tcp", "127.0.0.1:0")
}

fn programs() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_echospec")).parent().unwrap()
}

fn check(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_echospec"));
    command.arg("check").args(arguments);
    command
}

#[test]
fn checks_that_need_more_are_counted_and_not_listed() {
    let (_server, address) = start_tcp();
    check(&["tcp", "--connect", &address, "--only", "echo/one-byte"])
        .assert()
        .success()
        .stdout(contains(format!("tcp --connect  {address}  1 check")))
        .stdout(contains(" checks need a server that echospec launches itself\n"))
        .stdout(contains(" checks need the server's process: --pid\n"));
    check(&["tcp", "--connect", &address, "--only", "life/ends-on-sigterm"])
        .assert()
        .code(4)
        .stderr(contains("they need one that echospec launches itself"));
}

#[test]
fn an_address_where_nothing_listens_is_told() {
    // No other program can listen at the address while this socket is bound to it.
    let bound = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    bound.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = bound.local_addr().unwrap().as_socket().unwrap();
    check(&["tcp", "--connect", &address.to_string()])
        .assert()
        .code(3)
        .stderr(contains(format!("cannot connect to {address}: Connection refused")));
    check(&["unix", "--connect", "/no/such/socket"]).assert().code(3).stderr(contains("No such file"));
}

#[test]
fn a_process_that_does_not_listen_there_is_refused() {
    let (server, address) = start_tcp();
    let (other, _) = start_tcp();
    let [its, others] = [&server, &other].map(|running| running.0.id().to_string());
    check(&["tcp", "--connect", &address, "--pid", &its, "--only", "fd/no-leak"]).assert().success();
    let told = format!("process {others} does not listen on {address}: process {its} (echo-tcp) does");
    let refused = check(&["tcp", "--connect", &address, "--pid", &others]).assert().code(3);
    refused.stderr(contains(told));
    // No process has the highest number that the type can hold.
    let none = i32::MAX.to_string();
    let refused = check(&["tcp", "--connect", &address, "--pid", &none]).assert().code(3);
    refused.stderr(contains("there is no such process"));
}

#[test]
fn a_host_elsewhere_must_be_owned() {
    // An address for documentation, RFC 5737: no packet is sent to it.
    check(&["tcp", "--connect", "192.0.2.1:80"])
        .assert()
        .code(2)
        .stderr(contains("say so with --i-own 192.0.2.1"));
    check(&["tcp", "--connect", "192.0.2.1:80", "--i-own", "192.0.2.2"]).assert().code(2);
    check(&["tcp6", "--connect", "127.0.0.1:80"]).assert().code(2).stderr(contains("IPv6 address for tcp6"));
}

#[test]
fn options_of_a_launch_are_refused() {
    for option in [["--env", "A=b"], ["--stop", "SIGINT"], ["--start", "inetd"]] {
        check(&["tcp", "--connect", "127.0.0.1:9", option[0], option[1]]).assert().code(2);
    }
    check(&["pipe", "--connect", "x"]).assert().code(2).stderr(contains("pipe has no address"));
}

#[test]
fn another_protocol_ends_the_run_with_a_hint() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answer = |mut stream: TcpStream| {
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    };
    thread::spawn(move || listener.incoming().flatten().for_each(answer));
    check(&["tcp", "--connect", &address]).assert().code(3).stderr(contains("try --protocol http"));
    check(&["tcp", "--connect", &address, "--protocol", "redis"])
        .assert()
        .code(3)
        .stderr(contains("try --protocol http"));
}

#[test]
fn a_running_server_is_described_in_the_file() {
    let place = tempfile::tempdir().unwrap();
    let (_server, address) = start_tcp();
    let text = format!("[server.here]\ntransport = 'tcp'\nconnect = '{address}'\n");
    fs::write(place.path().join("echospec.toml"), text).unwrap();
    check(&["--only", "echo/one-byte"])
        .current_dir(place.path())
        .assert()
        .success()
        .stdout(contains(format!("here: tcp --connect  {address}")));
}

#[test]
fn a_socket_file_of_a_running_server_stays() {
    let place = tempfile::TempDir::new_in("/tmp").unwrap();
    let path = place.path().join("s");
    let _server = start("echo-unix", path.to_str().unwrap());
    check(&["unix", "--connect", path.to_str().unwrap(), "--quick"]).assert().success();
    UnixStream::connect(&path).unwrap();
}

/// Connects two network namespaces, starts the server that the arguments name in the second, and runs `$CHECK` in the
/// first.
const TWO_NAMESPACES: &str = "
set -e
ip link set lo up
unshare -n sleep 1000 & inner=$!
trap 'kill $inner $server' EXIT
until [ \"$(readlink /proc/$inner/ns/net)\" != \"$(readlink /proc/$$/ns/net)\" ]; do :; done
ip link add one type veth peer name two netns $inner
ip addr add 10.200.0.1/24 dev one
ip link set one up
nsenter -t $inner -n ip addr add 10.200.0.2/24 dev two
nsenter -t $inner -n ip link set two up
nsenter -t $inner -n \"$1\" \"$2\" > \"$3\" & server=$!
until grep -q ready \"$3\"; do kill -0 $server; done
shift 3
\"$@\"
";

#[rstest]
fn a_server_in_another_network_namespace_is_checked(#[values("tcp", "udp", "unix")] transport: &str) {
    let place = tempfile::TempDir::new_in("/tmp").unwrap();
    let path = place.path().join("s").to_str().unwrap().to_owned();
    let address = if transport == "unix" { path } else { "10.200.0.2:7000".to_owned() };
    let unshare = |script: &str| {
        let mut command = std::process::Command::new("unshare");
        command.args(["-rn", "sh", "-c", script, "sh"]);
        command
    };
    let link = "ip link add one type veth peer name two && nsenter --version";
    if !unshare(link).output().is_ok_and(|output| output.status.success()) {
        return testing::skip("no network namespace with a veth pair can be made");
    }
    let mut command = unshare(TWO_NAMESPACES);
    command.arg(programs().join(format!("echo-{transport}"))).arg(&address).arg(place.path().join("out"));
    command.arg(env!("CARGO_BIN_EXE_echospec")).args(["check", transport, "--connect", &address]);
    if transport != "unix" {
        command.args(["--i-own", "10.200.0.2"]);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{text}");
    let all_pass =
        text.lines().filter(|line| line.contains(" checks: ")).all(|line| !line.contains("not run"));
    assert!(all_pass, "{text}");
    assert_eq!(text.contains("a server at a loopback address"), transport != "unix", "{text}");
}
