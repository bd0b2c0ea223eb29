//! The GitHub action runs as far as it can without GitHub, and the workflows are linted.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use tempfile::TempDir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the path of `program`, or skips the test if the program is not installed.
fn installed(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file());
    if found.is_none() {
        testing::skip(format!("{program} is not installed"));
    }
    found
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// A step of the action that runs a script.
struct Step {
    /// Variables, each with the expression that GitHub replaces by a value.
    variables: Vec<(String, String)>,
    script: String,
}

impl Step {
    /// Reads the step with this `id` from action.yml.
    fn of_action(id: &str) -> Step {
        let action = fs::read_to_string(root().join("action.yml")).unwrap();
        let (_, rest) = action.split_once(&format!("      id: {id}\n")).expect(id);
        let step = rest.split("\n    - name:").next().unwrap();
        let (head, script) = step.split_once("      run: |\n").expect(id);
        let variable = |line: &str| {
            let (name, value) = line.strip_prefix("        ")?.split_once(": ")?;
            let expression = value.strip_prefix("${{ ").and_then(|rest| rest.strip_suffix(" }}"));
            Some((name.to_owned(), expression.expect("an expression").to_owned()))
        };
        let script = script.lines().map(|line| line.strip_prefix("        ").unwrap_or(line));
        Step {
            variables: head.lines().filter_map(variable).collect(),
            script: script.collect::<Vec<_>>().join("\n"),
        }
    }

    /// Runs the step as GitHub does, in `place`, where each expression has the value in `values`.
    fn run(&self, place: &Path, values: &[(&str, &str)]) -> Output {
        let value = |expression: &String| {
            let found = values.iter().find(|(name, _)| name == expression);
            found.unwrap_or_else(|| panic!("the action uses '{expression}', which this test does not know")).1
        };
        let variables = self.variables.iter().map(|(name, expression)| (name, value(expression)));
        let mut bash = Command::new("bash");
        bash.args(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", &self.script]).envs(variables);
        for file in ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] {
            bash.env(file, place.join(file));
        }
        bash.current_dir(place).output().unwrap()
    }
}

/// Returns the output called `name` that the last step has set.
fn output_of_step(place: &Path, name: &str) -> String {
    let outputs = fs::read_to_string(place.join("GITHUB_OUTPUT")).unwrap();
    let line = outputs.lines().rev().find_map(|line| line.strip_prefix(&format!("{name}=")));
    line.expect(name).to_owned()
}

fn check(place: &TempDir, program: &str, arguments: &str) -> Output {
    let values = [
        ("inputs.program || steps.install.outputs.program", program),
        ("inputs.arguments", arguments),
        ("inputs.directory", "."),
        ("runner.temp", place.path().to_str().unwrap()),
    ];
    Step::of_action("check").run(place.path(), &values)
}

#[test]
fn action_checks_a_server_and_writes_reports() {
    let Some(_) = installed("bash") else { return };
    let place = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_echospec");
    // The quotes are those of a shell; the command in backquotes must not be run.
    let arguments = "pipe --only echo/empty --env 'WORDS=a `touch run` $HOME'\n--seed 7 -- cat";
    let run = check(&place, program, arguments);
    assert!(run.status.success(), "{}", text(&run));
    assert!(!place.path().join("run").exists());
    let reports = PathBuf::from(output_of_step(place.path(), "reports"));
    for file in ["report.xml", "report.sarif", "report.html", "events.ndjson"] {
        assert!(fs::metadata(reports.join(file)).unwrap().len() > 0, "{file}");
    }
    let summary = fs::read_to_string(place.path().join("GITHUB_STEP_SUMMARY")).unwrap();
    assert!(summary.starts_with("### echospec"), "{summary}");
}

#[test]
fn action_fails_with_the_check_and_annotates_it() {
    let Some(_) = installed("bash") else { return };
    let place = tempfile::tempdir().unwrap();
    let arguments = "pipe --only echo/one-byte --timeout-scale 0.1 -- sed ''";
    let run = check(&place, env!("CARGO_BIN_EXE_echospec"), arguments);
    assert_eq!(run.status.code(), Some(1), "{}", text(&run));
    assert!(text(&run).contains("::error "), "{}", text(&run));
}

