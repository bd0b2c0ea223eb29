//! Kernel variables: sysctlbyname(3).

use std::ffi::{CString, c_int};
use std::io;
use std::ptr;

use nix::errno::Errno;
use nix::libc;

use crate::sys::types::MachineProperty;

/// The type of the value that a sysctl variable holds. The kernel returns bytes without a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VariableType {
    Text,
    Number,
}

/// Reads the sysctl variable `name` as a property of the machine.
pub fn read_property(name: &'static str, kind: VariableType) -> MachineProperty {
    let value = match kind {
        VariableType::Text => read_text(name),
        VariableType::Number => number(name),
    };
    MachineProperty::new(name, "sysctl(8)", value)
}

/// Reads the sysctl variable `name` as text.
pub fn read_text(name: &str) -> io::Result<String> {
    let bytes = read(name)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.trim_end_matches('\0').trim().to_owned())
}

/// Reads the value of the sysctl variable `name`: a number of four or eight bytes in native byte order.
fn number(name: &str) -> io::Result<String> {
    let bytes = read(name)?;
    if let Ok(short) = <[u8; 4]>::try_from(&bytes[..]) {
        return Ok(c_int::from_ne_bytes(short).to_string());
    }
    let long = <[u8; 8]>::try_from(&bytes[..]).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(i64::from_ne_bytes(long).to_string())
}

#[expect(unsafe_code, reason = "sysctlbyname(3) is untyped")]
fn read(name: &str) -> io::Result<Vec<u8>> {
    let name = CString::new(name)?;
    let mut length = 0;
    // SAFETY: the name ends with NUL. Without a buffer for the value, the call writes only the length.
    let known =
        unsafe { libc::sysctlbyname(name.as_ptr(), ptr::null_mut(), &raw mut length, ptr::null_mut(), 0) };
    Errno::result(known)?;
    let mut bytes = vec![0_u8; length];
    // SAFETY: the buffer has room for `length` bytes, and the call writes no more.
    let read = unsafe {
        libc::sysctlbyname(name.as_ptr(), bytes.as_mut_ptr().cast(), &raw mut length, ptr::null_mut(), 0)
    };
    Errno::result(read)?;
    bytes.truncate(length);
    Ok(bytes)
}
