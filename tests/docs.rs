//! The README and the pages in `docs` show real output. Every console block is run, every generated table and
//! picture is made again, and compared. `ECHOSPEC_UPDATE_DOCS=1` writes tables and pictures instead.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anstyle_svg::Term;
use echospec::checks::AREAS;
use echospec::demo::DEMOS;
use echospec::sys::PacketCapture;

/// The command in the README's picture.
const PICTURE: &str =
    "check tcp --quick --jobs 1 --seed 7 -- perl fixtures/servers/perl/tcp_select.pl {host} {port}";

/// The width of the terminal in the picture.
const COLUMNS: usize = 110;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The README and every page in `docs`.
fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = docs.filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    [root().join("README.md")].into_iter().chain(pages).collect()
}

fn echospec(words: &[String], place: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_echospec"));
    command.args(words).env("TMPDIR", place).env("PATH", path());
    command
}

/// `PATH` with the programs that were just built in front.
fn path() -> OsString {
    let built = Path::new(env!("CARGO_BIN_EXE_echospec")).parent().unwrap().to_owned();
    let others = env::var_os("PATH").unwrap_or_default();
    env::join_paths([built].into_iter().chain(env::split_paths(&others))).unwrap()
}

#[test]
fn console_blocks_show_what_is_printed_today() {
    let mut shown = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let blocks = text.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        for block in blocks {
            if !can_run_here(block) {
                testing::skip(format!("cannot run here: {}", block.lines().next().unwrap()));
                continue;
            }
            assert_block(&page, block);
            shown += 1;
        }
    }
    assert!(shown >= 8, "the pages show only {shown} blocks");
}

fn assert_block(page: &Path, block: &str) {
    let (command, shown) = block.split_once('\n').unwrap();
    let words = shlex::split(command.strip_prefix("$ echospec ").expect(command)).unwrap();
    let place = tempfile::tempdir().unwrap();
    symlink(root().join("docs"), place.path().join("docs")).unwrap();
    let run = echospec(&words, place.path()).current_dir(&place).output().unwrap();
    let printed = [run.stdout, run.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    assert!(
        matches(&lines(shown), &lines(&printed)),
        "{command} prints:\n{printed}\n{} shows:\n{shown}",
        page.display()
    );
}

/// Only Linux tells where a process is blocked, and packet sockets need a privilege.
fn can_run_here(block: &str) -> bool {
    let tells = env::consts::OS == "linux" || !block.contains("blocked in");
    tells && (PacketCapture::check_permission().is_ok() || !block.starts_with("$ echospec capture"))
}

/// Lines without what changes from run to run: numbers, the width of columns, names of kernel functions.
fn lines(text: &str) -> Vec<String> {
    text.trim().lines().map(normal).collect()
}

fn normal(line: &str) -> String {
    let mut out = String::new();
    for letter in line.chars() {
        let letter = if letter.is_ascii_digit() { '0' } else { letter };
        let repeated = matches!(letter, '0' | ' ' | '─') && out.ends_with(letter);
        if !repeated {
            out.push(letter);
        }
    }
    match out.split_once("blocked in ") {
        Some((before, place)) => {
            let rest = place.trim_start_matches(|letter: char| letter.is_alphanumeric() || letter == '_');
            format!("{before}blocked in {rest}").trim().to_owned()
        }
        None => out.trim().to_owned(),
    }
}

/// Compares line by line; a line that holds only `…` stands for any number of lines.
fn matches(shown: &[String], printed: &[String]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first == "…" => {
            (0..=printed.len()).any(|skip| matches(rest, &printed[skip..]))
        }
        Some((first, rest)) => printed.first() == Some(first) && matches(rest, &printed[1..]),
    }
}

#[test]
fn tables_are_generated() {
    let tables = [("checks.md", "checks", checks()), ("demos.md", "demos", demos())];
    let more = [("bundled.md", "servers", servers()), ("scenes.md", "steps", echospec::scene::steps_table())];
    for (page, name, table) in tables.into_iter().chain(more) {
        let page = root().join("docs").join(page);
        let text = fs::read_to_string(&page).unwrap();
        let (before, rest) = text.split_once(&format!("<!-- generated: {name} -->\n")).expect(name);
        let (shown, after) = rest.split_once("<!-- end -->").expect(name);
        if shown == table {
            continue;
        }
        assert!(updates(), "{} is out of date: run this test with ECHOSPEC_UPDATE_DOCS=1", page.display());
        let new = format!("{before}<!-- generated: {name} -->\n{table}<!-- end -->{after}");
        fs::write(&page, new).unwrap();
    }
}