#[test]
fn action_without_arguments_checks_the_servers_of_the_file() {
    let Some(_) = installed("bash") else { return };
    let place = tempfile::tempdir().unwrap();
    let config = "[server.cat]\ntransport = \"pipe\"\ncommand = \"cat\"\n";
    fs::write(place.path().join("echospec.toml"), config).unwrap();
    let run = check(&place, env!("CARGO_BIN_EXE_echospec"), "");
    assert!(run.status.success() && text(&run).contains("1 server: 1 as expected"), "{}", text(&run));
}

/// The target of the release for this system, as action.yml chooses it.
fn target() -> Option<&'static str> {
    Some(match (env::consts::OS, env::consts::ARCH) {
        ("linux", "x86_64") => "x86_64-unknown-linux-musl",
        ("linux", "aarch64") => "aarch64-unknown-linux-musl",
        ("macos", "x86_64") => "x86_64-apple-darwin",
        ("macos", "aarch64") => "aarch64-apple-darwin",
        _ => return None,
    })
}

#[test]
fn action_installs_what_the_release_has_packed() {
    let (Some(_), Some(_)) = (installed("bash"), installed("curl")) else { return };
    let Some(target) = target() else {
        testing::skip("there is no release for this system");
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let built = place.path().join(format!("built/{target}/release"));
    fs::create_dir_all(&built).unwrap();
    for program in [env!("CARGO_BIN_EXE_echospec"), env!("CARGO_BIN_EXE_echo-tcp")] {
        fs::copy(program, built.join(Path::new(program).file_name().unwrap())).unwrap();
    }
    fs::write(built.join("echo-tcp.d"), "no program").unwrap();
    let downloads = place.path().join("owner/echospec/releases/download/v1.2.3");
    let mut pack = Command::new(root().join(".github/pack.sh"));
    pack.arg(target).arg(&downloads).current_dir(root()).env("CARGO_TARGET_DIR", place.path().join("built"));
    let packed = pack.output().unwrap();
    assert!(packed.status.success(), "{}", text(&packed));

    let server = format!("file://{}", place.path().display());
    let values = [
        ("inputs.version", ""),
        ("github.action_ref", "v1.2.3"),
        ("github.action_repository", "owner/echospec"),
        ("github.server_url", &server),
        ("runner.temp", place.path().to_str().unwrap()),
    ];
    let run = Step::of_action("install").run(place.path(), &values);
    assert!(run.status.success(), "{}", text(&run));
    let program = output_of_step(place.path(), "program");
    let run = check(&place, &program, "tcp --only port/exclusive -- echo-tcp {addr}");
    assert!(run.status.success(), "{}", text(&run));
    assert!(!Path::new(&program).with_file_name("echo-tcp.d").exists());

    let archive = downloads.join(format!("echospec-{target}.tar.gz"));
    fs::write(archive, "another file").unwrap();
    let run = Step::of_action("install").run(place.path(), &values);
    assert!(!run.status.success(), "{}", text(&run));
}

#[test]
fn package_has_what_a_build_needs() {
    let Some(cargo) = installed("cargo") else { return };
    let list = ["package", "--list", "--allow-dirty", "--offline", "--package", "echospec"];
    let output = Command::new(cargo).args(list).current_dir(root()).output().unwrap();
    let files = String::from_utf8(output.stdout).unwrap();
    let has = |file: &str| files.lines().any(|line| line == file);
    for file in ["build.rs", "src/main.rs", "src/bin/echo-tcp.rs", "protocols/http.toml", "docs/protocols.md"]
    {
        assert!(has(file), "{file} is missing in:\n{files}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(!files.contains("fixtures/") && !files.contains("tests/cli.rs"), "{files}");
}

#[test]
fn workflows_and_action_are_valid() {
    let Some(validator) = installed("check-jsonschema") else { return };
    let workflows = fs::read_dir(root().join(".github/workflows")).unwrap();
    let workflows: Vec<_> = workflows.map(|entry| entry.unwrap().path()).collect();
    for (schema, files) in
        [("github-workflows", workflows), ("github-actions", vec![root().join("action.yml")])]
    {
        let mut command = Command::new(&validator);
        command.args(["--builtin-schema", &format!("vendor.{schema}")]).args(files);
        let run = command.output().unwrap();
        assert!(run.status.success(), "{}", text(&run));
    }
}

#[test]
fn workflows_and_action_are_safe() {
    let Some(zizmor) = installed("zizmor") else { return };
    let mut command = Command::new(zizmor);
    command.args(["--offline", "--no-progress", ".github/workflows", "action.yml"]).current_dir(root());
    let run = command.output().unwrap();
    assert!(run.status.success(), "{}", text(&run));
}
