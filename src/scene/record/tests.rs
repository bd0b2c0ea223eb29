use std::time::Duration;

use super::*;
use crate::protocol::Protocol;
use crate::scene::Scene;
use crate::trace::{Action, SENDS_HALF_A_REQUEST, SPEAKS_PROTOCOL, Transfer};
use crate::transport::Transport;

fn client(number: usize, action: Action) -> Step {
    Step { at: Duration::ZERO, actor: Actor::Client(number), action }
}

fn process(pid: i32, action: Action) -> Step {
    Step { at: Duration::ZERO, actor: Actor::Process(pid), action }
}

fn transfer(content: &[u8]) -> Transfer {
    let kept = (content.len() <= Transfer::KEPT).then(|| content.to_vec());
    Transfer { bytes: content.len(), pieces: 1, beginning: String::new(), content: kept }
}

fn sends(number: usize, content: &[u8]) -> Step {
    client(number, Action::Sends(transfer(content)))
}

fn receives(number: usize, content: &[u8]) -> Step {
    client(number, Action::Receives(transfer(content)))
}

fn launched() -> Vec<Step> {
    vec![process(7, Action::Launched), process(7, Action::Ready("127.0.0.1:1".into()))]
}

fn shut_down(pid: i32) -> Vec<Step> {
    let signal = |name: &str| process(pid, Action::Signal(name.into()));
    vec![signal("SIGTERM"), signal("SIGCONT"), process(pid, Action::Ended("exit status 0".into()))]
}