/// The scenes in `docs/scenes.md` are those that a reader copies.
#[test]
fn scenes_on_the_page_are_without_mistakes() {
    let text = fs::read_to_string(root().join("docs/scenes.md")).unwrap();
    let blocks = text.split("```text\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let scenes: Vec<&str> = blocks.filter(|block| block.starts_with('#')).collect();
    assert_eq!(scenes.len(), 5);
    scenes.iter().for_each(|text| drop(echospec::Scene::parse(text, "page.scene").unwrap()));
}

#[test]
fn editors_know_every_word_of_scenes() {
    use echospec::scene::highlighting::{keywords, textmate_grammar, vim_syntax};
    let files = [
        ("editors/vscode/syntaxes/scene.tmLanguage.json", textmate_grammar()),
        ("editors/vim/syntax/echospec-scene.vim", vim_syntax()),
    ];
    for (name, text) in files {
        let file = root().join(name);
        if updates() {
            fs::write(&file, &text).unwrap();
        }
        let shown = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(shown, text, "{name} is out of date: run this test with ECHOSPEC_UPDATE_DOCS=1");
    }
    for name in ["package.json", "language-configuration.json", "syntaxes/scene.tmLanguage.json"] {
        let text = fs::read_to_string(root().join("editors/vscode").join(name)).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    // The table of steps is what a reader knows: each of its words in lower-case letters is a keyword.
    let table = echospec::scene::steps_table();
    let steps = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    for word in steps.flat_map(|(step, _)| step.split(' ')).filter(|word| !word.contains('[')) {
        let is_value = word.chars().any(|letter| !letter.is_ascii_lowercase() && letter != '_');
        assert!(is_value || keywords().contains(word) || word == "TIME_WAIT", "{word} is not highlighted");
    }
}

fn updates() -> bool {
    env::var_os("ECHOSPEC_UPDATE_DOCS").is_some()
}

fn checks() -> String {
    let mut text = String::new();
    for area in AREAS {
        text += &format!(
            "\n**{}**: {}\n\n| check | level | for | what it verifies |\n|---|---|---|---|\n",
            area.name, area.summary
        );
        for check in area.checks {
            let kinds = check.transport_groups().join(", ");
            text += &format!("| `{}` | {} | {kinds} | {} |\n", check.id, check.level, check.sentence);
        }
    }
    text + "\n"
}

fn demos() -> String {
    let rows = DEMOS
        .iter()
        .map(|demo| format!("| `just demo-{}` | {} |\n", demo.name, demo.summary.replace('|', "\\|")));
    format!("| | |\n|---|---|\n{}", rows.collect::<String>())
}

/// Each bundled server with the first sentence of its file.
fn servers() -> String {
    let folder = glob::Pattern::escape(root().join("src/bin").to_str().unwrap());
    let files = |pattern: &str| glob::glob(&format!("{folder}/{pattern}")).unwrap().map(Result::unwrap);
    let row = |source: PathBuf| {
        let named = if source.ends_with("main.rs") { source.parent().unwrap() } else { &source };
        let name = named.file_stem().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&source).unwrap();
        let sentence = text.lines().next().unwrap().trim_start_matches("//! ");
        // In the order of the files' names: a dot comes after a hyphen.
        (format!("{name}."), format!("| `{name}` | {sentence} |\n"))
    };
    let rows: BTreeMap<_, _> =
        ["echo-*.rs", "echo-*/main.rs", "echo-*/echo-*.rs"].into_iter().flat_map(files).map(row).collect();
    format!("| server | what it is |\n|---|---|\n{}", rows.into_values().collect::<String>())
}

#[test]
fn picture_of_a_run_shows_what_is_printed_today() {
    let file = root().join("docs/check.svg");
    let place = tempfile::tempdir().unwrap();
    let words = shlex::split(PICTURE).unwrap();
    let run = echospec(&words, place.path()).current_dir(root()).env("CLICOLOR_FORCE", "1").output().unwrap();
    let text = format!("$ echospec {PICTURE}\n{}", String::from_utf8(run.stdout).unwrap());
    let drawn = Term::new().render_svg(&wrapped(&text, COLUMNS));
    if updates() {
        fs::write(&file, &drawn).unwrap();
    }
    let shown = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        text_of(&shown) == text_of(&drawn),
        "docs/check.svg is out of date: run this test with ECHOSPEC_UPDATE_DOCS=1; the run prints:\n{text}"
    );
}

