//! The rings of shared memory in every order in which two processes can run, on a memory that returns old values as a
//! weakly ordered processor does. The steps are those of `shared_rings.rs` and of `src/bin/echo-shm/memory.rs`: a
//! change there needs the same change here. Hanging up is not among them.

use std::collections::HashSet;

mod memory_model;

use memory_model::Order::{self, Relaxed, Synchronizes};

/// The size of the ring in bytes.
const SIZE: u8 = 2;
/// The number of bytes that the writer sends to the reader.
const BYTES: u8 = 5;

const WRITER: usize = 0;
const READER: usize = 1;

/// Locations of each side, by its thread.
const MOVED: [usize; 2] = [0, 1];
const WAITS: [usize; 2] = [2, 3];
const ENDED: usize = 4;
/// The bytes, and a mark for each that its reader has taken it.
const CONTENT: usize = 5;
const TAKEN: usize = CONTENT + SIZE as usize;
const LOCATIONS: usize = TAKEN + SIZE as usize;

type Memory = memory_model::Memory<LOCATIONS, 2>;

/// How a side waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    Futex,
    Eventfd,
    Spin,
}

const WAYS: [Waiting; 3] = [Waiting::Futex, Waiting::Eventfd, Waiting::Spin];
const ASLEEP: [Waiting; 2] = [Waiting::Futex, Waiting::Eventfd];

/// The orders of the accesses, and the fences.
#[derive(Debug, Clone, Copy)]
struct Protocol {
    waiting: Waiting,
    store_moved: Order,
    load_moved: Order,
    store_ended: Order,
    load_ended: Order,
    fence_before_last_look: bool,
    fence_before_wake: bool,
    looks_before_sleep: bool,
}

const AS_WRITTEN: Protocol = Protocol {
    waiting: Waiting::Futex,
    store_moved: Synchronizes,
    load_moved: Synchronizes,
    store_ended: Synchronizes,
    load_ended: Synchronizes,
    fence_before_last_look: true,
    fence_before_wake: true,
    looks_before_sleep: true,
};

/// The next step of a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    /// Look at the other side, for the last time before it sleeps or not. The reader looks first whether the writer has
    /// ended.
    Look {
        last: bool,
    },
    LookAtCounter {
        last: bool,
        ended: bool,
    },
    SetFlag,
    FenceAfterFlag,
    Sleep,
    Asleep,
    /// Copy bytes until the own counter will be this.
    Copy {
        to: u8,
        next: u8,
    },
    StoreCounter {
        to: u8,
    },
    StoreEnd,
    FenceBeforeWake,
    LookAtFlag,
    ClearFlag,
    Ring,
    Done,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Side {
    step: Step,
    moved: u8,
    /// Whether the writer has stored that it ends.
    ended: bool,
    /// The eventfd by which it is woken.
    rung: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    memory: Memory,
    sides: [Side; 2],
}

type Next = Result<Vec<State>, &'static str>;

impl State {
    fn first() -> State {
        let side = Side { step: Step::Look { last: false }, moved: 0, ended: false, rung: false };
        State { memory: Memory::new(), sides: [side.clone(), side] }
    }

