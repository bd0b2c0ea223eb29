//! Tests of the contract, for every system.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::net::UdpSocket;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use nix::unistd::{Pid, getppid};

use super::{
    OpenFile, PacketCapture, SystemCallCounter, core_of, machine_properties, open_file, own_resource_usage,
    pin_process, pin_thread, resource_usage, same_open_file, usable_processors,
};

/// Returns the value of `answer`, or `None` for the error `Unsupported`, which skips the test. Panics for any other
/// error.
fn unless_unsupported<T>(answer: io::Result<T>) -> Option<T> {
    let unsupported = |error: io::Error| {
        assert_eq!(error.kind(), io::ErrorKind::Unsupported, "{error}");
        testing::skip(error);
    };
    answer.map_err(unsupported).ok()
}

fn open_manifest() -> File {
    File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap()
}

#[test]
fn copies_of_a_descriptor_share_the_offset() {
    let mut file = open_manifest();
    let copy = file.try_clone().unwrap();
    file.seek(SeekFrom::Start(5)).unwrap();
    file.read_exact(&mut [0; 2]).unwrap();
    let Some(shown) = unless_unsupported(open_file(Pid::this(), copy.as_raw_fd())) else { return };
    let expected = OpenFile { readable: true, offset: 7, close_on_exec: true, ..OpenFile::default() };
    assert_eq!(shown, expected);
}

#[test]
fn only_copies_are_the_same_open_file() {
    let (file, opened_again) = (open_manifest(), open_manifest());
    let copy = file.try_clone().unwrap();
    let descriptor = |file: &File| (Pid::this(), file.as_raw_fd());
    // A sandbox may forbid kcmp(2).
    match same_open_file(descriptor(&file), descriptor(&copy)) {
        Ok(same) => assert!(same),
        Err(error) => return testing::skip(error),
    }
    assert!(!same_open_file(descriptor(&file), descriptor(&opened_again)).unwrap());
}

#[test]
fn closed_descriptor_is_not_found() {
    const CLOSED: RawFd = 65_000;
    let error = open_file(Pid::this(), CLOSED).unwrap_err();
    assert!(matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::Unsupported), "{error}");
}

#[test]
fn captures_each_packet_of_the_port_once() {
    const HEADERS: usize = 14 + 20 + 8;
    let [captured, ignored] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
    let [port, other] = [&captured, &ignored].map(|socket| socket.local_addr().unwrap().port());
    let capture = match PacketCapture::open(Some(port), 64) {
        Ok(capture) => capture,
        Err(error) => return testing::skip(format!("cannot capture packets: {error}")),
    };
    for length in [1, 2, 3] {
        captured.send_to(&vec![0; length], ("127.0.0.1", other)).unwrap();
        ignored.send_to(&[0; 100], ("127.0.0.1", other)).unwrap();
    }
    let mut buffer = [0; 64];
    for length in [1, 2, 3] {
        let packet = capture.next_packet(&mut buffer, Duration::from_secs(5)).unwrap().unwrap();
        assert_eq!((packet.length, packet.bytes.len()), (HEADERS + length, HEADERS + length));
    }
    assert!(capture.next_packet(&mut buffer, Duration::ZERO).unwrap().is_none());
    captured.send_to(&[0; 1000], ("127.0.0.1", other)).unwrap();
    let packet = capture.next_packet(&mut buffer, Duration::from_secs(5)).unwrap().unwrap();
    assert_eq!((packet.length, packet.bytes.len()), (HEADERS + 1000, 64));
    assert_eq!(capture.take_dropped().unwrap(), 0);
}

#[test]
fn pinned_thread_may_use_only_its_processor() {
    let chosen = usable_processors().unwrap()[0];
    std::thread::scope(|scope| {
        let pinned =
            scope.spawn(|| unless_unsupported(pin_thread(&[chosen])).map(|()| usable_processors().unwrap()));
        assert!(pinned.join().unwrap().is_none_or(|usable| usable == [chosen]));
    });
}

#[test]
fn pins_all_threads_of_a_process() {
    // All usable processors, so that the other tests of this process keep theirs.
    let everywhere = usable_processors().unwrap();
    unless_unsupported(pin_process(Pid::this(), &everywhere));
}

#[test]
fn refuses_a_missing_processor() {
    let error = pin_thread(&[1023]).unwrap_err();
    assert!([io::ErrorKind::InvalidInput, io::ErrorKind::Unsupported].contains(&error.kind()), "{error}");
}

#[test]
fn core_contains_its_processor() {
    let processor = usable_processors().unwrap()[0];
    match core_of(processor) {
        Ok(core) => assert!(core.threads.contains(&processor)),
        Err(error) => testing::skip(error),
    }
}

#[test]
fn own_resource_usage_is_not_zero() {
    let Some(usage) = unless_unsupported(resource_usage(Pid::this())) else { return };
    assert!(usage.cpu > Duration::ZERO);
    assert!(own_resource_usage().unwrap().cpu > Duration::ZERO);
}

#[test]
fn counts_every_system_call() {
    let counter = match SystemCallCounter::start(&[Pid::this()]) {
        Ok(counter) => counter,
        Err(error) => return testing::skip(format!("cannot count system calls: {error}")),
    };
    let before = counter.count().unwrap();
    for _ in 0..1000 {
        std::hint::black_box(getppid());
    }
    // Other tests of this process make system calls too.
    assert!(counter.count().unwrap() - before >= 1000);
}

#[test]
fn refuses_to_count_for_a_missing_process() {
    assert!(SystemCallCounter::start(&[Pid::from_raw(i32::MAX)]).is_err());
}

#[test]
fn each_machine_property_has_a_value_or_a_reason() {
    let all = machine_properties(&usable_processors().unwrap());
    for property in &all {
        assert!(!property.source.is_empty(), "{property:?}");
        let text = property.value.as_ref().unwrap_or_else(|reason| reason);
        assert!(!text.contains('\n') && !text.trim().is_empty(), "{property:?}");
        assert_eq!(all.iter().filter(|other| other.name == property.name).count(), 1, "{property:?}");
    }
}
