//! A memory of several threads in which a load may return an old value, as far as C++20 allows it
//! ([atomics.order](https://eel.is/c++draft/atomics.order)): release, acquire and relaxed accesses, and sequentially
//! consistent fences. Loads are not delayed.
//!
//! Each location has its stores in modification order. Each thread has a view: for each location the oldest store that
//! it may still load. A release store carries the view of its thread, and an acquire load joins that view.

/// The index of a store, for each location.
type View<const LOCATIONS: usize> = [u8; LOCATIONS];

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Store<const LOCATIONS: usize> {
    value: u8,
    view: View<LOCATIONS>,
    /// Whether it is part of a read-modify-write operation: no store comes between it and the one before.
    modifies: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Views<const LOCATIONS: usize> {
    /// The stores that the thread has seen.
    current: View<LOCATIONS>,
    /// The stores that it will have seen after its next fence.
    acquired: View<LOCATIONS>,
    /// The stores that it had seen at its last fence.
    released: View<LOCATIONS>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Relaxed,
    /// Acquire of a load, release of a store.
    Synchronizes,
}

/// Memory whose locations are all 0 at first, and the views of its threads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Memory<const LOCATIONS: usize, const THREADS: usize> {
    stores: [Vec<Store<LOCATIONS>>; LOCATIONS],
    threads: [Views<LOCATIONS>; THREADS],
    /// The stores that the last sequentially consistent fence had seen.
    fenced: View<LOCATIONS>,
}

fn join<const LOCATIONS: usize>(to: &mut View<LOCATIONS>, from: &View<LOCATIONS>) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = (*to).max(*from));
}

impl<const LOCATIONS: usize, const THREADS: usize> Memory<LOCATIONS, THREADS> {
    pub fn new() -> Self {
        let first = Store { value: 0, view: [0; LOCATIONS], modifies: false };
        let zero = [0; LOCATIONS];
        Memory {
            stores: std::array::from_fn(|_| vec![first.clone()]),
            threads: std::array::from_fn(|_| Views { current: zero, acquired: zero, released: zero }),
            fenced: zero,
        }
    }

    /// Returns every value that a load by `thread` may return, each with the memory after it.
    pub fn load(&self, thread: usize, location: usize, order: Order) -> Vec<(u8, Self)> {
        let first = usize::from(self.threads[thread].current[location]);
        let load = |index: usize| {
            let mut next = self.clone();
            next.see(thread, location, index, order);
            (self.stores[location][index].value, next)
        };
        (first..self.stores[location].len()).map(load).collect()
    }

    /// Returns every memory after a store by `thread`.
    pub fn store(&self, thread: usize, location: usize, value: u8, order: Order) -> Vec<Self> {
        let first = usize::from(self.threads[thread].current[location]) + 1;
        let stores = &self.stores[location];
        let is_free = |index: &usize| stores.get(*index).is_none_or(|next| !next.modifies);
        let store = |index| {
            let mut next = self.clone();
            next.insert(thread, location, index, value, order, false);
            next
        };
        (first..=stores.len()).filter(is_free).map(store).collect()
    }

    /// Returns every value that a relaxed swap by `thread` may return, each with the memory after it.
    pub fn swap(&self, thread: usize, location: usize, value: u8) -> Vec<(u8, Self)> {
        let first = usize::from(self.threads[thread].current[location]);
        let stores = &self.stores[location];
        let is_free = |index: &usize| stores.get(*index + 1).is_none_or(|next| !next.modifies);
        let swap = |index: usize| {
            let mut next = self.clone();
            next.see(thread, location, index, Order::Relaxed);
            next.insert(thread, location, index + 1, value, Order::Relaxed, true);
            (stores[index].value, next)
        };
        (first..stores.len()).filter(is_free).map(swap).collect()
    }

    /// Executes a sequentially consistent fence.
    pub fn fence(&mut self, thread: usize) {
        let views = &mut self.threads[thread];
        join(&mut views.acquired, &self.fenced);
        views.current = views.acquired;
        views.released = views.acquired;
        self.fenced = views.acquired;
    }

    /// Whether `thread` can only load the last value of `location`: a plain access is no data race.
    pub fn is_ordered(&self, thread: usize, location: usize) -> bool {
        usize::from(self.threads[thread].current[location]) + 1 == self.stores[location].len()
    }

    /// Forgets the stores that no thread can load any more, so that memories that differ in them alone are equal.
    pub fn forget(&mut self) {
        for location in 0..LOCATIONS {
            let oldest = self.threads.iter().map(|views| views.current[location]).min().unwrap_or(0);
            self.stores[location].drain(..usize::from(oldest));
            self.stores[location][0].modifies = false;
            self.each_view(|view| view[location] = view[location].saturating_sub(oldest));
        }
    }

    fn see(&mut self, thread: usize, location: usize, index: usize, order: Order) {
        let view = self.stores[location][index].view;
        let views = &mut self.threads[thread];
        join(&mut views.acquired, &view);
        if order == Order::Synchronizes {
            join(&mut views.current, &view);
        }
        for view in [&mut views.current, &mut views.acquired] {
            view[location] = view[location].max(index as u8);
        }
    }

    fn insert(
        &mut self,
        thread: usize,
        location: usize,
        index: usize,
        value: u8,
        order: Order,
        modifies: bool,
    ) {
        self.shift(location, index);
        let index_of_store = index as u8;
        let views = &mut self.threads[thread];
        views.current[location] = index_of_store;
        views.acquired[location] = views.acquired[location].max(index_of_store);
        let mut view = if order == Order::Synchronizes { views.current } else { views.released };
        view[location] = index_of_store;
        if modifies {
            // It continues the release sequence of the store that it replaces.
            join(&mut view, &self.stores[location][index - 1].view);
        }
        self.stores[location].insert(index, Store { value, view, modifies });
    }

    /// Renumbers the stores of `location` from `index` on.
    fn shift(&mut self, location: usize, index: usize) {
        self.each_view(|view| view[location] += u8::from(usize::from(view[location]) >= index));
    }

    fn each_view(&mut self, change: impl FnMut(&mut View<LOCATIONS>)) {
        let threads = self.threads.iter_mut();
        let of_threads = threads.flat_map(|it| [&mut it.current, &mut it.acquired, &mut it.released]);
        let of_stores = self.stores.iter_mut().flatten().map(|store| &mut store.view);
        of_threads.chain(of_stores).chain([&mut self.fenced]).for_each(change);
    }
}