    /// Returns the states after one step of `me`: none if it sleeps or is done.
    fn after(&self, me: usize, protocol: &Protocol) -> Next {
        let other = 1 - me;
        Ok(match self.sides[me].step {
            Step::Look { last } if me == READER => {
                let found = self.memory.load(me, ENDED, protocol.load_ended);
                let step = |ended| Step::LookAtCounter { last, ended: ended == 1 };
                found.into_iter().map(|(ended, memory)| self.with(memory, me, step(ended))).collect()
            }
            Step::Look { last } => {
                vec![self.with(self.memory.clone(), me, Step::LookAtCounter { last, ended: false })]
            }
            Step::LookAtCounter { last, ended } => {
                let found = self.memory.load(me, MOVED[other], protocol.load_moved);
                let next =
                    |(moved, memory)| self.with(memory, me, self.found(me, moved, ended, last, protocol));
                found.into_iter().map(next).collect()
            }
            Step::SetFlag => self.stored(me, WAITS[me], 1, Relaxed, Step::FenceAfterFlag),
            Step::FenceAfterFlag => vec![self.fenced(
                me,
                protocol.fence_before_last_look,
                if protocol.looks_before_sleep { Step::Look { last: true } } else { Step::Sleep },
            )],
            Step::Sleep => self.slept(me, protocol),
            Step::Asleep | Step::Done => Vec::new(),
            Step::Copy { to, next } if next == to => {
                vec![self.with(self.memory.clone(), me, Step::StoreCounter { to })]
            }
            Step::Copy { to, next } => self.copied(me, to, next)?,
            Step::StoreCounter { to } => {
                let mut state = self.clone();
                state.sides[me].moved = to;
                state.stored(
                    me,
                    MOVED[me],
                    to,
                    protocol.store_moved,
                    state.sides[me].after_store(me, protocol),
                )
            }
            Step::StoreEnd => {
                let mut state = self.clone();
                state.sides[me].ended = true;
                state.stored(me, ENDED, 1, protocol.store_ended, state.sides[me].after_store(me, protocol))
            }
            Step::FenceBeforeWake => vec![self.fenced(me, protocol.fence_before_wake, Step::LookAtFlag)],
            Step::LookAtFlag => {
                let found = self.memory.load(me, WAITS[other], Relaxed);
                let step = |flag| if flag == 1 { Step::ClearFlag } else { self.sides[me].after_wake(me) };
                found.into_iter().map(|(flag, memory)| self.with(memory, me, step(flag))).collect()
            }
            Step::ClearFlag => {
                let found = self.memory.swap(me, WAITS[other], 0);
                let step = |flag| if flag == 1 { Step::Ring } else { self.sides[me].after_wake(me) };
                found.into_iter().map(|(flag, memory)| self.with(memory, me, step(flag))).collect()
            }
            Step::Ring => {
                let mut state = self.fenced(me, true, self.sides[me].after_wake(me));
                if protocol.waiting == Waiting::Eventfd && state.sides[other].step != Step::Asleep {
                    state.sides[other].rung = true;
                } else if state.sides[other].step == Step::Asleep {
                    state.memory.fence(other);
                    state.sides[other].step = Step::Look { last: false };
                }
                vec![state]
            }
        })
    }

    /// Returns the step after the other side's counter was found to be `moved`.
    fn found(&self, me: usize, moved: u8, ended: bool, last: bool, protocol: &Protocol) -> Step {
        let mine = self.sides[me].moved;
        let limit = if me == WRITER { (moved + SIZE).min(BYTES) } else { moved };
        // A copy ends where the ring does.
        let to = limit.min((mine / SIZE + 1) * SIZE);
        match () {
            () if to > mine => Step::Copy { to, next: mine },
            () if ended => Step::Done,
            () if protocol.waiting == Waiting::Spin => Step::Look { last: false },
            () if last => Step::Sleep,
            () => Step::SetFlag,
        }
    }

    /// Returns the state in which `me` sleeps, unless it was woken before: the kernel looks at a futex once more.
    fn slept(&self, me: usize, protocol: &Protocol) -> Vec<State> {
        let fenced = self.fenced(me, true, Step::Look { last: false });
        if protocol.waiting == Waiting::Eventfd {
            let mut state = fenced;
            if !std::mem::take(&mut state.sides[me].rung) {
                state.sides[me].step = Step::Asleep;
            }
            return vec![state];
        }
        let found = fenced.memory.load(me, WAITS[me], Relaxed);
        let step = |flag| if flag == 1 { Step::Asleep } else { Step::Look { last: false } };
        found.into_iter().map(|(flag, memory)| fenced.with(memory, me, step(flag))).collect()
    }