/// Breaks lines after `columns` characters, as a terminal of that width does. Escape sequences take no room.
fn wrapped(text: &str, columns: usize) -> String {
    let (mut out, mut column, mut escaped) = (String::new(), 0, false);
    for letter in text.chars() {
        if !escaped && letter != '\x1b' && letter != '\n' && column == columns {
            out.push('\n');
            column = 0;
        }
        out.push(letter);
        column = if letter == '\n' { 0 } else { column + usize::from(!escaped && letter != '\x1b') };
        escaped = letter == '\x1b' || escaped && letter != 'm';
    }
    out
}

/// The text of a picture without spaces and without the values of numbers, wherever its lines are broken.
fn text_of(svg: &str) -> String {
    let pieces = svg.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text));
    let letters: String = pieces.flat_map(str::chars).filter(|letter| !letter.is_whitespace()).collect();
    normal(&letters)
}

#[test]
fn charts_are_drawn_from_the_comparison_that_is_shown() {
    let docs = root().join("docs");
    let place = tempfile::tempdir().unwrap();
    let mut run = Command::new(env!("CARGO_BIN_EXE_echospec"));
    run.args(["compare", "--from"]).arg(docs.join("comparison.json")).arg("--svg").arg(place.path());
    assert!(run.output().unwrap().status.success());
    let [shown, drawn] =
        [&docs, place.path()].map(|it| fs::read_to_string(it.join("overview-same.svg")).unwrap());
    assert!(shown == drawn, "draw it again: echospec compare --from docs/comparison.json --svg docs");
}

#[test]
fn readme_has_at_most_200_lines() {
    let length = fs::read_to_string(root().join("README.md")).unwrap().lines().count();
    assert!(length <= 200, "README.md has {length} lines; move details to docs");
}

#[test]
fn links_between_pages_lead_to_files() {
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for rest in text.split("](").skip(1) {
            let target = rest.split([')', '#']).next().unwrap();
            let local = !target.is_empty() && !target.contains("://");
            let file = page.parent().unwrap().join(target);
            assert!(!local || file.exists(), "{} links to {target}, which does not exist", page.display());
        }
    }
}

/// The blocks of `docs/stdio.md` in `language`.
fn stdio_blocks(language: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("docs/stdio.md")).unwrap();
    let start = format!("```{language}\n");
    text.split(&start).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn commands_for_stdio_servers_are_accepted() {
    let place = tempfile::tempdir().unwrap();
    let blocks = [stdio_blocks("sh"), stdio_blocks("yaml")].concat().concat();
    let commands: Vec<_> = blocks.lines().filter(|line| line.contains("echospec check")).collect();
    assert!(commands.len() > 4);
    for command in commands {
        let (options, _) = command.split_once(" -- ").unwrap();
        let options = options.trim().replace("$GITHUB_STEP_SUMMARY", "summary.md").replace('"', "");
        let words: Vec<_> = options.split_whitespace().skip(1).map(str::to_owned).collect();
        let mut run = echospec(&words, place.path());
        let output =
            run.args(["--only", "no/such", "--", "true"]).current_dir(place.path()).output().unwrap();
        // Exit code 4: the command line is right, and selects no check.
        assert_eq!(output.status.code(), Some(4), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn pytest_example_passes_and_fails() {
    if Command::new("python3").arg("--version").output().is_err() {
        return testing::skip("python3 is not installed");
    }
    let example = stdio_blocks("python").concat() + "\ntest_server_is_sound()\n";
    let sound = format!("exec python3 {}", root().join("fixtures/servers/python/mcp_threads.py").display());
    let run = run_pytest_example(&example, &sound);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let run = run_pytest_example(&example, &format!("echo ready; {sound}"));
    let text = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(
        !run.status.success() && text.contains("AssertionError") && text.contains("stdio/protocol-only"),
        "{text}"
    );
}

/// Runs the example with a program `my-server` that is this shell script.
fn run_pytest_example(example: &str, script: &str) -> std::process::Output {
    let place = tempfile::tempdir().unwrap();
    let server = place.path().join("my-server");
    fs::write(&server, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&server, fs::Permissions::from_mode(0o755)).unwrap();
    let folders = [place.path().to_owned()].into_iter().chain(env::split_paths(&path()).collect::<Vec<_>>());
    let mut python = Command::new("python3");
    python.args(["-c", example]).env("PATH", env::join_paths(folders).unwrap());
    python.current_dir(place.path()).output().unwrap()
}

#[test]
fn ellipsis_stands_for_any_number_of_lines() {
    let all = lines("a\nb 12\nc");
    assert!(matches(&lines("a\nb 7\nc"), &all));
    assert!(matches(&lines("a\n…\nc"), &all));
    assert!(!matches(&lines("a\nc"), &all));
}
