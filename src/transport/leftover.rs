//! What a server makes that outlives it when it is killed, and no directory holds.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

type Remove = Box<dyn Fn() + Send>;

static ALL: Mutex<BTreeMap<u64, Remove>> = Mutex::new(BTreeMap::new());

/// It is removed with this value, or with [`remove_leftovers`].
pub(crate) struct Leftover(u64);

impl Leftover {
    pub fn new(remove: impl Fn() + Send + 'static) -> Leftover {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        all().insert(number, Box::new(remove));
        Leftover(number)
    }
}

impl Drop for Leftover {
    fn drop(&mut self) {
        let remove = all().remove(&self.0);
        if let Some(remove) = remove {
            remove();
        }
    }
}

impl fmt::Debug for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Leftover({})", self.0)
    }
}

/// Removes what all servers have made, for a program that ends without dropping them.
pub(crate) fn remove_leftovers() {
    for remove in std::mem::take(&mut *all()).into_values() {
        remove();
    }
}

fn all() -> MutexGuard<'static, BTreeMap<u64, Remove>> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}
