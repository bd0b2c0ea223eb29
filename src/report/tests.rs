//! Compares every format of a fixed stream with the files in `golden/`, and feeds hostile text to each.
//!
//! After an intended change, `BLESS=1 cargo test --lib report::tests` writes the files. Read the difference before you
//! commit it.

use std::path::Path;
use std::{env, fs};

use rstest::rstest;
use serde_json::Value;

use super::record::{CheckFinished, Event, RunRecord, read};
use super::sample::{events, runs};
use super::{AtEnd, Events, FORMATS, Format, Reporter, TerminalReport, write_diff};
use crate::outcome::Outcome;

fn format(name: &str) -> Format {
    *FORMATS.iter().find(|format| format.name == name).unwrap()
}

fn rendered(name: &str, text: &str) -> String {
    let mut bytes = Vec::new();
    (format(name).render)(&runs(text), &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[rstest]
#[case("text", "txt")]
#[case("json", "json")]
#[case("junit", "xml")]
#[case("tap", "tap")]
#[case("markdown", "md")]
#[case("github", "github")]
#[case("sarif", "sarif")]
#[case("html", "html")]
fn writes_the_golden_file(#[case] name: &str, #[case] ending: &str) {
    let written = rendered(name, "");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/report/golden/report.{ending}"));
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &written).unwrap();
    }
    assert_eq!(written, fs::read_to_string(&path).unwrap(), "{}", path.display());
}

/// Text that a server may print to mislead a reader, a terminal, a browser or a CI system.
const HOSTILE: &str = "</script><script>alert(1)</script>&\"'\n::error title=x::y\r\n%0A::error::z\nnot ok 99 - x # TODO\n\
                       ]]>\u{1b}[31m\u{202e}|`@all #1\u{0}";

#[test]
fn junit_with_hostile_text_is_well_formed() {
    let xml = rendered("junit", HOSTILE);
    assert!(!xml.contains('\u{1b}') && !xml.contains('\u{0}'), "{xml}");
    let document = roxmltree::Document::parse(&xml).unwrap();
    let number = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).count();
    assert_eq!((number("testcase"), number("skipped"), number("error")), (14, 3, 2));
    assert_eq!((number("failure"), number("flakyFailure"), number("script")), (5, 1, 0));
}

#[test]
fn tap_with_hostile_text_has_its_lines_and_no_other() {
    let tap = rendered("tap", HOSTILE);
    let tests: Vec<_> = tap.lines().filter(|it| it.starts_with("ok ") || it.starts_with("not ok ")).collect();
    assert_eq!(tests.len(), 14, "{tap}");
    for (number, line) in (1..).zip(&tests) {
        assert!(line.contains(&format!("ok {number} - ")), "{line}");
    }
    assert_eq!(tests.iter().filter(|line| line.contains(" # TODO ")).count(), 1, "{tap}");
    assert!(tap.lines().all(|line| line.starts_with("  ") || !line.starts_with(' ')), "{tap}");
}

#[test]
fn github_commands_with_hostile_text_stay_on_their_lines() {
    let text = rendered("github", HOSTILE);
    for line in text.lines() {
        assert!(line.starts_with("::") || line.starts_with("echospec: 2 servers"), "{line}");
        assert_eq!(line.matches("::").count() >= 2, line.starts_with("::"), "{line}");
    }
    assert!(!text.contains('\r'));
    assert_eq!(text.lines().filter(|line| line.starts_with("::error")).count(), 6, "{text}");
}

#[test]
fn markdown_with_hostile_text_has_no_markup_of_it() {
    let text = rendered("markdown", HOSTILE);
    let mut fence = None;
    for line in text.lines() {
        let ticks = line.bytes().take_while(|&byte| byte == b'`').count();
        match fence {
            None if ticks >= 3 => fence = Some(ticks),
            Some(open) if ticks >= open && line.len() == ticks => fence = None,
            Some(_) => (),
            None => assert!(!line.contains("<script") && !line.contains("@all"), "{line}"),
        }
    }
    assert_eq!(fence, None);
}

#[test]
fn sarif_and_json_with_hostile_text_are_json() {
    for name in ["sarif", "json"] {
        let value: Value = serde_json::from_str(&rendered(name, HOSTILE)).unwrap();
        assert!(!value.is_null());
    }
}

#[test]
fn html_with_hostile_text_has_one_script_and_no_markup_of_it() {
    let page = rendered("html", HOSTILE);
    assert_eq!((page.matches("<script").count(), page.matches("</script").count()), (1, 1));
    assert_eq!(page.matches("alert(1)").count(), page.matches("&lt;script&gt;alert(1)").count());
    for loads in ["src=", "http-equiv=\"refresh\"", "@import", "url("] {
        assert!(!page.contains(loads), "the page loads nothing, but holds {loads}");
    }
}

