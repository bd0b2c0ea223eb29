use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::*;
use crate::scene::{actions, verbs};

/// Writes every step of clients.
fn write_clients(scene: &SceneBuilder) {
    let (a, b, crowd) = (scene.client("a"), scene.client("b"), scene.client("crowd"));
    b.is_refused();
    a.connects().within(Duration::from_millis(1500)).given();
    a.sends(b"a {b}\xff\n");
    a.sends_with_descriptor(Content::of_length(2048));
    a.receives_pattern("id {id}\n");
    a.receives("\"{id}\"\r\n");
    a.sends_until_blocked();
    a.sends_urgent_byte();
    a.receives_reset();
    a.closes();
    b.connects_from(IpAddr::from([127, 0, 0, 2]));
    b.sends_half_a_request();
    b.sends_the_rest();
    b.receives_reply();
    b.sends_request_of("x");
    b.exchanges("y");
    b.exchanges_a_message();
    b.ends_its_direction();
    b.receives_nothing();
    b.receives_end();
    b.resets();
    crowd.connects_many(3);
    scene.server().has_read_all_that(&crowd);
    scene.server().has_unread(5, &crowd);
    scene.server().has_bytes_in_its_send_queue_for(&crowd);
    scene.for_each_offset_of_request(|| {
        a.connects_with_receive_buffer(1024);
        a.sends_request_up_to_offset();
        a.closes();
        a.connects_unnamed();
        a.sends_request();
        a.closes();
    });
}

/// Writes every step of the server and of a second one.
fn write_servers(scene: &SceneBuilder) {
    let (server, second) = (scene.server(), scene.second_server());
    server.gets(Signal::SIGHUP);
    server.is_frozen();
    server.is_thawed();
    server.is_killed();
    server.is_started_again();
    scene.head("standard output pipe").head("standard error pipe");
    server.finds_full(OutputStream::StandardOutput);
    server.loses_the_reader_of(OutputStream::StandardError);
    server.socket_file_is_removed();
    server.socket_file_is_replaced();
    server.runs();
    server.exits();
    server.exits_with(0);
    server.exits_by(Signal::SIGTERM);
    server.has_left_nothing();
    server.is_blocked_in("accept");
    server.is_idle();
    server.listens();
    scene.mark("calm");
    server.has_as_many_processes_as_at("calm");
    server.has_processes(1);
    server.has_threads(1);
    server.has_no_child();
    server.has_no_zombie();
    server.uses_no_processor_time();
    server.prints("ready");
    server.socket_file_exists();
    server.socket_file_is_gone();
    server.has_descriptors(4);
    server.has_as_many_descriptors_as_at("calm");
    server.has_a_connection_in("ESTABLISHED");
    server.has_no_connection_in("CLOSE_WAIT");
    server.holds_no_connection();
    server.has_connections_in_its_accept_queue(0);
    scene.file_exists("{dir}/log");
    scene.file_is_gone("{dir}/log");
    second.starts();
    second.gets(Signal::SIGTERM);
    second.listens();
    second.exits_with(1);
    second.exits_by(Signal::SIGTERM);
    second.fails();
}

/// Writes every step of peers and programs.
fn write_others(scene: &SceneBuilder) {
    let origin = scene.peer("origin");
    let script = scene.program("script", &["sh", "-c", "echo \"$0\"", "{addr}"]);
    scene.terminal("shell", &["sh"]).starts();
    origin.accepts("o");
    origin.refuses_connections();
    script.starts();
    script.streams().sends("x");
    script.gets(Signal::SIGTERM);
    script.runs();
    script.exits();
    script.exits_with(0);
    script.exits_by(Signal::SIGTERM);
    script.fails();
    script.prints("x");
}

#[test]
fn each_step_of_the_language_has_a_method() {
    let scene = SceneBuilder::new("all", "all steps");
    write_clients(&scene);
    write_servers(&scene);
    write_others(&scene);
    let built = scene.build().unwrap_or_else(|error| panic!("{error}"));
    let written: BTreeSet<&str> = actions(&built.steps).map(|action| action.verb.pattern).collect();
    let all: BTreeSet<&str> = verbs::all().map(|verb| verb.pattern).collect();
    assert_eq!(written, all);
}

#[test]
fn methods_write_the_text_of_a_scene() {
    let scene = SceneBuilder::new("drain", "A server\nthat drains");
    let a = scene.client("a");
    scene.repeat(2, || {
        a.connects().within(Duration::from_millis(1500)).given();
        a.sends(b"{\"a\": \"\\\"}\x00\n");
        a.receives_pattern("id \"{id}\"\t\\{\r\n");
        a.closes();
    });
    // A line of the head stands above all steps, wherever it is written.
    scene.program("script", &["sh", "-c", "echo \"$0\"", "{addr}"]);
    let text = scene.build().unwrap().formatted();
    let wanted = "# A server that drains\nprogram script = sh -c 'echo \"$0\"' '{addr}'\nrepeat 2\n    given a connects within 1500ms\n    \
                  a sends \"\\{\\\"a\\\": \\\"\\\\\\\"\\}\\x00\\n\"\n    a receives pattern \"id \\\"{id}\\\"\\t\\{\\r\\n\"\n    \
                  a closes\nend\n";
    assert_eq!(text, wanted);
}

#[test]
fn a_mistake_names_the_call_that_made_it() {
    let scene = SceneBuilder::new("drain", "");
    scene.client("a").connects();
    let (line, step) = (line!(), scene.client("b").closes());
    let error = scene.build().unwrap_err().to_string();
    let wanted = format!("--> {}:{line}:", file!());
    assert!(error.contains(&wanted) && error.contains(" in drain.scene:3:1\n"), "{error}");
    step.within(Duration::from_secs(1));
    assert!(scene.build().unwrap_err().to_string().contains("b closes within 1000ms"));
    let empty = SceneBuilder::new("empty", "").build().unwrap_err().to_string();
    assert!(empty.contains("this scene has no step") && empty.contains(file!()), "{empty}");
}

#[test]
fn a_built_scene_runs() {
    let scene = SceneBuilder::new("half-close", "A client that has ended its direction still gets its reply");
    let (a, server) = (scene.client("a"), scene.server());
    a.connects();
    scene.repeat(3, || {
        a.exchanges("hello");
    });
    a.sends("bye\n");
    a.ends_its_direction();
    a.receives_pattern("{word}\n");
    a.receives_end();
    server.exits_with(0).within(Duration::from_secs(5));
    crate::check(crate::Transport::PIPE, ["cat"]).scenes([scene.build().unwrap()]).assert_ok();
}
