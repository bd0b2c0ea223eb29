//! The packages of Debian that an emulated machine runs: a kernel and busybox, each as a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::list::Emulator;

/// A folder with packages that were downloaded.
#[derive(Debug)]
pub struct Packages<'a>(pub &'a Path);

impl Packages<'_> {
    /// Returns the packages that `emulator` needs and the folder lacks.
    pub fn missing(&self, emulator: &Emulator) -> Vec<String> {
        let Emulator { architecture, release, kernel, .. } = emulator;
        let wanted = [(*kernel, format!("linux-image-{architecture}")), (BUSYBOX, BUSYBOX.to_owned())];
        let missing = wanted.iter().filter(|(start, _)| self.find(start, architecture).is_none());
        let describe = |(start, package): &(&str, String)| {
            format!(
                "{start}*_{architecture}.deb in {} (https://packages.debian.org/{release}/{package})",
                self.0.display()
            )
        };
        missing.map(describe).collect()
    }

    /// Unpacks the kernel into `place`, and returns its path.
    pub fn kernel(&self, emulator: &Emulator, place: &Path) -> Result<PathBuf> {
        self.unpack(emulator.kernel, emulator.architecture, "./boot/vmlinuz-*", place)?;
        let kernel = fs::read_dir(place.join("boot"))?.next().context("the package has no kernel")??;
        Ok(kernel.path())
    }

    /// Unpacks busybox into `place`, and returns its path.
    pub fn busybox(&self, emulator: &Emulator, place: &Path) -> Result<PathBuf> {
        self.unpack(BUSYBOX, emulator.architecture, "./*bin/busybox", place)?;
        let places = [place.join("bin/busybox"), place.join("usr/bin/busybox")];
        places.into_iter().find(|path| path.exists()).context("the package has no busybox")
    }

    /// Returns the newest package whose name begins with `start`.
    fn find(&self, start: &str, architecture: &str) -> Option<PathBuf> {
        let end = format!("_{architecture}.deb");
        let names = fs::read_dir(self.0).ok()?.flatten().map(|entry| entry.path());
        let is_wanted = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(start) && name.ends_with(&end)
        };
        names.filter(is_wanted).max()
    }

    fn unpack(&self, start: &str, architecture: &str, files: &str, place: &Path) -> Result<()> {
        let package = self.find(start, architecture).with_context(|| format!("no {start}"))?;
        let mut archive = Command::new("dpkg-deb")
            .arg("--fsys-tarfile")
            .arg(&package)
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run dpkg-deb")?;
        let tar = archive.stdout.take().context("dpkg-deb has no output")?;
        // For tar(1), a folder that follows the names is not theirs.
        let status = Command::new("tar")
            .args(["-x", "-C"])
            .arg(place)
            .args(["--wildcards", files])
            .stdin(tar)
            .status()
            .context("cannot run tar")?;
        archive.wait()?;
        ensure!(status.success(), "cannot unpack {}", package.display());
        Ok(())
    }
}

const BUSYBOX: &str = "busybox-static";

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_package_is_unpacked_into_its_place() {
        if !Command::new("dpkg-deb").arg("--version").output().is_ok_and(|it| it.status.success()) {
            eprintln!("skipped: dpkg-deb is not installed");
            return;
        }
        let (source, place) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        for folder in ["tree/DEBIAN", "tree/bin", "packages"] {
            fs::create_dir_all(source.path().join(folder)).unwrap();
        }
        // dpkg-deb(1) takes the folder only with these permissions.
        fs::set_permissions(source.path().join("tree/DEBIAN"), Permissions::from_mode(0o755)).unwrap();
        let control =
            "Package: busybox-static\nVersion: 1\nArchitecture: all\nMaintainer: a\nDescription: b\n";
        fs::write(source.path().join("tree/DEBIAN/control"), control).unwrap();
        fs::write(source.path().join("tree/bin/busybox"), "c").unwrap();
        let package = source.path().join("packages/busybox-static_1_all.deb");
        let built =
            Command::new("dpkg-deb").arg("--build").arg(source.path().join("tree")).arg(&package).output();
        assert!(built.unwrap().status.success());
        let packages = source.path().join("packages");
        Packages(&packages).unpack(BUSYBOX, "all", "./*bin/busybox", place.path()).unwrap();
        assert_eq!(fs::read_to_string(place.path().join("bin/busybox")).unwrap(), "c");
    }
}
