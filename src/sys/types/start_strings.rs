//! The strings that macOS keeps of a process's start. Their form is here, so that its tests run on every system.

use std::ffi::c_int;

/// Returns the program's arguments, its name first, from a block that `KERN_PROCARGS2` of sysctl(3) returned.
pub fn arguments(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (count, strings) = count_and_strings(block);
    strings.take(count)
}

/// Returns the environment from a block that `KERN_PROCARGS2` of sysctl(3) returned. The kernel's strings for the
/// loader follow it.
pub fn environment(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (count, strings) = count_and_strings(block);
    strings.skip(count).filter(|entry| !entry.is_empty())
}

/// Returns the number of arguments in a block of `KERN_PROCARGS2` of sysctl(3), and the block's strings from the first
/// argument on.
fn count_and_strings(block: &[u8]) -> (usize, impl Iterator<Item = &[u8]>) {
    let (count, strings) = block.split_first_chunk().unwrap_or((&[0; 4], &[]));
    let after_path = strings.split(|&byte| byte == 0).skip(1);
    (c_int::from_ne_bytes(*count).max(0) as usize, after_path.skip_while(|padding| padding.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block as `sysctl_procargsx` in XNU fills it: the number, the path, padding, arguments, environment, and the
    /// kernel's own strings behind an empty one.
    fn block(count: i32, strings: &[u8]) -> Vec<u8> {
        [&count.to_ne_bytes()[..], strings].concat()
    }

    fn words<'a>(found: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
        found.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    }

    #[test]
    fn splits_arguments_and_environment() {
        let strings = b"/bin/server\0\0\0\0./server\0-v\0file\0MARK=1\0HOME=/\0\0ptr_munge=\0";
        let block = block(3, strings);
        assert_eq!(words(arguments(&block)), ["./server", "-v", "file"]);
        assert_eq!(words(environment(&block)), ["MARK=1", "HOME=/", "ptr_munge="]);
    }

    #[test]
    fn keeps_an_empty_argument() {
        let block = block(3, b"/bin/a\0\0a\0\0b\0MARK=1\0");
        assert_eq!(words(arguments(&block)), ["a", "", "b"]);
        assert_eq!(words(environment(&block)), ["MARK=1"]);
    }

    #[test]
    fn restricted_program_shows_no_environment() {
        let block = block(2, b"/bin/cat\0\0cat\0-u\0");
        assert_eq!(words(arguments(&block)), ["cat", "-u"]);
        assert_eq!(environment(&block).count(), 0);
    }

    #[test]
    fn a_short_block_has_no_strings() {
        for block in [&b""[..], b"\0", &1_i32.to_ne_bytes()] {
            assert_eq!((arguments(block).count(), environment(block).count()), (0, 0), "{block:?}");
        }
    }
}
