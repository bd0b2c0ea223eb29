//! The machines: another C library, another processor, older kernels.

/// A machine on which the bundled servers are checked.
#[derive(Debug)]
pub struct Machine {
    pub name: &'static str,
    pub toolchain: Toolchain,
    /// The computer that runs the programs; none if this one does.
    pub emulator: Option<Emulator>,
}

/// How the programs are built.
#[derive(Debug)]
pub struct Toolchain {
    pub target: &'static str,
    pub cargo_options: &'static [&'static str],
    pub linker: &'static str,
    /// The package of Debian that has the linker.
    pub linker_package: &'static str,
}

/// An emulated computer, and the packages of Debian that it runs.
#[derive(Debug)]
pub struct Emulator {
    pub program: &'static str,
    /// The package of Debian that has the emulator.
    pub package: &'static str,
    pub options: &'static [&'static str],
    /// The serial console, as the kernel calls it.
    pub console: &'static str,
    /// The processor, as Debian calls it.
    pub architecture: &'static str,
    /// The beginning of the name of the kernel's package.
    pub kernel: &'static str,
    /// The release of Debian that has the kernel.
    pub release: &'static str,
}

pub const MACHINES: &[Machine] = &[
    Machine { name: "programs linked statically with musl", toolchain: MUSL, emulator: None },
    Machine { name: "arm64, in qemu: Debian 13's Linux 6.12", toolchain: ARM64, emulator: Some(ARM_SERVER) },
    Machine {
        name: "an old kernel, in qemu: Debian 11's Linux 5.10",
        toolchain: MUSL,
        emulator: Some(Emulator { kernel: "linux-image-5.10.0-", release: "bullseye", ..PC }),
    },
    Machine {
        name: "an old kernel, in qemu: Debian 12's Linux 6.1",
        toolchain: MUSL,
        emulator: Some(Emulator { kernel: "linux-image-6.1.0-", release: "bookworm", ..PC }),
    },
];

/// The programs as a release has them. The standard library brings musl and its start files; with those of musl-gcc,
/// which knows no static-pie, the programs crash at their start.
const MUSL: Toolchain = Toolchain {
    target: "x86_64-unknown-linux-musl",
    cargo_options: &["--release"],
    linker: "cc",
    linker_package: "gcc",
};

/// The programs with the assertions of a debug build.
const ARM64: Toolchain = Toolchain {
    target: "aarch64-unknown-linux-gnu",
    cargo_options: &["--config", "profile.dev.opt-level=1", "--config", "profile.dev.debug=0"],
    linker: "aarch64-linux-gnu-gcc",
    linker_package: "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
};

const ARM_SERVER: Emulator = Emulator {
    program: "qemu-system-aarch64",
    package: "qemu-system-arm",
    options: &["-machine", "virt", "-cpu", "neoverse-n1"],
    console: "ttyAMA0",
    architecture: "arm64",
    kernel: "linux-image-6.12.",
    release: "trixie",
};

const PC: Emulator = Emulator {
    program: "qemu-system-x86_64",
    package: "qemu-system-x86",
    options: &["-machine", "q35", "-cpu", "max"],
    console: "ttyS0",
    architecture: "amd64",
    kernel: "",
    release: "",
};