#[test]
fn html_of_one_hostile_crash_in_many_checks_has_no_markup_of_it() {
    let mut runs = runs(HOSTILE);
    for check in &mut runs[0].checks {
        check.outcome = Outcome::Crash;
        check.reason = format!("the server has ended: {HOSTILE}");
        check.server_output = vec![HOSTILE.into()];
    }
    let mut page = Vec::new();
    (format("html").render)(&runs, &mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    assert!(page.contains("13 findings: the server exits: "), "{page}");
    assert_eq!((page.matches("<script").count(), page.matches("</script").count()), (1, 1));
}

/// As many servers, checks and findings as a run of all bundled and third-party servers has.
fn large_run() -> Vec<RunRecord> {
    const SERVERS: usize = 200;
    const CHECKS: usize = 120;
    const FINDINGS: usize = 3;
    let run = runs("").remove(0);
    let sample = |outcome| run.checks.iter().find(|check| check.outcome == outcome).unwrap();
    let mut failed = sample(Outcome::Fail).clone();
    failed.timeline = [failed.timeline.clone(), failed.timeline].concat();
    failed.recipe = failed.recipe.repeat(6);
    failed.reason = failed.why.repeat(4);
    let passed = sample(Outcome::Pass);
    let check = |number: usize| {
        let check = if number.is_multiple_of(CHECKS / FINDINGS) { &failed } else { passed };
        CheckFinished { check: format!("area/check-with-number-{number}"), ..check.clone() }
    };
    let checks: Vec<_> = (0..CHECKS).map(check).collect();
    (0..SERVERS).map(|_| RunRecord { checks: checks.clone(), ..run.clone() }).collect()
}

#[test]
fn html_of_all_servers_is_small() {
    let mut page = Vec::new();
    (format("html").render)(&large_run(), &mut page).unwrap();
    assert!(page.len() < 3 << 20, "{} bytes", page.len());
}

#[test]
fn terminal_report_escapes_hostile_text() {
    let text = rendered("text", &crate::text::printable(HOSTILE));
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{0}', '\r']), "{text}");
    assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{text}");
}

#[test]
fn events_in_a_file_give_the_same_report() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut written = Events::new(file.reopen().unwrap());
    for event in &events(HOSTILE) {
        written.event(event).unwrap();
    }
    let read: Vec<Event> = read(file.path()).unwrap();
    assert_eq!(read, events(HOSTILE));
    let mut bytes = Vec::new();
    let mut report = AtEnd::new(format("html"), &mut bytes);
    read.iter().for_each(|event| report.event(event).unwrap());
    report.finish().unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), rendered("html", HOSTILE));
}

#[test]
fn terminal_shows_no_heading_of_a_server_that_is_not_launched() {
    let mut bytes = Vec::new();
    let mut human = TerminalReport::new(&mut bytes);
    events("").iter().for_each(|event| human.event(event).unwrap());
    drop(human);
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("./my-server") && !text.contains("./other"), "{text}");
}

#[test]
fn diff_names_new_failures_and_fixes() {
    let (old, mut new) = (runs(""), runs(""));
    let check = |run: &mut RunRecord, id: &str, outcome| {
        run.checks.iter_mut().find(|check| check.check == id).unwrap().outcome = outcome;
    };
    check(&mut new[0], "fd/ends-with-pass", Outcome::Fail);
    check(&mut new[0], "echo/ends-with-crash", Outcome::Pass);
    check(&mut new[0], "echo/ends-with-fail", Outcome::Timeout);
    let mut bytes = Vec::new();
    assert_eq!(write_diff(&old, &new, &mut bytes).unwrap(), 1);
    let text = String::from_utf8(bytes).unwrap();
    let titles = ["newly failing: 1 check", "newly fixed: 1 check", "failing for another reason: 1 check"];
    assert!(titles.iter().all(|title| text.contains(title)), "{text}");
    let mut bytes = Vec::new();
    assert_eq!(write_diff(&old, &old, &mut bytes).unwrap(), 0);
    assert_eq!(String::from_utf8(bytes).unwrap(), "no difference in 13 checks\n");
}

#[test]
fn schema_describes_every_event() {
    let schema = super::record::schema();
    let text = schema.to_string();
    for name in ["run-started", "check-started", "check-finished", "run-finished"] {
        assert!(text.contains(&format!("\"const\":\"{name}\"")), "{text}");
    }
}
