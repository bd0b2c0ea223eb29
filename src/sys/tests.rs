//! The contract, tested on whichever system this is.

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

fn shown(file: &File) -> Option<OpenFile> {
    match open_file(Pid::this(), file.as_raw_fd()) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => None,
        shown => Some(shown.unwrap()),
    }
}

#[test]
fn an_offset_moves_with_every_copy_of_a_descriptor() {
    let mut file = File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    let copy = file.try_clone().unwrap();
    file.seek(SeekFrom::Start(5)).unwrap();
    file.read_exact(&mut [0; 2]).unwrap();
    let Some(shown) = shown(&copy) else { return skipped::because("open files cannot be inspected") };
    let expected = OpenFile { readable: true, offset: 7, close_on_exec: true, ..OpenFile::default() };
    assert_eq!(shown, expected);
}

#[test]
fn a_copy_is_the_same_open_file_and_a_second_opening_is_not() {
    let open = || File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    let (file, stranger) = (open(), open());
    let copy = file.try_clone().unwrap();
    let place = |file: &File| (Pid::this(), file.as_raw_fd());
    // A sandbox may forbid kcmp(2).
    match same_open_file(place(&file), place(&copy)) {
        Ok(same) => assert!(same),
        Err(error) => return skipped::because(error),
    }
    assert!(!same_open_file(place(&file), place(&stranger)).unwrap());
}

#[test]
fn a_closed_descriptor_is_not_found() {
    const FREE: RawFd = 65_000;
    let error = open_file(Pid::this(), FREE).unwrap_err();
    assert!(matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::Unsupported), "{error}");
}

const HEADERS: usize = 14 + 20 + 8;

#[test]
fn each_packet_of_the_port_is_heard_once_and_no_other() {
    let [here, elsewhere] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
    let [port, other] = [&here, &elsewhere].map(|socket| socket.local_addr().unwrap().port());
    let tap = match PacketCapture::open(Some(port), 64) {
        Ok(tap) => tap,
        Err(error) => return skipped::because(format!("packets cannot be captured: {error}")),
    };
    for length in [1, 2, 3] {
        here.send_to(&vec![0; length], ("127.0.0.1", other)).unwrap();
        elsewhere.send_to(&[0; 100], ("127.0.0.1", other)).unwrap();
    }
    let mut room = [0; 64];
    for length in [1, 2, 3] {
        let frame = tap.next_packet(&mut room, Duration::from_secs(5)).unwrap().unwrap();
        assert_eq!((frame.length, frame.bytes.len()), (HEADERS + length, HEADERS + length));
    }
    assert!(tap.next_packet(&mut room, Duration::ZERO).unwrap().is_none());
    here.send_to(&[0; 1000], ("127.0.0.1", other)).unwrap();
    let frame = tap.next_packet(&mut room, Duration::from_secs(5)).unwrap().unwrap();
    assert_eq!((frame.length, frame.bytes.len()), (HEADERS + 1000, 64));
    assert_eq!(tap.take_dropped().unwrap(), 0);
}

/// On a system that refuses, the refusal says why.
fn or_unsupported<T>(answer: io::Result<T>) -> Option<T> {
    let unsupported = |error: io::Error| {
        assert_eq!(error.kind(), io::ErrorKind::Unsupported, "{error}");
        skipped::because(error);
    };
    answer.map_err(unsupported).ok()
}

#[test]
fn a_confined_thread_may_use_what_it_was_given() {
    let chosen = usable_processors().unwrap()[0];
    std::thread::scope(|scope| {
        let confined =
            scope.spawn(|| or_unsupported(pin_thread(&[chosen])).map(|()| usable_processors().unwrap()));
        assert!(confined.join().unwrap().is_none_or(|usable| usable == [chosen]));
    });
}

#[test]
fn every_thread_of_a_confined_process_is() {
    let everywhere = usable_processors().unwrap();
    // Confined to where it may run anyway, so that the other tests of this process keep their processors.
    or_unsupported(pin_process(Pid::this(), &everywhere));
}

#[test]
fn an_unusable_processor_is_refused() {
    let error = pin_thread(&[1023]).unwrap_err();
    assert!([io::ErrorKind::InvalidInput, io::ErrorKind::Unsupported].contains(&error.kind()), "{error}");
}

#[test]
fn a_processor_is_a_thread_of_its_core() {
    let processor = usable_processors().unwrap()[0];
    match core_of(processor) {
        Ok(core) => assert!(core.threads.contains(&processor)),
        Err(error) => skipped::because(error),
    }
}

#[test]
fn our_account_can_be_had_by_number_too() {
    let Some(account) = or_unsupported(resource_usage(Pid::this())) else { return };
    assert!(account.cpu > Duration::ZERO);
    assert!(own_resource_usage().unwrap().cpu > Duration::ZERO);
}

/// Counts the system calls of this process, or skips the test if this user may not.
fn counting() -> Option<SystemCallCounter> {
    SystemCallCounter::start(&[Pid::this()]).map_err(skipped::because).ok()
}

#[test]
fn every_call_is_counted() {
    let Some(calls) = counting() else { return };
    let before = calls.count().unwrap();
    for _ in 0..1000 {
        std::hint::black_box(getppid());
    }
    // Other tests of this process make calls too.
    assert!(calls.count().unwrap() - before >= 1000);
}

#[test]
fn nobody_is_no_process() {
    assert!(SystemCallCounter::start(&[Pid::from_raw(i32::MAX)]).is_err());
}

#[test]
fn everything_is_told_or_says_why_not_and_no_name_comes_twice() {
    let all = machine_properties(&usable_processors().unwrap());
    for property in &all {
        assert!(!property.source.is_empty(), "{property:?}");
        let text = property.value.as_ref().unwrap_or_else(|why| why);
        assert!(!text.contains('\n') && !text.trim().is_empty(), "{property:?}");
        assert_eq!(all.iter().filter(|other| other.name == property.name).count(), 1, "{property:?}");
    }
}