    /// Returns the states after byte number `next` was copied into the ring or out of it.
    fn copied(&self, me: usize, to: u8, next: u8) -> Next {
        let place = usize::from(next % SIZE);
        let (content, taken) = (CONTENT + place, TAKEN + place);
        if !self.memory.is_ordered(me, content) || !self.memory.is_ordered(me, taken) {
            return Err("data race");
        }
        let step = Step::Copy { to, next: next + 1 };
        if me == WRITER {
            return Ok(self.stored(me, content, next + 1, Relaxed, step));
        }
        if self.memory.load(me, content, Relaxed).iter().any(|(value, _)| *value != next + 1) {
            return Err("wrong byte");
        }
        Ok(self.stored(me, taken, next + 1, Relaxed, step))
    }

    fn with(&self, memory: Memory, me: usize, step: Step) -> State {
        let mut sides = self.sides.clone();
        sides[me].step = step;
        State { memory, sides }
    }

    fn stored(&self, me: usize, location: usize, value: u8, order: Order, step: Step) -> Vec<State> {
        let memories = self.memory.store(me, location, value, order);
        memories.into_iter().map(|memory| self.with(memory, me, step)).collect()
    }

    fn fenced(&self, me: usize, fence: bool, step: Step) -> State {
        let mut state = self.with(self.memory.clone(), me, step);
        if fence {
            state.memory.fence(me);
        }
        state
    }

    /// Returns why this state, from which no step leads, is wrong.
    fn end(&self) -> Result<(), &'static str> {
        match (self.sides[WRITER].step, self.sides[READER].step, self.sides[READER].moved) {
            (Step::Done, Step::Done, BYTES) => Ok(()),
            (Step::Done, Step::Done, _) => Err("lost bytes"),
            _ => Err("lost wake-up"),
        }
    }
}

impl Side {
    /// Returns the step after a counter was stored.
    fn after_store(&self, me: usize, protocol: &Protocol) -> Step {
        if protocol.waiting == Waiting::Spin { self.after_wake(me) } else { Step::FenceBeforeWake }
    }

    /// Returns the step after the other side was woken, or need not be.
    fn after_wake(&self, me: usize) -> Step {
        match () {
            () if self.ended => Step::Done,
            () if me == WRITER && self.moved == BYTES => Step::StoreEnd,
            () => Step::Look { last: false },
        }
    }
}

/// Runs the protocol in every order. Returns the number of states, or what goes wrong.
fn explore(protocol: &Protocol) -> Result<usize, &'static str> {
    let mut known = HashSet::from([State::first()]);
    let mut rest = vec![State::first()];
    while let Some(state) = rest.pop() {
        let next = [state.after(WRITER, protocol)?, state.after(READER, protocol)?].concat();
        if next.is_empty() {
            state.end()?;
        }
        for mut next in next {
            next.memory.forget();
            if known.insert(next.clone()) {
                rest.push(next);
            }
        }
    }
    Ok(known.len())
}

#[test]
fn no_order_of_steps_loses_a_byte_or_a_wake_up() {
    for waiting in WAYS {
        let states = explore(&Protocol { waiting, ..AS_WRITTEN });
        assert!(states.is_ok_and(|states| states > 50), "{waiting:?}: {states:?}");
    }
}

#[test]
fn every_order_and_fence_is_needed() {
    let p = AS_WRITTEN;
    let weaker: [(&str, &[Waiting], Protocol); 7] = [
        ("data race", &WAYS, Protocol { store_moved: Relaxed, ..p }),
        ("data race", &WAYS, Protocol { load_moved: Relaxed, ..p }),
        // A side that wakes the other has a fence before this store.
        ("lost bytes", &[Waiting::Spin], Protocol { store_ended: Relaxed, ..p }),
        ("lost bytes", &WAYS, Protocol { load_ended: Relaxed, ..p }),
        ("lost wake-up", &ASLEEP, Protocol { fence_before_last_look: false, ..p }),
        ("lost wake-up", &ASLEEP, Protocol { fence_before_wake: false, ..p }),
        ("lost wake-up", &ASLEEP, Protocol { looks_before_sleep: false, ..p }),
    ];
    for (fault, ways, protocol) in weaker {
        for waiting in ways {
            let protocol = Protocol { waiting: *waiting, ..protocol };
            assert_eq!(explore(&protocol), Err(fault), "{protocol:?}");
        }
    }
}
