use super::*;
use crate::outcome::Outcome;
use crate::protocol::{Protocol, join_with_or};
use crate::server::Start;
use crate::transport::{TRANSPORTS, Transport};

const PAGE: &str = include_str!("../../docs/configuration.md");
/// Test cases for wrong configuration files, each a section of a title, a file, a line `---`, and the error.
const MISTAKES: &str = include_str!("mistakes.txt");
const ENTRY: &str = "[[expect]]\ncheck = 'echo/empty'\noutcome = 'fail'\nreason = 'known'\n";

fn parse(text: &str) -> Result<Config, FileError> {
    Config::parse(text, "echospec.toml", Path::new(""))
}

fn blocks(language: &str) -> Vec<&'static str> {
    let opening = format!("```{language}\n");
    PAGE.split(opening.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn every_mistake_is_shown_with_its_place() {
    let protocols = join_with_or(Protocol::built_ins().iter().map(|built_in| built_in.name));
    let transports = join_with_or(TRANSPORTS.iter().map(|transport| transport.name));
    let mut now = String::new();
    for section in MISTAKES.split("### ").skip(1) {
        let (title, rest) = section.split_once('\n').unwrap();
        let (text, _) = rest.split_once("---\n").unwrap();
        let error = parse(text).map_or_else(|error| error.to_string(), |_| "no error".into());
        let error = error.replace(&protocols, "PROTOCOLS").replace(&transports, "TRANSPORTS");
        now.push_str(&format!("### {title}\n{text}---\n{error}\n\n"));
    }
    assert!(now.trim_end() == MISTAKES.trim_end(), "the errors are now:\n{now}");
}

#[test]
fn examples_of_the_page_are_right_and_so_is_its_mistake() {
    for example in blocks("toml") {
        parse(example).unwrap_or_else(|error| panic!("{example}\n{error}"));
    }
    assert!(MISTAKES.contains(blocks("text")[0].trim_end()));
}

#[test]
fn every_key_is_explained() {
    for key in servers::KEYS {
        assert!(PAGE.contains(&format!("`{key}`")), "{key}");
    }
}

#[test]
fn servers_come_in_the_order_of_the_file() {
    let config = parse(blocks("toml")[0]).unwrap();
    let [echo, web] = config.servers() else { panic!() };
    assert_eq!((echo.spec.name(), web.spec.name()), (Some("echo"), Some("web")));
    assert!(echo.protocol_is_assumed && !web.protocol_is_assumed);
    assert_eq!(web.spec.protocol().name(), "http");
    let command = "python3 -m http.server --bind '{host}' --directory '{dir}/www' '{port}'";
    assert_eq!(web.spec.command_line(), command);
    assert_eq!(web.spec.setup().files.len(), 1);
    assert_eq!(config.expectations_for(&web.spec)[0].outcome, Outcome::Warn);
    assert!(config.expectations_for(&echo.spec).is_empty());
}

#[test]
fn protocol_of_a_server_has_its_name() {
    let config = parse(blocks("toml")[1]).unwrap();
    assert_eq!(config.servers()[0].spec.protocol().name(), "greeter");
}

#[test]
fn an_entry_applies_to_the_servers_that_its_glob_matches() {
    let mine = parse(&format!("{ENTRY}server = '*socat*PIPE*'\n")).unwrap();
    let number = |config: &Config, spec: &Spec| config.expectations_for(spec).len();
    let spec = |words: &[&str]| Spec::new(Transport::PIPE, Start::Bind, words.to_vec()).unwrap();
    assert_eq!(number(&mine, &spec(&["socat", "TCP-LISTEN:1", "PIPE"])), 1);
    assert_eq!(number(&mine, &spec(&["ncat", "-l"])), 0);
    assert_eq!(number(&mine, &spec(&["ncat"]).named("my socat PIPE")), 1);
    assert_eq!(number(&parse(ENTRY).unwrap(), &spec(&["ncat", "-l"])), 1);
}

#[test]
fn a_file_that_was_not_named_must_be_regular() {
    use nix::sys::stat::Mode;
    let place = tempfile::TempDir::new().unwrap();
    let usable = |name: &str| is_usable(place.path(), Path::new(name));
    nix::unistd::mkfifo(&place.path().join("fifo"), Mode::S_IRWXU).unwrap();
    fs::write(place.path().join("file"), ENTRY).unwrap();
    assert!(!usable("absent").unwrap());
    assert!(usable("file").unwrap());
    assert!(usable("fifo").unwrap_err().to_string().contains("is no regular file"));
}

#[test]
fn a_file_of_another_user_counts_only_where_few_can_write() {
    use std::os::unix::fs::{PermissionsExt, chown};
    if !nix::unistd::geteuid().is_root() {
        return testing::skip("only root can give a file to another user");
    }
    let place = tempfile::TempDir::new().unwrap();
    let usable = || is_usable(place.path(), Path::new("file"));
    fs::write(place.path().join("file"), ENTRY).unwrap();
    chown(place.path().join("file"), Some(65534), None).unwrap();
    assert!(usable().unwrap());
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    assert!(usable().unwrap_err().to_string().contains("belongs to another user"));
}

#[test]
fn an_unreadable_file_is_named() {
    let error = Config::read(Path::new("/no/such/file")).unwrap_err();
    assert!(error.to_string().contains("cannot read /no/such/file"), "{error}");
}
