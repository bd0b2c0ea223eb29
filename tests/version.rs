//! `echospec --version` names the commit, without git: the build script finds it in files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

#[test]
fn version_names_the_build() {
    let output = Command::new(env!("CARGO_BIN_EXE_echospec")).arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let build = text.strip_prefix(concat!("echospec ", env!("CARGO_PKG_VERSION"))).expect(&text);
    let is_commit = |text: &str| text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let named = build.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    assert!(named.is_none_or(|named| named == "debug build" || is_commit(named)), "{text}");
}

/// The build script, compiled, and a directory that stands for the package.
struct Script {
    folder: TempDir,
}

impl Script {
    fn compiled() -> Option<Script> {
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("build.rs");
        let mut rustc = Command::new("rustc");
        rustc.args(["--edition", "2024", "-o"]).arg(folder.path().join("script")).arg(source);
        match rustc.status() {
            Ok(status) => assert!(status.success()),
            Err(error) => {
                testing::skip(format!("rustc cannot be run: {error}"));
                return None;
            }
        }
        fs::create_dir(folder.path().join("package")).unwrap();
        Some(Script { folder })
    }

    fn package(&self) -> PathBuf {
        self.folder.path().join("package")
    }

    /// Writes the files into a new package, and returns what the script prints for a build with `profile`.
    fn output(&self, files: &[(&str, &str)], profile: &str, commit: Option<&str>) -> String {
        let package = self.package();
        fs::remove_dir_all(&package).unwrap();
        fs::create_dir(&package).unwrap();
        for (name, text) in files {
            let file = package.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let mut script = Command::new(self.folder.path().join("script"));
        script.env_clear().env("CARGO_MANIFEST_DIR", package.join("root")).env("PROFILE", profile);
        script.envs(commit.map(|commit| ("ECHOSPEC_COMMIT", commit)));
        String::from_utf8(script.output().unwrap().stdout).unwrap()
    }

    /// Returns the part of the version after the number.
    fn build(&self, files: &[(&str, &str)], profile: &str, commit: Option<&str>) -> String {
        let output = self.output(files, profile, commit);
        let line = output.lines().find_map(|line| line.strip_prefix("cargo::rustc-env=ECHOSPEC_BUILD="));
        line.unwrap().to_owned()
    }
}

#[test]
fn build_script_finds_the_commit_without_git() {
    let Some(script) = Script::compiled() else { return };
    let packaged =
        format!("{{\n  \"git\": {{\n    \"sha1\": \"{COMMIT}\"\n  }},\n  \"path_in_vcs\": \"\"\n}}");
    let line = format!("{COMMIT}\n");
    let packed =
        format!("# pack-refs with: peeled\n{COMMIT} refs/heads/main\nffffffffff refs/heads/not-main\n");
    let cases: [&[(&str, &str)]; 5] = [
        &[("root/.cargo_vcs_info.json", &packaged)],
        &[("root/.git/HEAD", &line)],
        &[("root/.git/HEAD", "ref: refs/heads/main\n"), ("root/.git/refs/heads/main", &line)],
        &[("root/.git/HEAD", "ref: refs/heads/main\n"), ("root/.git/packed-refs", &packed)],
        &[
            ("root/.git", "gitdir: ../main/.git/worktrees/root\n"),
            ("main/.git/worktrees/root/HEAD", "ref: refs/heads/topic\n"),
            ("main/.git/worktrees/root/commondir", "../..\n"),
            ("main/.git/refs/heads/topic", &line),
        ],
    ];
    for files in cases {
        assert_eq!(script.build(files, "release", None), " (0123456789)", "{files:?}");
        assert_eq!(script.build(files, "debug", None), " (debug build)", "{files:?}");
    }
    for files in [&[][..], &[("root/.git/HEAD", "ref: refs/heads/none\n")], &[("root/.git", "nonsense")]] {
        assert_eq!(script.build(files, "release", None), "", "{files:?}");
        assert_eq!(script.build(files, "debug", Some(COMMIT)), " (0123456789)", "{files:?}");
    }
    assert_eq!(script.build(&[], "release", Some("no commit")), "");
}

#[test]
fn debug_build_does_not_depend_on_the_commit() {
    let Some(script) = Script::compiled() else { return };
    let line = format!("{COMMIT}\n");
    let files = [
        ("root/.git/HEAD", "ref: refs/heads/main\n"),
        ("root/.git/refs/heads/main", &line),
        ("root/.git/logs/HEAD", "x"),
    ];
    assert!(!script.output(&files, "debug", None).contains(".git"));
    let output = script.output(&files, "release", None);
    for file in ["HEAD", "logs/HEAD", "refs/heads/main"] {
        assert!(output.contains(&format!("root/.git/{file}\n")), "{output}");
    }
}