/// Returns the scene of the steps between launch and shutdown without its two comments, or the error.
fn record(steps: &[Step], failure: Option<(&str, &str)>, transport: &'static Transport) -> String {
    let steps = [launched(), steps.to_vec(), shut_down(7)].concat();
    let spec = Spec::new(transport, Start::Bind, ["server", "{addr}", "{path}"]).unwrap();
    let recording = Recording { title: "title", check: "area/name", failure, steps: &steps };
    match recording.scene(&spec) {
        Ok(text) => {
            let scene = Scene::parse(&text, "recorded.scene").unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(scene.formatted(), text);
            text.strip_prefix("# title\n# Recorded from area/name\n").unwrap().to_owned()
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn steps_of_clients_are_written() {
    let steps = [
        client(1, Action::Connects(Some("127.0.0.2:4000".into()))),
        sends(1, b"say \"{x}\"\n"),
        receives(1, b"say \"{x}\"\n"),
        sends(1, b"ab"),
        client(1, Action::AllRead),
        client(1, Action::AllRead),
        client(2, Action::Connects(Some("127.0.0.1:4001".into()))),
        client(1, Action::EndsDirection),
        receives(1, b"a"),
        sends(2, &[0; 4096]),
        receives(1, b"b"),
        client(1, Action::ReceivesEnd),
        client(1, Action::Closes),
        client(2, Action::Other("sends urgent data".into())),
        client(2, Action::Resets),
    ];
    let wanted = r#"a connects from 127.0.0.2
a exchanges "say \"\{x\}\"\n"
a sends "ab"
server has read all that a sent
b connects
a ends its direction
a receives "a"
b sends 4 KiB
a receives "b"
a receives end
a closes
b sends urgent byte
b resets
"#;
    assert_eq!(record(&steps, None, Transport::TCP), wanted);
}

#[test]
fn two_clients_receive_in_turns() {
    let steps = [
        client(1, Action::Connects(None)),
        sends(1, &[1; 900]),
        client(2, Action::Connects(None)),
        sends(2, &[2; 900]),
        receives(1, &[1; 800]),
        receives(2, &[2; 800]),
        receives(1, &[1; 90]),
        receives(2, &[2; 100]),
        receives(1, &[1; 10]),
        client(1, Action::ReceivesEnd),
    ];
    let wanted = "a connects\na sends 900 bytes\nb connects\nb sends 900 bytes\nb receives reply\n\
                  a receives reply\na receives end\n";
    assert_eq!(record(&steps, None, Transport::TCP), wanted);
    let failed = [&steps[..6], &[client(2, Action::Closes)]].concat();
    let failed = record(&failed, Some(("1", "2")), Transport::TCP);
    assert!(failed.contains("b sends 900 bytes\nb receives reply\n#"), "{failed}");
}

#[test]
fn steps_of_the_server_are_written() {
    let mut steps: Vec<Step> =
        ["SIGSTOP", "SIGCONT", "SIGKILL"].map(|name| process(7, Action::Signal(name.into()))).into();
    steps.extend([process(8, Action::Launched), process(8, Action::Ready("127.0.0.1:1".into()))]);
    steps.extend([process(9, Action::Launched), process(9, Action::Ended("exit status 1".into()))]);
    steps.extend([process(8, Action::Signal("SIGTERM".into()))]);
    steps.extend([process(8, Action::Ended("signal 15 (SIGTERM)".into()))]);
    let wanted = "server is frozen\nserver is thawed\nserver is killed\nserver is started again\n\
                  second server starts\nsecond server exits with 1\nserver gets SIGTERM\n\
                  server exits by SIGTERM\n";
    assert_eq!(record(&steps, None, Transport::TCP), wanted);
}

#[test]
fn repeated_steps_become_a_block() {
    let once = [
        client(1, Action::Connects(None)),
        sends(1, b"x"),
        receives(1, b"x"),
        client(1, Action::Closes),
        client(2, Action::Connects(None)),
        client(2, Action::EndsDirection),
        client(2, Action::Closes),
    ];
    let steps =
        [once.to_vec(), once.to_vec(), once.to_vec(), vec![client(3, Action::Connects(None))]].concat();
    let wanted = "transport unix\nrepeat 3\n    a connects\n    a exchanges \"x\"\n    a closes\n    a connects\n    \
                  a ends its direction\n    a closes\nend\na connects\n";
    assert_eq!(record(&steps, None, Transport::UNIX), wanted);
}

#[test]
fn a_failure_becomes_the_step_that_the_server_did_not_do() {
    let begin = || vec![client(1, Action::Connects(None)), sends(1, b"x")];
    let failed = |rest: &[Step]| {
        let text =
            record(&[begin(), rest.to_vec()].concat(), Some(("one\nthing", "another")), Transport::TCP);
        let comment = "# Here the check failed. Expected: one thing; actual: another\n";
        text.strip_suffix(comment).unwrap().strip_prefix("a connects\n").unwrap().replace('\n', "; ")
    };
    let end = client(1, Action::ReceivesEnd);
    let vain = |wanted: &str| client(1, Action::InVain(wanted.into()));
    let told = client(1, Action::Other("is told: Connection reset by peer (os error 104)".into()));
    let crash = process(7, Action::Ended("signal 11 (SIGSEGV)".into()));
    assert_eq!(failed(std::slice::from_ref(&end)), "a sends \"x\"; a receives reply; ");
    assert_eq!(failed(&[vain("1 byte")]), "a sends \"x\"; a receives reply; ");
    assert_eq!(failed(&[receives(1, b"x"), vain("end of file")]), "a exchanges \"x\"; a receives end; ");
    assert_eq!(
        failed(&[vain("1 byte read by the server")]),
        "a sends \"x\"; server has read all that a sent; "
    );
    assert_eq!(failed(&[told]), "a sends \"x\"; a receives reply; ");
    let nothing = "a sends \"x\"; a receives reply; a receives nothing; ";
    assert_eq!(failed(&[receives(1, b"xy")]), nothing);
    assert_eq!(failed(&[receives(1, b"x"), crash]), "a exchanges \"x\"; server runs; ");
}

#[test]
fn a_step_without_words_is_named() {
    let message = |steps: &[Step], transport| {
        let text = record(steps, None, transport);
        text.strip_prefix("this timeline cannot be written as a scene: ").unwrap_or(&text).to_owned()
    };
    let part = [
        client(1, Action::Connects(None)),
        sends(1, &[1; 900]),
        receives(1, &[1; 800]),
        client(1, Action::Closes),
    ];
    assert_eq!(
        message(&part, Transport::TCP),
        "step 6, `client 1 closes`: the client has received 800 of 900 bytes, and a scene receives a reply as a whole"
    );
    let other = [client(1, Action::Connects(None)), client(1, Action::Other("sings".into()))];
    assert_eq!(message(&other, Transport::TCP), "step 4, `client 1 sings`: no step of a scene does that");
    let elsewhere = [process(8, Action::Launched), process(8, Action::Ready("127.0.0.1:2".into()))];
    assert_eq!(
        message(&elsewhere, Transport::TCP),
        "step 4, `process 8 is ready at 127.0.0.1:2`: all servers of a scene have one address"
    );
    let third = [process(8, Action::Launched), process(9, Action::Launched)];
    assert_eq!(
        message(&third, Transport::TCP),
        "step 4, `the server is launched as process 9`: a scene has two servers at most"
    );
    assert_eq!(message(&[], Transport::TCP), "no client and no signal is in it");
    assert_eq!(message(&[], Transport::UDP), "its clients send messages, and not a stream");
}

#[test]
fn requests_of_a_protocol_are_written_by_their_content() {
    let spoken = |number: usize| {
        vec![client(number, Action::Connects(None)), client(number, Action::Other(SPEAKS_PROTOCOL.into()))]
    };
    let half = |number: usize| client(number, Action::Other(SENDS_HALF_A_REQUEST.into()));
    let spec = Spec::new(Transport::TCP, Start::Bind, ["server", "{addr}"]).unwrap();
    let spec = spec.speaking(Protocol::built_in("redis").unwrap()).unwrap();
    let record = |steps: &[Step]| {
        let recording = Recording { title: "title", check: "area/name", failure: None, steps };
        recording.scene(&spec).unwrap_or_else(|error| error.to_string())
    };
    let steps = [
        launched(),
        spoken(1),
        vec![sends(1, b"x"), receives(1, b"x"), half(1), sends(1, b"here"), client(1, Action::AllRead)],
        spoken(2),
        vec![sends(2, b"y"), receives(1, b"here"), client(2, Action::ReceivesEnd)],
    ];
    let wanted = "# title\n# Recorded from area/name\nprotocol redis\na connects\na exchanges \"x\"\n\
                  a sends half a request\nserver has read all that a sent\nb connects\n\
                  b sends request of \"y\"\na sends the rest\na receives reply\nb receives end\n";
    let text = record(&steps.concat());
    assert_eq!(text, wanted);
    Scene::parse(&text, "recorded.scene").unwrap_or_else(|error| panic!("{error}"));
    let of_choice = client(1, Action::Other("sends a request of its choice".into()));
    let text = record(&[launched(), spoken(1), vec![of_choice]].concat());
    assert!(text.contains("`client 1 sends a request of its choice`: no step of a scene"), "{text}");
    let raw = vec![client(1, Action::Connects(None)), sends(1, b"x"), receives(1, b"-ERR")];
    let text = record(&[launched(), raw].concat());
    assert!(text.contains("the answer to bytes that are no request can differ"), "{text}");
}
